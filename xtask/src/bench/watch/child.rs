//! A child process that builds on every save: its streams and its end.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::process::{Child, ChildStdout};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long a process may take to end after TERM; then it gets KILL. minis2i promises two seconds.
const END_LIMIT: Duration = Duration::from_secs(5);

/// Asks a process to end, and kills it when it does not.
pub fn terminate(child: &mut Child) {
    if matches!(child.try_wait(), Ok(Some(_))) {
        return;
    }
    // It was not waited for yet, so the number is still its own.
    let _ = kill_process(Pid::from_child(child), Signal::TERM);
    let begin = Instant::now();
    while matches!(child.try_wait(), Ok(None)) {
        if begin.elapsed() > END_LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Fails when the process has ended.
pub fn check_alive(child: &mut Child) -> Result<()> {
    match child.try_wait()? {
        None => Ok(()),
        Some(status) => bail!("a contender ended while its save was waited for: {status}"),
    }
}

/// Passes on the lines that are JSON, with the time they came.
pub fn forward_json(stdout: ChildStdout, to: &Sender<(Instant, Value)>) {
    for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
        let at = Instant::now();
        if let Ok(message) = serde_json::from_slice(&line)
            && to.send((at, message)).is_err()
        {
            return;
        }
    }
}

/// What a child writes to its standard error, for when it fails.
pub struct StderrFile(File);

impl StderrFile {
    pub fn new() -> Result<Self> {
        Ok(Self(tempfile::tempfile()?))
    }

    pub fn writer(&self) -> Result<File> {
        Ok(self.0.try_clone()?)
    }

    /// All of it, on one line.
    pub fn read(&mut self) -> String {
        let mut bytes = Vec::new();
        // Reading is only for a message; what can not be read is not missed.
        let _ = self.0.rewind().and_then(|()| self.0.read_to_end(&mut bytes));
        let text = String::from_utf8_lossy(&bytes).split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() { "without a word".to_owned() } else { text }
    }
}
