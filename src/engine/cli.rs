//! Calls of the engine's CLI: one at a time, to their end, or started for a caller that handles the streams.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::hints;
use super::process::{OnCall, Process};
use crate::cancel::Cancel;
use crate::child;
use crate::error::{Error, ErrorKind};
use crate::report::message::EngineCall;

/// How often a call with a limit is held against the cancel.
const TICK: Duration = Duration::from_millis(20);

/// The engine's CLI, and the listener that is told of each call. Clones are the same engine.
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
    /// An engine reached by `program`; `on_call` is told of every call that ended.
    pub fn new(program: OsString, cancel: Cancel, on_call: impl Fn(&EngineCall) + Send + Sync + 'static) -> Self {
        Self { program, cancel, on_call: Arc::new(on_call) }
    }

    /// The same engine whose calls end when `cancel` is triggered.
    pub fn with_cancel(&self, cancel: Cancel) -> Self {
        Self { cancel, ..self.clone() }
    }

    /// The same engine, whose calls go on when work is cancelled: for cleaning up.
    pub fn without_cancel(&self) -> Self {
        self.with_cancel(Cancel::default())
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

    /// Like [`call`](Self::call), also when work was cancelled, but for at most `limit`.
    ///
    /// # Errors
    /// When the CLI can not be started, or the limit passed; the CLI is killed then, the engine may go on with the work.
    pub fn call_within<S: AsRef<OsStr>>(&self, args: &[S], limit: Duration) -> Result<Output> {
        let cancel = Cancel::default();
        let (done, ended) = mpsc::channel::<()>();
        let timer = cancel.clone();
        let watchdog = std::thread::spawn(move || {
            if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                timer.trigger(ErrorKind::Engine);
            }
        });
        let result = self.with_cancel(cancel).call(args);
        drop(done);
        let _ = watchdog.join();
        result
    }

    /// Like [`call`](Self::call), for at most `limit`.
    ///
    /// # Errors
    /// When the CLI can not be started, the call was cancelled, or the limit passed.
    pub fn call_for_at_most<S: AsRef<OsStr>>(&self, args: &[S], limit: Duration) -> Result<Output> {
        let own = Cancel::default();
        let (done, ended) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            let watchdog = own.clone();
            scope.spawn(move || {
                let begin = Instant::now();
                while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                    if let Some(why) = self.cancel.why().or((begin.elapsed() > limit).then_some(ErrorKind::Engine)) {
                        watchdog.trigger(why);
                    }
                }
            });
            let result = self.with_cancel(own.clone()).call(args);
            drop(done);
            result
        })
    }

    /// Runs a call to its end and returns what it printed. A non-zero exit is not an error here.
    ///
    /// # Errors
    /// When the CLI can not be started, or the call was cancelled.
    pub fn call<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Output> {
        self.run(args, None)
    }

    /// Like [`call`](Self::call), for calls that must succeed; returns the standard output.
    ///
    /// # Errors
    /// When the CLI can not be started, the call was cancelled, or exits non-zero: then with the engine's own words and
    /// a cure where one is known.
    pub fn demand<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<String> {
        self.succeeded(args, self.run(args, None)?)
    }

    /// Like [`demand`](Self::demand), with `input` on the CLI's standard input.
    ///
    /// # Errors
    /// When the CLI can not be started, the call was cancelled, or exits non-zero.
    pub fn feed<S: AsRef<OsStr>>(&self, args: &[S], input: &[u8]) -> Result<String> {
        self.succeeded(args, self.run(args, Some(input))?)
    }

    fn run<S: AsRef<OsStr>>(&self, args: &[S], input: Option<&[u8]>) -> Result<Output> {
        let begin = Instant::now();
        let mut process = self.spawn(args, if input.is_some() { Stdio::piped() } else { Stdio::null() })?;
        let stdin = input.map(|input| (process.stdin(), input));
        let (mut out, mut err) = (process.stdout(), process.stderr());
        let (stdout, stderr) = std::thread::scope(|scope| {
            if let Some((mut stdin, input)) = stdin {
                // A reader that does not want it all says why on its way out.
                scope.spawn(move || stdin.write_all(input));
            }
            let errors = scope.spawn(move || child::read_all(&mut err));
            (child::read_all(&mut out), errors.join().unwrap_or_default())
        });
        let status = process.wait()?;
        (self.on_call)(&EngineCall { line: self.line(args), took: Some(begin.elapsed()), again: false });
        self.cancel.check()?;
        Ok(Output {
            success: status == 0,
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        })
    }

    fn succeeded<S: AsRef<OsStr>>(&self, args: &[S], output: Output) -> Result<String> {
        if output.success { Ok(output.stdout) } else { Err(self.failed(args, &output.stderr)) }
    }

    /// The error for a call that failed with these words.
    pub fn failed<S: AsRef<OsStr>>(&self, args: &[S], words: &str) -> anyhow::Error {
        let words = words.trim();
        let words = if words.is_empty() { "it said nothing" } else { words };
        let verb: Vec<_> = args.iter().take(2).map(|arg| arg.as_ref().to_string_lossy()).collect();
        self.error(format!("`{} {}` failed", self.name(), verb.join(" ")), words)
    }

    /// The error for something that could not be done, with the engine's words as its cause and a cure.
    pub fn error(&self, what: impl Into<String>, words: &str) -> anyhow::Error {
        let hint = hints::for_words(words, &self.name());
        Error::engine(what).because(anyhow!(words.trim().to_owned())).hint(hint).into()
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
        let child = command.spawn().map_err(|error| hints::not_started(&self.name(), error))?;
        Ok(Process::adopt(child, self.cancel.clone()))
    }

    /// Like [`spawn`](Self::spawn), for a call that goes on beside others: the listener is told of its start and of its
    /// end.
    ///
    /// # Errors
    /// When the CLI can not be started, or work was cancelled already.
    pub fn spawn_announced<S: AsRef<OsStr>>(&self, args: &[S], stdin: Stdio) -> Result<Process> {
        let mut process = self.spawn(args, stdin)?;
        process.announce(self.line(args), self.on_call.clone());
        Ok(process)
    }

    fn line<S: AsRef<OsStr>>(&self, args: &[S]) -> String {
        let words = args.iter().map(|arg| shell_word(&arg.as_ref().to_string_lossy()));
        std::iter::once(shell_word(&self.name())).chain(words).collect::<Vec<_>>().join(" ")
    }
}

/// A word as a POSIX shell would have to be given it.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn words_a_shell_would_split_are_quoted() {
        assert_eq!(shell_word("a b"), "'a b'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
        assert_eq!(shell_word("--label=a/b:c"), "--label=a/b:c");
    }
}
