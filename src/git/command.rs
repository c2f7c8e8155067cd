//! One call of `git`, which runs until it ends or work is cancelled.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use rustix::process::{Pid, Signal, kill_process};

use crate::cancel::Cancel;
use crate::child::{self, Collector};
use crate::error::Error;
use crate::time_limits::GIT_END;
use crate::url::without_credentials;

/// How often it is checked whether work was cancelled: chosen so that the delay is not noticed after Ctrl-C.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Variables that git sets for its hooks, and that would make git work on another repository.
const REPOSITORY_VARIABLES: [&str; 3] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"];

/// Runs git in a folder; returns its standard output.
///
/// # Errors
/// When git cannot be started, it exits non-zero (the error is then what it printed to standard error, without
/// credentials), or work was cancelled.
pub fn run_git_in(folder: &Path, args: &[&str], cancel: &Cancel) -> Result<String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(args);
    run_command(command, cancel)
}

/// Runs git; returns its standard output. It may ask for a password where there is a terminal, so it stays in our process
/// group and gets the terminal's Ctrl-C itself.
///
/// # Errors
/// When git cannot be started, it exits non-zero (the error is then what it printed to standard error, without
/// credentials), or work was cancelled.
pub fn run_git(args: &[&str], cancel: &Cancel) -> Result<String> {
    let mut command = Command::new("git");
    command.args(args);
    run_command(command, cancel)
}

fn run_command(mut command: Command, cancel: &Cancel) -> Result<String> {
    cancel.check()?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in REPOSITORY_VARIABLES {
        command.env_remove(name);
    }
    let mut child = command.spawn().map_err(|error| {
        Error::usage("cannot start `git`, which a repository needs")
            .because(error)
            .hint("install git (on Debian: `sudo apt-get install git`), or give a folder")
    })?;
    let stderr = Collector::start(child.stderr.take().expect("stderr is piped"));
    let mut stdout = child.stdout.take().expect("stdout is piped");
    let (output_sender, output) = mpsc::channel();
    std::thread::spawn(move || output_sender.send(child::read_all(&mut stdout)));
    let mut stopper = Stopper { cancel, terminated: None };
    let output = loop {
        match output.recv_timeout(POLL_INTERVAL) {
            Ok(bytes) => break bytes,
            Err(RecvTimeoutError::Timeout) => stopper.stop_if_cancelled(&mut child),
            Err(RecvTimeoutError::Disconnected) => break Vec::new(),
        }
    };
    let status = wait(&mut child, &mut stopper)?;
    cancel.check()?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&output).into_owned());
    }
    Err(anyhow!(without_credentials(&stderr.text())))
}

/// Waits for a child whose output has ended, which means as a rule that it ends at once.
fn wait(child: &mut Child, stopper: &mut Stopper) -> Result<ExitStatus> {
    // Short at first, so that a call of a few milliseconds is not prolonged.
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        stopper.stop_if_cancelled(child);
        std::thread::sleep(pause);
        pause = (pause * 2).min(POLL_INTERVAL);
    }
}

/// Ends git when work is cancelled.
struct Stopper<'a> {
    cancel: &'a Cancel,
    /// When git was asked to end.
    terminated: Option<Instant>,
}

impl Stopper<'_> {
    /// Asks git to end, and kills it later. After TERM git ends its helper processes and removes what it wrote, after KILL
    /// it cannot.
    fn stop_if_cancelled(&mut self, child: &mut Child) {
        if self.cancel.why().is_none() {
            return;
        }
        let since = *self.terminated.get_or_insert_with(|| {
            terminate(child.id());
            Instant::now()
        });
        if since.elapsed() > GIT_END {
            let _ = child.kill();
        }
    }
}

fn terminate(child: u32) {
    if let Some(pid) = i32::try_from(child).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::TERM);
    }
}
