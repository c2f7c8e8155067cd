//! Errors that somebody branches on: each has a kind, which decides the exit status, and maybe a cure.

use std::fmt;

/// What went wrong, as far as the exit status is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// What the user gave (arguments, source, environment files) can not be used.
    Usage,
    /// The engine, or an image in it, can not do what is needed.
    Engine,
    /// `assemble` ended with this exit status.
    Assemble(i32),
    /// The image that was built ran, and ended with this exit status.
    App(i32),
    /// This signal ended the run.
    Interrupted(i32),
    /// A newer save made the build pointless.
    Superseded,
}

impl ErrorKind {
    /// The exit status of a run that ends with this.
    pub fn status(self) -> u8 {
        match self {
            ErrorKind::Usage => 2,
            ErrorKind::Engine => 125,
            ErrorKind::Assemble(status) | ErrorKind::App(status) => u8::try_from(status).unwrap_or(1).max(1),
            ErrorKind::Interrupted(signal) => u8::try_from(128 + signal).unwrap_or(130),
            // It ends no run.
            ErrorKind::Superseded => 1,
        }
    }
}

/// An error with its kind and its cure. The causes below it are those of the [`anyhow::Error`] it came from.
#[derive(Debug)]
pub struct Error {
    pub kind: ErrorKind,
    message: String,
    hint: Option<String>,
    cause: Option<anyhow::Error>,
}

impl Error {
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    pub fn engine(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Engine, message)
    }

    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, cause: None }
    }

    /// Adds what the user can do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the error below this one.
    pub fn because(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().map(|cause| cause.as_ref() as _)
    }
}

/// The kind of the first [`Error`] in the chain; an error nobody classified is the engine's.
pub fn kind(error: &anyhow::Error) -> ErrorKind {
    failures(error).map(|failure| failure.kind).next().unwrap_or(ErrorKind::Engine)
}

/// Whether somebody said what kind of error this is.
pub fn is_classified(error: &anyhow::Error) -> bool {
    failures(error).next().is_some()
}

/// The cure nearest to the surface of the chain.
pub fn hint(error: &anyhow::Error) -> Option<&str> {
    failures(error).find_map(|failure| failure.hint.as_deref())
}

fn failures(error: &anyhow::Error) -> impl Iterator<Item = &Error> {
    error.chain().filter_map(|cause| cause.downcast_ref::<Error>())
}
