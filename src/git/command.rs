//! One call of `git`, which runs until it ends or work is cancelled.

use std::cell::OnceCell;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};

use crate::cancel::Cancel;
use crate::child;
use crate::error::Error;
use crate::time_limits::GIT_END;
use crate::url::without_credentials;

/// How often it is checked whether work was cancelled: chosen so that the delay is not noticed after Ctrl-C.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// How much a pipe holds, in bytes, unless its size was changed.
const PIPE_SIZE: usize = 64 * 1024;

/// Variables that make git work on another repository, or with other settings, than those of the folder it runs in. Git
/// sets them for its hooks. All that `git rev-parse --local-env-vars` lists, those of older versions too, the one with
/// which a hook of a push cannot make a clone, and those that change what a path means.
const REPOSITORY_VARIABLES: [&str; 22] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GLOB_PATHSPECS",
    "GIT_GRAFT_FILE",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Variables for a query: git takes no lock and so does not write its index, asks for no password, and fetches nothing.
const QUERY_VARIABLES: [(&str, &str); 3] =
    [("GIT_OPTIONAL_LOCKS", "0"), ("GIT_TERMINAL_PROMPT", "0"), ("GIT_NO_LAZY_FETCH", "1")];

/// How git is ended when work is cancelled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EndMode {
    /// It is asked to end, and killed after [`GIT_END`]. After TERM git ends its helper processes and removes what it
    /// wrote, after KILL it cannot.
    Asked,
    /// It is killed at once, with the processes that it started. When it ends by itself, those are killed, too.
    Killed,
}

/// Runs git in a folder; returns its standard output.
///
/// # Errors
/// When git cannot be started, it exits non-zero (the error is then what it printed to standard error, without
/// credentials), or work was cancelled.
pub fn run_git_in(folder: &Path, args: &[&str], cancel: &Cancel) -> Result<String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(args);
    run_command(command, &Stopper::new(cancel, EndMode::Asked)).map(into_text)
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
    run_command(command, &Stopper::new(cancel, EndMode::Asked)).map(into_text)
}

/// Runs git in a folder for a question that is given up when `cancel` is triggered; returns its standard output. It
/// changes nothing and starts no daemon.
///
/// # Errors
/// When git cannot be started, it exits non-zero, or the question was given up.
pub fn query_git_in(folder: &Path, args: &[&str], cancel: &Cancel) -> Result<String> {
    run_command(query(folder, args), &Stopper::new(cancel, EndMode::Killed)).map(into_text)
}

/// As [`query_git_in`], for an answer that is no text, and given up after `limit`.
///
/// # Errors
/// As there, and when there was no answer within `limit`.
pub fn query_git_within(folder: &Path, args: &[&str], limit: Duration, cancel: &Cancel) -> Result<Vec<u8>> {
    let deadline = Some((Instant::now() + limit, limit));
    run_command(query(folder, args), &Stopper { deadline, ..Stopper::new(cancel, EndMode::Killed) })
}

fn query(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(["-c", "core.fsmonitor=false"]).args(args);
    command.envs(QUERY_VARIABLES).process_group(0);
    command
}

fn into_text(output: Vec<u8>) -> String {
    String::from_utf8_lossy(&output).into_owned()
}

fn run_command(mut command: Command, stopper: &Stopper) -> Result<Vec<u8>> {
    stopper.cancel.check()?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in REPOSITORY_VARIABLES {
        command.env_remove(name);
    }
    let mut child = child::spawn(&mut command).map_err(|error| {
        Error::usage("cannot start `git`, which a repository needs")
            .because(error)
            .hint("install git (on Debian: `sudo apt-get install git`), or give a folder")
    })?;
    let mut output = GitOutput::of(&mut child)?;
    let status = wait(&mut child, &mut output, stopper)?;
    stopper.cancel.check()?;
    if status.success() {
        return Ok(output.stdout.bytes);
    }
    if let Some((_, limit)) = stopper.deadline.filter(|_| stopper.is_too_late()) {
        return Err(anyhow!("git did not answer within {} s", limit.as_secs()));
    }
    Err(anyhow!(without_credentials(String::from_utf8_lossy(&output.stderr.bytes).trim())))
}

/// Waits for a child and reads what it prints. Only the child's end counts, not that of the streams: a process that it
/// started may hold them open for as long as it likes.
fn wait(child: &mut Child, output: &mut GitOutput, stopper: &Stopper) -> Result<ExitStatus> {
    // Short at first, so that a call of a few milliseconds is not prolonged once the streams have ended.
    let mut pause = Duration::from_micros(200);
    while !has_ended(child)? {
        stopper.stop_if_needed(child);
        if output.is_open() {
            output.read_within(POLL_INTERVAL)?;
        } else {
            std::thread::sleep(pause);
            pause = (pause * 2).min(POLL_INTERVAL);
        }
    }
    // What it wrote is in the pipes now.
    output.read_rest();
    if stopper.ending == EndMode::Killed {
        // The child is not reaped yet, so its group cannot have become another one.
        kill_group(child);
    }
    Ok(child.wait()?)
}

/// Whether a child has ended; it is not reaped.
fn has_ended(child: &Child) -> Result<bool> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    let Some(pid) = pid_of(child) else { return Ok(true) };
    match waitid(WaitId::Pid(pid), options) {
        Ok(ended) => Ok(ended.is_some()),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// What a child prints.
struct GitOutput {
    stdout: OutputStream<ChildStdout>,
    stderr: OutputStream<ChildStderr>,
}

impl GitOutput {
    fn of(child: &mut Child) -> Result<Self> {
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        Ok(Self { stdout: OutputStream::new(stdout)?, stderr: OutputStream::new(stderr)? })
    }

    /// Whether more may come.
    fn is_open(&self) -> bool {
        self.stdout.pipe.is_some() || self.stderr.pipe.is_some()
    }

    /// Waits until there is something to read, at most for `limit`, and reads it.
    fn read_within(&mut self, limit: Duration) -> Result<()> {
        let pipes = [self.stdout.pipe.as_ref().map(AsFd::as_fd), self.stderr.pipe.as_ref().map(AsFd::as_fd)];
        let mut waited_for: Vec<_> = pipes.iter().flatten().map(|pipe| PollFd::new(pipe, PollFlags::IN)).collect();
        match poll(&mut waited_for, Some(&Timespec::try_from(limit)?)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        self.read_rest();
        Ok(())
    }

    /// Reads what is in the pipes now.
    fn read_rest(&mut self) {
        self.stdout.read_available();
        self.stderr.read_available();
    }
}

/// A pipe, until it ends or cannot be read any more, and what came out of it.
struct OutputStream<R> {
    pipe: Option<R>,
    bytes: Vec<u8>,
}

impl<R: Read + AsFd> OutputStream<R> {
    fn new(pipe: R) -> Result<Self> {
        fcntl_setfl(&pipe, fcntl_getfl(&pipe)? | OFlags::NONBLOCK)?;
        Ok(Self { pipe: Some(pipe), bytes: Vec::new() })
    }

    /// Reads what is there, and not more than a pipe holds, so that a process that goes on writing does not hold this up.
    fn read_available(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        let mut buffer = [0; PIPE_SIZE];
        let mut read = 0;
        while read < PIPE_SIZE {
            match pipe.read(&mut buffer) {
                Ok(length) if length > 0 => {
                    self.bytes.extend_from_slice(&buffer[..length]);
                    read += length;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => {
                    self.pipe = None;
                    return;
                }
            }
        }
    }
}

/// Ends git when work is cancelled, or its time is over.
struct Stopper<'a> {
    cancel: &'a Cancel,
    ending: EndMode,
    /// When git's time is over, and how long it was.
    deadline: Option<(Instant, Duration)>,
    /// When git was asked to end.
    terminated: OnceCell<Instant>,
}

impl<'a> Stopper<'a> {
    fn new(cancel: &'a Cancel, ending: EndMode) -> Self {
        Self { cancel, ending, deadline: None, terminated: OnceCell::new() }
    }

    fn is_too_late(&self) -> bool {
        self.deadline.is_some_and(|(end, _)| Instant::now() > end)
    }

    fn stop_if_needed(&self, child: &mut Child) {
        if self.cancel.why().is_none() && !self.is_too_late() {
            return;
        }
        if self.ending == EndMode::Killed {
            kill_group(child);
            return;
        }
        let since = *self.terminated.get_or_init(|| {
            pid_of(child).map(|pid| kill_process(pid, Signal::TERM));
            Instant::now()
        });
        if since.elapsed() > GIT_END {
            let _ = child.kill();
        }
    }
}

/// Kills a child that leads a process group, and all of the group. The child must not be reaped yet.
fn kill_group(child: &Child) {
    if let Some(pid) = pid_of(child) {
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

fn pid_of(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use super::{Cancel, REPOSITORY_VARIABLES, run_git};

    #[test]
    fn all_variables_that_git_itself_lists_are_removed() {
        let listed = run_git(&["rev-parse", "--local-env-vars"], &Cancel::default()).unwrap();
        let missing: Vec<_> = listed.lines().filter(|name| !REPOSITORY_VARIABLES.contains(name)).collect();
        assert_eq!(missing, [""; 0]);
    }
}
