//! Calls of the engine's CLI: run to their end, or started for a caller that handles the streams.
//!
//! A failed call becomes an error with the CLI's own words and a hint; the hints are in [`hints`].

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::str::Utf8Chunk;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::dialect::Dialect;
use super::hints;
use super::process::{KILLED, OnCall, Process};
use super::program::Program;
use super::words;
use crate::cancel::{Cancel, Ending};
use crate::child;
use crate::error::{Error, ErrorKind};
use crate::report::message::{CallState, EngineCall};
use crate::run_lock::SupersededImage;

/// How often a call with a limit is held against the cancel.
const TICK: Duration = Duration::from_millis(20);

/// After what time a call is reported that has not ended: chosen so that a busy engine is no reason, and that a user still waits
/// for a word.
const SLOW: Duration = Duration::from_secs(10);

/// The engine's CLI, with a callback that gets each call. Clones share both.
#[derive(Clone)]
pub struct Engine {
    program: Program,
    /// What ends the calls of this one.
    cancel: Cancel,
    /// What ends the calls that clean up.
    cleanup: Cancel,
    left_behind: Arc<Mutex<Vec<LeftBehind>>>,
    on_call: Arc<OnCall>,
    /// The commands of the CLI that were reported as slow.
    slow: Arc<Mutex<HashSet<OsString>>>,
    /// The CLI is podman's.
    podman: Arc<AtomicBool>,
    /// `commit` has `--no-pause` instead of `--pause=false`.
    no_pause: Arc<AtomicBool>,
}

/// Something of this run that the engine may still have, since it did not confirm the removal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftBehind {
    /// The container with this name.
    Container(String),
    /// An image that was superseded.
    Image(SupersededImage),
    /// The image of the commit with this name, which was given up.
    Commit(String),
}

/// What a call that ended printed. Bytes that are not UTF-8 are replaced.
pub struct Output {
    /// Whether the exit status was 0.
    pub success: bool,
    /// Whether a signal ended the CLI. The engine may go on with what was asked.
    pub killed: bool,
    pub stdout: String,
    pub stderr: String,
}

impl Engine {
    /// An engine whose CLI is `program`. Its calls end when work is cancelled; `on_call` gets every call that ended, and
    /// the start of those that run beside others.
    pub fn new(program: Program, ending: Ending, on_call: impl Fn(&EngineCall) + Send + Sync + 'static) -> Self {
        let Ending { work: cancel, cleanup } = ending;
        let podman = Arc::new(AtomicBool::new(program.dialect() == Dialect::Podman));
        let (left_behind, slow, no_pause) = Default::default();
        Self { program, cancel, cleanup, left_behind, on_call: Arc::new(on_call), slow, podman, no_pause }
    }

    /// The same engine whose calls end when `cancel` is triggered.
    pub fn with_cancel(&self, cancel: Cancel) -> Self {
        Self { cancel, ..self.clone() }
    }

    /// The same engine whose calls go on when work is cancelled, until cleaning up is cancelled, too.
    pub fn for_cleanup(&self) -> Self {
        self.with_cancel(self.cleanup.clone())
    }

    /// The same engine whose calls end as `ending` says.
    pub fn with_ending(&self, ending: Ending) -> Self {
        Self { cancel: ending.work, cleanup: ending.cleanup, ..self.clone() }
    }

    /// Notes what may be left, for [`take_left_behind`](Self::take_left_behind).
    pub fn leave_behind(&self, what: LeftBehind) {
        self.left_behind.lock().expect("no thread panics while it holds this lock").push(what);
    }

    /// What may be left of this run, as far as it is known now. It is the caller's from then on.
    pub fn take_left_behind(&self) -> Vec<LeftBehind> {
        std::mem::take(&mut self.left_behind.lock().expect("no thread panics while it holds this lock"))
    }

    /// What ends the calls of this engine.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// The CLI.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Whose CLI it is: by its name at first, and by its answers once there are some.
    pub fn dialect(&self) -> Dialect {
        if self.podman.load(Ordering::Relaxed) { Dialect::Podman } else { Dialect::Docker }
    }

    /// Takes in what an answer showed of the CLI.
    pub fn learn_dialect(&self, dialect: Dialect) {
        self.podman.store(dialect == Dialect::Podman, Ordering::Relaxed);
    }

    /// The option of `commit` that does not pause the container: docker's CLI has a new name for it since version 29, and
    /// gives up the old one in 30.
    pub fn unpaused_option(&self) -> &'static str {
        if self.no_pause.load(Ordering::Relaxed) { "--no-pause" } else { "--pause=false" }
    }

    /// Takes in what the CLI says of a commit that failed. Returns whether it wants the new name of
    /// [`unpaused_option`](Self::unpaused_option), so that the commit is to be tried again.
    pub fn learn_unpaused_option(&self, stderr: &str) -> bool {
        let wants_new_name = stderr.contains("unknown flag: --pause");
        wants_new_name && !self.no_pause.swap(true, Ordering::Relaxed)
    }

    /// The path or name of the CLI as text, for messages.
    pub fn name(&self) -> String {
        self.program.typed().to_string_lossy().into_owned()
    }

    /// Like [`call_for_at_most`](Self::call_for_at_most), but also when work was cancelled, until cleaning up is.
    ///
    /// # Errors
    /// When the CLI cannot be started, cleaning up was cancelled, or the limit passed. The CLI is killed then; the engine
    /// may go on.
    pub fn clean_up_within<S: AsRef<OsStr>>(&self, args: &[S], limit: Duration) -> Result<Output> {
        self.for_cleanup().call_for_at_most(args, limit)
    }

    /// Like [`call`](Self::call), for at most `limit`.
    ///
    /// # Errors
    /// When the CLI cannot be started, the call was cancelled, or the limit passed.
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
    /// When the CLI cannot be started, or the call was cancelled.
    pub fn call<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Output> {
        self.run_to_end(args, None)
    }

    /// Like [`call`](Self::call), for calls that must succeed; returns the standard output.
    ///
    /// # Errors
    /// When the CLI cannot be started, the call was cancelled, or the CLI exits non-zero. In the last case the cause is
    /// what the CLI printed to standard error, with a hint.
    pub fn demand<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<String> {
        self.require_success(args, self.run_to_end(args, None)?)
    }

    /// Like [`demand`](Self::demand), with `input` on the CLI's standard input.
    ///
    /// # Errors
    /// When the CLI cannot be started, the call was cancelled, or the CLI exits non-zero.
    pub fn feed<S: AsRef<OsStr>>(&self, args: &[S], input: &[u8]) -> Result<String> {
        self.require_success(args, self.run_to_end(args, Some(input))?)
    }

    fn run_to_end<S: AsRef<OsStr>>(&self, args: &[S], input: Option<&[u8]>) -> Result<Output> {
        let begin = Instant::now();
        let (send, events) = mpsc::channel();
        let stopped = send.clone();
        let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
        let mut process = self.spawn_with(args, stdin, move || drop(stopped.send(CallEvent::Stopped)))?;
        if let Some(input) = input.map(<[u8]>::to_vec) {
            let mut stdin = process.stdin();
            // A CLI that stops reading also fails, and its error output says why.
            std::thread::spawn(move || stdin.write_all(&input));
        }
        collect(process.stdout(), send.clone(), CallEvent::Stdout);
        collect(process.stderr(), send, CallEvent::Stderr);
        let (mut stdout, mut stderr) = (None, None);
        let mut slow = SLOW;
        while stdout.is_none() || stderr.is_none() {
            match events.recv_timeout(slow.saturating_sub(begin.elapsed())) {
                Ok(CallEvent::Stdout(bytes)) => stdout = Some(bytes),
                Ok(CallEvent::Stderr(bytes)) => stderr = Some(bytes),
                Ok(CallEvent::Stopped) => process.check_not_stopped()?,
                Err(RecvTimeoutError::Timeout) => {
                    self.report_slow(args, begin.elapsed());
                    slow = Duration::MAX;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let status = process.wait()?;
        let command_line = self.command_line(args);
        let state = CallState::Ended { took: begin.elapsed(), start_reported: false };
        (self.on_call)(&EngineCall { command_line, state });
        self.cancel.check()?;
        let text = |bytes: Option<Vec<u8>>| String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
        Ok(Output { success: status == 0, killed: status == KILLED, stdout: text(stdout), stderr: text(stderr) })
    }

    /// Reports that a call has not ended yet, once for each command of the CLI.
    fn report_slow<S: AsRef<OsStr>>(&self, args: &[S], time: Duration) {
        let command = args.first().map(|arg| arg.as_ref().to_owned()).unwrap_or_default();
        // How long a commit takes is a matter of the size of the layer.
        if command != "commit" && self.slow.lock().expect("no thread panics while it holds this lock").insert(command) {
            let command_line = self.command_line(args);
            (self.on_call)(&EngineCall { command_line, state: CallState::Slow(time) });
        }
    }

    fn require_success<S: AsRef<OsStr>>(&self, args: &[S], output: Output) -> Result<String> {
        if output.success { Ok(output.stdout) } else { Err(self.failed(args, &output.stderr)) }
    }

    /// The error for a call that failed and printed `stderr`.
    pub fn failed<S: AsRef<OsStr>>(&self, args: &[S], stderr: &str) -> anyhow::Error {
        let stderr = stderr.trim();
        let cause = if stderr.is_empty() { "it printed no error message" } else { stderr };
        let verb: Vec<_> = args.iter().take(2).map(|arg| arg.as_ref().to_string_lossy()).collect();
        self.error(format!("`{} {}` failed", self.name(), verb.join(" ")), cause)
    }

    /// The error `what`, with the CLI's `stderr` as its cause and a hint that fits it.
    pub fn error(&self, what: impl Into<String>, stderr: &str) -> anyhow::Error {
        let hint = hints::for_stderr(stderr, &self.name());
        Error::engine(what).because(anyhow!(words::shortened(stderr))).hint(hint).into()
    }

    /// Starts a call whose streams the caller handles; stdout and stderr are piped. The call is not reported.
    ///
    /// # Errors
    /// When the CLI cannot be started, or work was cancelled before.
    pub fn spawn<S: AsRef<OsStr>>(&self, args: &[S], stdin: Stdio) -> Result<Process> {
        self.spawn_with(args, stdin, || {})
    }

    fn spawn_with<S: AsRef<OsStr>>(
        &self,
        args: &[S],
        stdin: Stdio,
        on_stop: impl FnOnce() + Send + 'static,
    ) -> Result<Process> {
        self.cancel.check()?;
        let mut command = self.program.command();
        // In a process group of its own the CLI does not get the terminal's Ctrl-C, so that we can clean up with it.
        command.args(args).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let child = child::spawn(&mut command).map_err(|error| hints::not_started(&self.name(), error))?;
        Ok(Process::adopt(child, self.name(), self.cancel.clone(), on_stop))
    }

    /// Like [`spawn`](Self::spawn), for a call that runs beside others: its start and its end are reported.
    ///
    /// # Errors
    /// When the CLI cannot be started, or work was cancelled before.
    pub fn spawn_announced<S: AsRef<OsStr>>(&self, args: &[S], stdin: Stdio) -> Result<Process> {
        let mut process = self.spawn(args, stdin)?;
        process.announce(self.command_line(args), self.on_call.clone());
        Ok(process)
    }

    /// The call as it could be pasted into a shell.
    fn command_line<S: AsRef<OsStr>>(&self, args: &[S]) -> String {
        let words = std::iter::once(self.program.typed()).chain(args.iter().map(AsRef::as_ref));
        words.map(shell_word).collect::<Vec<_>>().join(" ")
    }
}

/// What happens to a call.
enum CallEvent {
    /// All of the standard output.
    Stdout(Vec<u8>),
    /// All of the standard error.
    Stderr(Vec<u8>),
    /// The terminal has stopped the CLI.
    Stopped,
}

/// Sends all of a stream, on a thread of its own.
fn collect(mut stream: impl Read + Send + 'static, send: Sender<CallEvent>, event: fn(Vec<u8>) -> CallEvent) {
    std::thread::spawn(move || drop(send.send(event(child::read_all(&mut stream)))));
}

/// A word, quoted where a POSIX shell needs it. No line of a word is shown as it is, so that it is not taken for a message,
/// and no character that a terminal obeys.
fn shell_word(word: &OsStr) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    match word.to_str() {
        Some(word) if !word.is_empty() && word.chars().all(plain) => word.to_owned(),
        _ => format!("'{}'", word.as_bytes().utf8_chunks().map(quoted).collect::<String>()),
    }
}

/// Text, and the bytes after it that are not UTF-8, as they stand between single quotes.
fn quoted(chunk: Utf8Chunk) -> String {
    let printed = |bytes: &[u8]| {
        let octal: String = bytes.iter().map(|byte| format!("\\{byte:03o}")).collect();
        if octal.is_empty() { octal } else { format!("'\"$(printf '{octal}')\"'") }
    };
    let quoted = |c: char| match c {
        '\'' => r"'\''".to_owned(),
        // The end of the quotes and their beginning.
        '\n' => "\n''".to_owned(),
        '\t' => c.to_string(),
        c if c.is_control() => printed(c.encode_utf8(&mut [0; 4]).as_bytes()),
        c => c.to_string(),
    };
    chunk.valid().chars().map(quoted).collect::<String>() + &printed(chunk.invalid())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::process::Command;

    use proptest::prelude::*;

    use super::shell_word;

    fn quoted(word: &[u8]) -> String {
        shell_word(OsStr::from_bytes(word))
    }

    #[test]
    fn words_a_shell_would_split_are_quoted() {
        assert_eq!(quoted(b"a b"), "'a b'");
        assert_eq!(quoted(b"it's"), r"'it'\''s'");
        assert_eq!(quoted(b""), "''");
        assert_eq!(quoted(b"--label=a/b:c"), "--label=a/b:c");
    }

    #[test]
    fn a_word_with_a_line_feed_began_a_line_of_its_own() {
        assert_eq!(quoted(b"a\nminis2i: build ok: x"), "'a\n''minis2i: build ok: x'");
        assert_eq!(quoted(b"\x1b[2J"), r#"''"$(printf '\033')"'[2J'"#);
        assert_eq!(quoted(b"a\xff\xc2\x9b"), r#"'a'"$(printf '\377')"''"$(printf '\302\233')"''"#);
    }

    proptest! {
        #[test]
        fn a_shell_reads_the_word_again(word in prop::collection::vec(1_u8.., 0..12)) {
            let output = Command::new("sh").arg("-c").arg(format!("printf %s {}", quoted(&word))).output().unwrap();
            prop_assert_eq!(output.stdout, word);
        }
    }
}
