//! `minis2i watch` as a child process: its messages, its signals and its end.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::finding::{Finding, Kind};
use super::pairing::Pairing;

/// How long the last lines of a watch that ended may take to arrive.
const LAST_LINES: Duration = Duration::from_secs(5);

/// So many characters of a message are kept.
const KEPT: usize = 300;

/// What a watch is started with.
pub struct WatchSetup<'a> {
    pub program: &'a Path,
    pub options: &'a [&'a str],
    pub source: &'a Path,
    pub builder: &'a str,
    pub tag: &'a str,
    /// Options for the engine's `run`, after `--`.
    pub run_options: &'a [&'a str],
    pub engine: &'a Path,
    /// Its folder for temporary files and locks.
    pub temporary: &'a Path,
    /// Where its standard error goes.
    pub stderr: PathBuf,
}

/// A watch. Dropping it kills it.
pub struct WatchProcess {
    child: Child,
    lines: Receiver<String>,
    stderr: PathBuf,
    status: Option<ExitStatus>,
    pub started: Instant,
    pub pairing: Pairing,
    /// When it last said something.
    pub last: Instant,
    /// When its last build ended.
    pub finished: Option<Instant>,
    /// It said that the engine did not confirm a removal, and that the next run removes the rest.
    pub leaves_something: bool,
}

impl WatchProcess {
    pub fn start(setup: &WatchSetup) -> Result<Self> {
        let mut command = Command::new(setup.program);
        command.args(["watch", "--message-format", "json", "--engine"]).arg(setup.engine).args(setup.options);
        command.arg(setup.source).args([setup.builder, setup.tag, "--"]).args(setup.run_options);
        command.env("TMPDIR", setup.temporary).env("XDG_RUNTIME_DIR", setup.temporary);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&setup.stderr)?);
        // A group of its own: a terminal's Ctrl-C is for the soak, which ends it.
        let mut child = command.process_group(0).spawn().with_context(|| format!("cannot start {command:?}"))?;
        let stdout = child.stdout.take().expect("stdout is piped");
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || forward(stdout, &sender));
        let (stderr, now) = (setup.stderr.clone(), Instant::now());
        let pairing = Pairing::default();
        Ok(Self {
            child,
            lines,
            stderr,
            status: None,
            started: now,
            pairing,
            last: now,
            finished: None,
            leaves_something: false,
        })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Takes in what it said since; tells `told` of each line, and returns what is wrong with them.
    pub fn read(&mut self, told: &mut impl FnMut(String)) -> Vec<Finding> {
        let lines: Vec<String> = self.lines.try_iter().collect();
        lines.into_iter().filter_map(|line| self.take_in(line, told)).collect()
    }

    fn take_in(&mut self, line: String, told: &mut impl FnMut(String)) -> Option<Finding> {
        self.last = Instant::now();
        self.leaves_something |= line.contains("did not confirm that this is removed");
        told(format!("says {}", line.chars().take(KEPT).collect::<String>()));
        match serde_json::from_str::<Value>(&line) {
            Ok(message) if message["reason"] == "build-finished" => {
                self.finished = Some(self.last);
                self.pairing.note(&message).map(|text| Finding::new(Kind::Unpaired, text))
            }
            Ok(message) => self.pairing.note(&message).map(|text| Finding::new(Kind::Unpaired, text)),
            Err(_) => Some(Finding::new(Kind::Broken, format!("a line that is no JSON: {line}"))),
        }
    }

    /// Its status, if it has ended.
    pub fn status(&mut self) -> Result<Option<ExitStatus>> {
        if self.status.is_none() {
            self.status = self.child.try_wait()?;
        }
        Ok(self.status)
    }

    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        if self.status()?.is_none() {
            // It was not waited for yet, so the number is still its own.
            kill_process(Pid::from_child(&self.child), signal)?;
        }
        Ok(())
    }

    /// Waits for its end; `None` if it does not come in time.
    pub fn wait(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let begin = Instant::now();
        while self.status()?.is_none() && begin.elapsed() < limit {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.status()
    }

    /// Kills it, and waits until it is gone.
    pub fn kill(&mut self) -> Result<()> {
        if self.status()?.is_none() {
            self.child.kill()?;
            self.status = Some(self.child.wait()?);
        }
        Ok(())
    }

    /// Takes in all that is left of its messages, once it has ended.
    pub fn read_rest(&mut self, told: &mut impl FnMut(String)) -> Vec<Finding> {
        let mut findings = Vec::new();
        let begin = Instant::now();
        loop {
            match self.lines.recv_timeout(LAST_LINES.saturating_sub(begin.elapsed())) {
                Ok(line) => findings.extend(self.take_in(line, told)),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    findings.push(Finding::new(Kind::Broken, "its standard output stays open after its end"));
                    break;
                }
            }
        }
        let stderr = fs::read_to_string(&self.stderr).unwrap_or_default();
        if !stderr.trim().is_empty() {
            findings.push(Finding::new(Kind::Broken, format!("its standard error has: {}", stderr.trim())));
        }
        findings
    }
}

impl Drop for WatchProcess {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Passes on whole lines; one that a kill cut off is left out.
fn forward(stdout: ChildStdout, to: &Sender<String>) {
    let mut from = BufReader::new(stdout);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).is_ok_and(|_| line.ends_with(b"\n")) {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if to.send(text).is_err() {
            return;
        }
        line.clear();
    }
}
