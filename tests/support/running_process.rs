//! A run that goes on while the test does something: what it has printed so far, signals, and its end.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::outcome::Outcome;
use super::output_stream::{Collected, text};
use super::wait::{POLL, TIMEOUT, wait_for, wait_until};

/// A run that has been started and is not waited for yet. It is killed when it is dropped.
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
    #[track_caller]
    pub fn wait_for_stderr(&self, what: &str) {
        let message = || format!("`{what}` never came from {}:\n{}", self.line, self.stderr());
        wait_until(POLL, || self.stderr().contains(what), message);
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
                None => std::thread::sleep(POLL),
            }
        };
        // The threads that read the output end when all writers have closed the pipes. Processes that the run left
        // behind may keep them open, so the threads are not joined but given time for what is in the pipes.
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
