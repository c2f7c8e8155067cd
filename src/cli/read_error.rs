//! Why a command line names no command to run, and how that is said.

use std::ffi::OsString;

use clap::Parser;

use super::commands::Cli;
use super::suggest;
use crate::report::escape::on_one_line;

/// Why the arguments do not name a command to run.
pub enum ReadError {
    /// What clap itself prints: help, the version, or one of its own errors.
    Answer(clap::Error),
    Error(anyhow::Error),
}

/// The best that can be said about arguments that clap refuses.
pub fn explained(error: clap::Error, args: &[OsString]) -> ReadError {
    match suggest::explain(&error, args) {
        Some(failure) => ReadError::Error(failure.into()),
        None => ReadError::Answer(answer(error, args)),
    }
}

/// What clap prints, with the words that were typed in a form that can be shown.
fn answer(error: clap::Error, args: &[OsString]) -> clap::Error {
    let shown = args.iter().map(|word| on_one_line(&word.to_string_lossy()).into_owned());
    match error.use_stderr() {
        true => Cli::try_parse_from(shown).err().filter(|shown| shown.kind() == error.kind()).unwrap_or(error),
        false => error,
    }
}
