//! A terminal for the binary, as `script` makes it, where a test can press keys.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::output_stream::{Collected, collect, text};
use super::run::heed_signals;
use super::wait::{POLL, wait_until};

/// A shell line that runs on a terminal of its own.
pub struct Terminal {
    script: Child,
    shown: Collected,
}

impl Terminal {
    /// Starts the line.
    pub fn start(line: &str, temp_dir: &Path) -> Self {
        let mut command = script(line);
        let mut script = command.stdin(Stdio::piped()).stdout(Stdio::piped()).env("TMPDIR", temp_dir).spawn().unwrap();
        let shown = collect(script.stdout.take().unwrap());
        Self { script, shown }
    }

    /// All that the terminal was given to show.
    pub fn shown(&self) -> String {
        text(&self.shown)
    }

    pub fn press(&mut self, key: &str) {
        let stdin = self.script.stdin.as_mut().unwrap();
        stdin.write_all(key.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// Waits until it has shown a text so many times.
    #[track_caller]
    pub fn wait_for(&self, what: &str, count: usize) {
        let message = || format!("`{what}` never came {count} times:\n{}", self.shown());
        wait_until(POLL, || self.shown().matches(what).count() >= count, message);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

/// The command that runs a shell line on a terminal, and ends with its status.
pub fn script(line: &str) -> Command {
    heed_signals();
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", line, "/dev/null"]);
    command.env("TERM", "xterm").env("SHELL", "/bin/sh").env_remove("MINIS2I_ENGINE").env_remove("NO_COLOR");
    command
}
