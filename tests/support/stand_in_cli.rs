//! A stand-in for the engine's CLI, or for git, only for what the real one cannot be made to do.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::wait::{POLL, wait_until};

/// A shell script in place of the engine's CLI or of git. It is in a temporary folder, which it knows as `$here`.
///
/// Make it before the builder, so that it is dropped later, as cleaning up calls it, too. It stays until the processes have ended
/// that clean up after builds.
pub struct StandInCli {
    folder: TempDir,
    /// The name of the script.
    name: &'static str,
}

impl StandInCli {
    pub fn new(script: &str) -> Self {
        Self::called("docker", script)
    }

    /// A script that is called `podman`.
    pub fn podman(script: &str) -> Self {
        Self::called("podman", script)
    }

    /// A script in place of git, for what git cannot be made to do either.
    pub fn git(script: &str) -> Self {
        Self::called("git", script)
    }

    fn called(name: &'static str, script: &str) -> Self {
        let stand_in = Self { folder: tempfile::tempdir().unwrap(), name };
        // Another process writes it. A child that this process is about to start in another thread would inherit the
        // open file, and the kernel does not run a file that is open for writing.
        let mut child = Command::new("sh")
            .args(["-c", "cat >\"$1\" && chmod 755 \"$1\"", "sh", &stand_in.path()])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        write!(child.stdin.take().unwrap(), "#!/bin/sh\nhere=${{0%/*}}\n{script}\n").unwrap();
        assert!(child.wait().unwrap().success());
        stand_in
    }

    /// The engine's own CLI, with a line for each call in the file `log`.
    pub fn logging() -> Self {
        Self::new("echo \"$*\" >>\"$here/log\"\nexec docker \"$@\"")
    }

    /// The path to give as `--engine`.
    pub fn path(&self) -> String {
        self.folder.path().join(self.name).display().to_string()
    }

    /// The folder in which only the script is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A search path on which the script comes first.
    pub fn search_path(&self) -> String {
        format!("{}:{}", self.folder.path().display(), std::env::var("PATH").unwrap())
    }

    /// What the script wrote into a file of `$here`, or nothing yet.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    /// Whether the script made this file in `$here`.
    pub fn has(&self, name: &str) -> bool {
        self.folder.path().join(name).exists()
    }

    /// Makes a file in `$here`, for a script that looks for it.
    pub fn make(&self, name: &str) {
        fs::write(self.folder.path().join(name), "").unwrap();
    }

    /// Removes a file in `$here`.
    pub fn remove(&self, name: &str) {
        fs::remove_file(self.folder.path().join(name)).unwrap();
    }
}

impl Drop for StandInCli {
    fn drop(&mut self) {
        let path = self.path();
        wait_until(POLL, || !is_argument_of_a_process(&path), || format!("a process still uses {path}"));
    }
}

/// Whether the command line of a process has this text as an argument.
fn is_argument_of_a_process(text: &str) -> bool {
    let lines = fs::read_dir("/proc").unwrap().flatten().filter_map(|it| fs::read(it.path().join("cmdline")).ok());
    lines.into_iter().any(|line| line.split(|byte| *byte == 0).any(|argument| argument == text.as_bytes()))
}
