//! The configurations that `snippet` prints: each is read by a real parser of its format, the expressions in them are run
//! over the output of real builds, and the commands in them are started.

mod commands;
mod formats;
mod problems;
mod vscode_matcher;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::run::Run;

/// What `snippet` prints for these words after its name, called in a folder.
fn snippet_in(folder: &Path, words: &[&str]) -> String {
    let outcome = Run::new().arg("snippet").args(words).current_dir(folder).success();
    assert_eq!(outcome.stderr, "", "{outcome}");
    assert!(outcome.stdout.ends_with('\n') && !outcome.stdout.ends_with("\n\n"), "{outcome}");
    outcome.stdout
}

/// Runs a tool that may not be installed; `None`, and a line that says so, if it is not.
fn output_of(command: &mut Command) -> Option<Output> {
    match command.stdin(Stdio::null()).output() {
        Ok(output) => Some(output),
        Err(error) => {
            println!("not checked, since {:?} cannot be started: {error}", command.get_program());
            None
        }
    }
}

/// What a tool prints that must succeed; `None` if it is not installed.
#[track_caller]
fn printed_by(command: &mut Command) -> Option<String> {
    let output = output_of(command)?;
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{stdout}{stderr}", output.status);
    Some(stdout.into_owned())
}

/// The PATH of the tests, with the folder of the binary before all others.
fn path_with_binary() -> String {
    let folder = Path::new(env!("CARGO_BIN_EXE_minis2i")).parent().unwrap();
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}
