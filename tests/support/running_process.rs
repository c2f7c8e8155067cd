//! A run that goes on while the test does something: what it has printed so far, signals, and its end.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::outcome::Outcome;
use super::output_stream::{Collected, text};
use super::wait::{TIMEOUT, wait_for};

/// A run that goes on while the test does something.
pub struct RunningProcess {
    pub(super) line: String,
    pub(super) child: Child,
    pub(super) stdout: Collected,
    pub(super) stderr: Collected,
}

impl RunningProcess {
    pub fn stderr(&self) -> String {
        text(&self.stderr)
    }

    pub fn stdout(&self) -> String {
        text(&self.stdout)
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until stderr has this text.
    pub fn wait_for_stderr(&self, what: &str) {
        let begin = Instant::now();
        while !self.stderr().contains(what) {
            assert!(begin.elapsed() < TIMEOUT, "`{what}` never came from {}:\n{}", self.line, self.stderr());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until stdout has this text.
    pub fn wait_for_stdout(&self, what: &str) {
        wait_for(what, || self.stdout().contains(what));
    }

    pub fn signal(&self, name: &str) {
        assert!(
            Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap().success()
        );
    }

    /// Waits for the end.
    pub fn end(mut self) -> Outcome {
        let begin = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if begin.elapsed() > TIMEOUT => {
                    let _ = self.child.kill();
                    panic!("{} does not end:\n{}", self.line, self.stderr());
                }
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        // The readers are done when the other ends of the pipes are closed, which children may keep open.
        std::thread::sleep(Duration::from_millis(20));
        Outcome { line: self.line.clone(), status: status.code(), stdout: self.stdout(), stderr: self.stderr() }
    }
}

impl Drop for RunningProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
