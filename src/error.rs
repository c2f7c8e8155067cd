//! Errors with a kind, which decides the exit status, and with a hint where the user can do something. Other errors are
//! plain [`anyhow::Error`]s.

use std::fmt;

/// The kind of an error, which decides the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// What the user gave (arguments, source, environment files) cannot be used.
    Usage,
    /// The engine, or an image in it, cannot do what is needed.
    Engine,
    /// `assemble` ended with this exit status.
    Assemble(i32),
    /// The built image was run and ended with this exit status.
    App(i32),
    /// The signal with this number ended the run.
    Interrupted(i32),
    /// A newer save made the build pointless.
    Superseded,
}

impl ErrorKind {
    /// The exit status of a run that ends with an error of this kind.
    pub fn status(self) -> u8 {
        match self {
            ErrorKind::Usage => 2,
            ErrorKind::Engine => 125,
            ErrorKind::Assemble(status) | ErrorKind::App(status) => u8::try_from(status).unwrap_or(1).max(1),
            ErrorKind::Interrupted(signal) => u8::try_from(128 + signal).unwrap_or(130),
            // It ends a build, never a run.
            ErrorKind::Superseded => 1,
        }
    }
}

/// An error with its kind, and with a hint and a cause where there are any.
#[derive(Debug)]
pub struct Error {
    pub kind: ErrorKind,
    message: String,
    hint: Option<String>,
    cause: Option<anyhow::Error>,
}

impl Error {
    /// An error of the kind [`ErrorKind::Usage`].
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// An error of the kind [`ErrorKind::Engine`].
    pub fn engine(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Engine, message)
    }

    /// An error without a hint and a cause. The message is lower case, without a closing period.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, cause: None }
    }

    /// Sets what the user can do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Sets the error that caused this one.
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

/// The kind of the outermost [`Error`] in the chain; [`ErrorKind::Engine`] if there is none.
pub fn kind(error: &anyhow::Error) -> ErrorKind {
    classified(error).map(|error| error.kind).next().unwrap_or(ErrorKind::Engine)
}

/// Whether there is an [`Error`], which has a kind, in the chain.
pub fn is_classified(error: &anyhow::Error) -> bool {
    classified(error).next().is_some()
}

/// The outermost hint in the chain.
pub fn hint(error: &anyhow::Error) -> Option<&str> {
    classified(error).find_map(|error| error.hint.as_deref())
}

/// The errors with a kind in the chain, the outermost first.
fn classified(error: &anyhow::Error) -> impl Iterator<Item = &Error> {
    error.chain().filter_map(|cause| cause.downcast_ref::<Error>())
}
