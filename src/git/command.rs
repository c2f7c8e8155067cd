//! One call of `git`, to its end or until work is cancelled.

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

/// How often a running git is held against the cancel: short enough not to be felt after Ctrl-C.
const TICK: Duration = Duration::from_millis(10);

/// Variables that a hook of git sets, and that would lead to another repository.
const REPOSITORY_VARIABLES: [&str; 3] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"];

/// Runs git in a folder; returns what it printed.
///
/// # Errors
/// A git that can not be started, in git's words that it failed, or that work was cancelled.
pub fn run_in(folder: &Path, args: &[&str], cancel: &Cancel) -> Result<String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(args);
    run_command(command, cancel)
}

/// Runs git; returns what it printed. It may ask for a password where there is a terminal, so it stays in our group of
/// processes and gets the terminal's Ctrl-C itself.
///
/// # Errors
/// A git that can not be started, in git's words that it failed, or that work was cancelled.
pub fn run(args: &[&str], cancel: &Cancel) -> Result<String> {
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
    let errors = Collector::start(child.stderr.take().expect("stderr is piped"));
    let mut stdout = child.stdout.take().expect("stdout is piped");
    let (ended, output) = mpsc::channel();
    std::thread::spawn(move || ended.send(child::read_all(&mut stdout)));
    let mut stopper = Stopper { cancel, told: None };
    let output = loop {
        match output.recv_timeout(TICK) {
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
    Err(anyhow!(without_credentials(&errors.text())))
}

/// Waits for a child whose output has ended, which is its own end as a rule.
fn wait(child: &mut Child, stopper: &mut Stopper) -> Result<ExitStatus> {
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        stopper.stop_if_cancelled(child);
        std::thread::sleep(pause);
        pause = (pause * 2).min(TICK);
    }
}

/// Ends git when work is cancelled.
struct Stopper<'a> {
    cancel: &'a Cancel,
    told: Option<Instant>,
}

impl Stopper<'_> {
    /// Told to end, git ends its helpers and removes what it wrote; killed, it does neither, so that comes last.
    fn stop_if_cancelled(&mut self, child: &mut Child) {
        if self.cancel.why().is_none() {
            return;
        }
        let since = *self.told.get_or_insert_with(|| {
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
