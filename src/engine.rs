//! The only place that spawns the engine's CLI: one call at a time here, containers and images below.

pub mod cancel;
pub mod container;
pub mod files;
pub mod image;
mod trouble;

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::failure::{Failure, Kind};
pub use cancel::Cancel;
pub use container::Container;

/// A finished call of the CLI, for those who want to see them.
pub struct Call {
    /// The command, quoted for a shell.
    pub line: String,
    /// How long it ran, or `None` when it was only started.
    pub took: Option<Duration>,
    /// The start of it was told before.
    pub again: bool,
}

type OnCall = dyn Fn(&Call) + Send + Sync;

/// The engine's CLI, and who listens to what is done with it.
#[derive(Clone)]
pub struct Engine {
    program: OsString,
    cancel: Cancel,
    on_call: Arc<OnCall>,
}

/// What a call left behind.
pub struct Output {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

impl Engine {
    /// An engine reached by `program`; `on_call` hears of every call that ended.
    pub fn new(program: OsString, cancel: Cancel, on_call: impl Fn(&Call) + Send + Sync + 'static) -> Self {
        Self { program, cancel, on_call: Arc::new(on_call) }
    }

    /// The same engine whose calls end when `cancel` is triggered.
    pub fn with_cancel(&self, cancel: Cancel) -> Self {
        Self { cancel, ..self.clone() }
    }

    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    pub fn program(&self) -> &OsStr {
        &self.program
    }

    /// The CLI's file name, as the user would type it.
    pub fn name(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }

    /// The same engine, whose calls go on when work is cancelled: for cleaning up.
    pub fn steady(&self) -> Self {
        self.with_cancel(Cancel::default())
    }

    /// Like [`call`](Self::call), also when work was cancelled, but for at most `limit`.
    ///
    /// # Errors
    /// Also when the limit passed; the CLI is killed then, what the engine makes of it is its own business.
    pub fn call_within<S: AsRef<OsStr>>(&self, args: &[S], limit: Duration) -> Result<Output> {
        let cancel = Cancel::default();
        let (done, ended) = std::sync::mpsc::channel::<()>();
        let timer = cancel.clone();
        let watchdog = std::thread::spawn(move || {
            if ended.recv_timeout(limit) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                timer.trigger(Kind::Engine);
            }
        });
        let result = self.with_cancel(cancel).call(args);
        drop(done);
        let _ = watchdog.join();
        result
    }

    /// Runs a call to its end and returns what it printed. A non-zero exit is not an error here.
    ///
    /// # Errors
    /// When the CLI can not be started, or the call was cancelled.
    pub fn call<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Output> {
        let begin = Instant::now();
        let mut process = self.spawn(args, Stdio::null())?;
        let (mut out, mut err) = (process.stdout(), process.stderr());
        let (stdout, stderr) = std::thread::scope(|scope| {
            let errors = scope.spawn(move || read_all(&mut err));
            (read_all(&mut out), errors.join().unwrap_or_default())
        });
        let status = process.wait()?;
        (self.on_call)(&Call { line: self.line(args), took: Some(begin.elapsed()), again: false });
        self.cancel.check()?;
        Ok(Output {
            success: status == 0,
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        })
    }

    /// Like [`call`](Self::call), for calls that must succeed; returns the standard output.
    ///
    /// # Errors
    /// Also when the call exits non-zero: what was done, then the engine's own words, with a cure where one is known.
    pub fn demand<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<String> {
        let output = self.call(args)?;
        if output.success {
            return Ok(output.stdout);
        }
        Err(self.failed(args, &output.stderr))
    }

    /// Like [`demand`](Self::demand), with something on its standard input.
    ///
    /// # Errors
    /// As there.
    pub fn feed<S: AsRef<OsStr>>(&self, args: &[S], input: &[u8]) -> Result<String> {
        let begin = Instant::now();
        let mut process = self.spawn(args, Stdio::piped())?;
        let (mut stdin, mut out, mut err) = (process.stdin(), process.stdout(), process.stderr());
        let (stdout, stderr) = std::thread::scope(|scope| {
            // A reader that does not want it all says why on its way out.
            scope.spawn(move || stdin.write_all(input));
            let errors = scope.spawn(move || read_all(&mut err));
            (read_all(&mut out), errors.join().unwrap_or_default())
        });
        let status = process.wait()?;
        (self.on_call)(&Call { line: self.line(args), took: Some(begin.elapsed()), again: false });
        self.cancel.check()?;
        if status == 0 {
            return Ok(String::from_utf8_lossy(&stdout).into_owned());
        }
        Err(self.failed(args, &String::from_utf8_lossy(&stderr)))
    }

    /// The error for a call that failed with these words.
    pub fn failed<S: AsRef<OsStr>>(&self, args: &[S], words: &str) -> anyhow::Error {
        let words = words.trim();
        let words = if words.is_empty() { "it said nothing" } else { words };
        let verb: Vec<_> = args.iter().take(2).map(|arg| arg.as_ref().to_string_lossy()).collect();
        self.trouble(format!("`{} {}` failed", self.name(), verb.join(" ")), words)
    }

    /// The error for something that could not be done, with the engine's words as its cause and a cure.
    pub fn trouble(&self, what: impl Into<String>, words: &str) -> anyhow::Error {
        let cure = trouble::cure(words, &self.name());
        Failure::engine(what).because(anyhow!(words.trim().to_owned())).hint(cure).into()
    }

    /// Starts a call whose streams the caller handles; stdout and stderr are piped.
    ///
    /// # Errors
    /// When the CLI can not be started, or work was cancelled already.
    pub fn spawn<S: AsRef<OsStr>>(&self, args: &[S], stdin: Stdio) -> Result<Process> {
        self.cancel.check()?;
        let mut command = Command::new(&self.program);
        // A process group of its own keeps the terminal's Ctrl-C from the CLI: what to do about it is ours to decide.
        command.args(args).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let child = command.spawn().map_err(|error| trouble::not_started(&self.name(), error))?;
        self.cancel.adopt(child.id());
        Ok(Process { child: Some(child), cancel: self.cancel.clone(), announced: None })
    }

    /// The same for a call that goes on beside others: the listener hears of its start and of its end.
    ///
    /// # Errors
    /// As there.
    pub fn spawn_announced<S: AsRef<OsStr>>(&self, args: &[S], stdin: Stdio) -> Result<Process> {
        let mut process = self.spawn(args, stdin)?;
        let line = self.line(args);
        (self.on_call)(&Call { line: line.clone(), took: None, again: false });
        process.announced = Some(Announced { line, begin: Instant::now(), on_call: self.on_call.clone() });
        Ok(process)
    }

    fn line<S: AsRef<OsStr>>(&self, args: &[S]) -> String {
        let words = args.iter().map(|arg| quote(&arg.as_ref().to_string_lossy()));
        std::iter::once(quote(&self.name())).chain(words).collect::<Vec<_>>().join(" ")
    }
}

/// A running call. Dropping it ends the CLI; what the CLI started in the engine is the container's owner's business.
pub struct Process {
    child: Option<Child>,
    cancel: Cancel,
    announced: Option<Announced>,
}

/// A call whose start was told. Dropping it tells the end.
struct Announced {
    line: String,
    begin: Instant,
    on_call: Arc<OnCall>,
}

impl Drop for Announced {
    fn drop(&mut self) {
        let line = std::mem::take(&mut self.line);
        (self.on_call)(&Call { line, took: Some(self.begin.elapsed()), again: true });
    }
}

impl Process {
    pub fn stdin(&mut self) -> ChildStdin {
        self.child().stdin.take().expect("stdin is piped and taken once")
    }

    pub fn stdout(&mut self) -> ChildStdout {
        self.child().stdout.take().expect("stdout is piped and taken once")
    }

    pub fn stderr(&mut self) -> ChildStderr {
        self.child().stderr.take().expect("stderr is piped and taken once")
    }

    /// Waits for the end; the exit status, or -1 when a signal ended it.
    ///
    /// # Errors
    /// When the kernel does not know the child any more.
    pub fn wait(mut self) -> Result<i32> {
        let id = self.child().id();
        // The child stays a zombie until it is forgotten, so that "stop" can never hit a stranger with its number.
        if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
            let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(waitid(WaitId::Pid(pid), ended), Err(rustix::io::Errno::INTR)) {}
        }
        self.cancel.release(id);
        let mut child = self.child.take().expect("a process is waited for once");
        Ok(child.wait()?.code().unwrap_or(-1))
    }

    fn child(&mut self) -> &mut Child {
        self.child.as_mut().expect("a process that was waited for is gone")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            self.cancel.release(child.id());
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Everything that comes until the end or the first error.
fn read_all(reader: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = reader.read_to_end(&mut bytes);
    bytes
}

/// A word as a POSIX shell would have to be given it.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn words_a_shell_would_split_are_quoted() {
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
        assert_eq!(quote("--label=a/b:c"), "--label=a/b:c");
    }
}
