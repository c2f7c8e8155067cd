//! The program that is called for the engine, with what holds it to one engine.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::dialect::Dialect;

/// The engine's CLI.
#[derive(Clone, Debug)]
pub struct Program {
    typed: OsString,
    path: Option<PathBuf>,
    variables: Vec<(&'static str, OsString)>,
    dialect: Dialect,
}

impl Program {
    /// The program that was given as `typed` and found at `path`; `variables` are set for its calls. What it is called, or what
    /// it says where it is a script, stands for `dialect`.
    pub fn new(
        typed: OsString,
        path: Option<PathBuf>,
        variables: Vec<(&'static str, OsString)>,
        dialect: Dialect,
    ) -> Self {
        Self { typed, path, variables, dialect }
    }

    /// Whose CLI it seems to be.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The name or path that was given, for messages.
    pub fn typed(&self) -> &OsStr {
        &self.typed
    }

    /// The path that it was found at; the name where it was not found.
    pub fn path(&self) -> &OsStr {
        self.path.as_ref().map_or(&self.typed, |path| path.as_os_str())
    }

    /// What is set for its calls.
    pub fn variables(&self) -> &[(&'static str, OsString)] {
        &self.variables
    }

    /// A call without arguments.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(self.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// The file that is run for a program: its path, or the first of that name on the search path.
pub fn find_program(program: &OsStr, search_path: &OsStr) -> Option<PathBuf> {
    if program.as_encoded_bytes().contains(&b'/') {
        return Some(program.into());
    }
    env::split_paths(search_path).map(|folder| folder.join(program)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
