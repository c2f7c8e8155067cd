//! A running call of the engine's CLI, with its streams. It owns the CLI's process; containers are owned by
//! [`Container`](super::container::Container).

use std::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::hints;
use super::terminal_stop::TerminalStop;
use crate::cancel::Cancel;
use crate::child::Collector;
use crate::report::message::{CallState, EngineCall};

/// Stands for the exit status of a CLI that a signal ended.
pub const KILLED: i32 = -1;

/// The callback that gets each call.
pub type OnCall = dyn Fn(&EngineCall) + Send + Sync;

/// A running call. Dropping it kills the CLI, but not the container that the CLI started.
pub struct Process {
    child: Option<Child>,
    /// The name of the CLI.
    name: String,
    cancel: Cancel,
    stop: TerminalStop,
    announced: Option<Announced>,
}

/// A call whose start was reported. Dropping it reports the end.
struct Announced {
    command_line: String,
    begin: Instant,
    on_call: Arc<OnCall>,
}

impl Drop for Announced {
    fn drop(&mut self) {
        let command_line = std::mem::take(&mut self.command_line);
        let state = CallState::Ended { took: self.begin.elapsed(), start_reported: true };
        (self.on_call)(&EngineCall { command_line, state });
    }
}

impl Process {
    /// Takes ownership of a child, which is killed when `cancel` is triggered. `on_stop` is called when the terminal stops it,
    /// since it wants to ask something; it is killed then.
    pub(super) fn adopt(child: Child, name: String, cancel: Cancel, on_stop: impl FnOnce() + Send + 'static) -> Self {
        cancel.adopt(child.id());
        let stop = TerminalStop::watch(child.id(), on_stop);
        Self { child: Some(child), name, cancel, stop, announced: None }
    }

    /// Fails once the terminal has stopped the CLI.
    ///
    /// # Errors
    /// When it has; the error says what to do.
    pub fn check_not_stopped(&self) -> Result<()> {
        if self.stop.happened() { Err(hints::asks(&self.name)) } else { Ok(()) }
    }

    /// Reports the start of the call now, and its end when this is dropped.
    pub(super) fn announce(&mut self, command_line: String, on_call: Arc<OnCall>) {
        on_call(&EngineCall { command_line: command_line.clone(), state: CallState::Started });
        self.announced = Some(Announced { command_line, begin: Instant::now(), on_call });
    }

    /// The CLI's standard input. May be called once, if it is piped.
    pub fn stdin(&mut self) -> ChildStdin {
        self.child().stdin.take().expect("stdin is piped and taken once")
    }

    /// The CLI's standard output. May be called once.
    pub fn stdout(&mut self) -> ChildStdout {
        self.child().stdout.take().expect("stdout is piped and taken once")
    }

    /// The CLI's standard error. May be called once.
    pub fn stderr(&mut self) -> ChildStderr {
        self.child().stderr.take().expect("stderr is piped and taken once")
    }

    /// Reads standard error on a thread of its own, for an error message. Takes the stream, as [`stderr`](Self::stderr)
    /// does.
    pub fn collect_stderr(&mut self) -> Collector {
        Collector::start(self.stderr())
    }

    /// Waits for the CLI to end; returns its exit status, or [`KILLED`] when a signal ended it.
    ///
    /// # Errors
    /// When the child was reaped before, or the terminal stopped it.
    pub fn wait(mut self) -> Result<i32> {
        let id = self.child().id();
        // The child stays a zombie until it is released, so that a cancel cannot kill another process with the same id.
        if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
            let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(waitid(WaitId::Pid(pid), ended), Err(rustix::io::Errno::INTR)) {}
        }
        self.cancel.release(id);
        self.stop.release();
        let mut child = self.child.take().expect("a process is waited for once");
        let status = child.wait()?.code().unwrap_or(KILLED);
        self.check_not_stopped()?;
        Ok(status)
    }

    fn child(&mut self) -> &mut Child {
        self.child.as_mut().expect("a process that was waited for is gone")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            self.cancel.release(child.id());
            self.stop.release();
            // One that was stopped and may not be killed would be waited for without an end.
            if child.kill().is_ok() || !self.stop.happened() {
                let _ = child.wait();
            }
        }
    }
}
