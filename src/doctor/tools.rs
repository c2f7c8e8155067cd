//! git, and the terminal.

use std::io::{self, IsTerminal};

use anyhow::Result;

use super::check::Check;
use crate::cancel::Cancel;
use crate::git;
use crate::report;

/// Whether there is a git.
///
/// # Errors
/// If the run was interrupted.
pub fn check_git(cancel: &Cancel) -> Result<Check> {
    let version = git::version(cancel);
    cancel.check()?;
    Ok(match version {
        Ok(version) => Check::ok("git", version),
        Err(error) => Check::slow(
            "git",
            format!("{error:#}"),
            "install git: without it no repository can be cloned, images do not name their commit, and files that git tracks \
             in spite of a rule are not sent",
        ),
    })
}

/// Whether keys can be typed while a watch runs.
pub fn check_terminal() -> Check {
    let (input, errors) = (io::stdin().is_terminal(), report::is_terminal());
    Check::ok(
        "terminal",
        match (input, errors) {
            (true, true) => "keys are read while a watch runs; `?` lists them",
            (false, _) => "standard input is no terminal, so a watch reads no keys",
            (true, false) => "standard error is no terminal, so a watch reads no keys",
        },
    )
}
