//! A running call of the engine's CLI, with its streams.

use std::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::cancel::Cancel;
use crate::child::Collector;
use crate::report::message::EngineCall;

/// A function that is told of each call.
pub type OnCall = dyn Fn(&EngineCall) + Send + Sync;

/// A running call. Dropping it ends the CLI; what the CLI started in the engine is the container's owner's business.
pub struct Process {
    child: Option<Child>,
    cancel: Cancel,
    announced: Option<Announced>,
}

/// A call whose start was reported. Dropping it reports the end.
struct Announced {
    line: String,
    begin: Instant,
    on_call: Arc<OnCall>,
}

impl Drop for Announced {
    fn drop(&mut self) {
        let line = std::mem::take(&mut self.line);
        (self.on_call)(&EngineCall { line, took: Some(self.begin.elapsed()), again: true });
    }
}

impl Process {
    /// Owns a child from here on: it ends when `cancel` is triggered.
    pub(super) fn adopt(child: Child, cancel: Cancel) -> Self {
        cancel.adopt(child.id());
        Self { child: Some(child), cancel, announced: None }
    }

    /// Reports the start of the call now, and its end when it has come.
    pub(super) fn announce(&mut self, line: String, on_call: Arc<OnCall>) {
        on_call(&EngineCall { line: line.clone(), took: None, again: false });
        self.announced = Some(Announced { line, begin: Instant::now(), on_call });
    }

    pub fn stdin(&mut self) -> ChildStdin {
        self.child().stdin.take().expect("stdin is piped and taken once")
    }

    pub fn stdout(&mut self) -> ChildStdout {
        self.child().stdout.take().expect("stdout is piped and taken once")
    }

    pub fn stderr(&mut self) -> ChildStderr {
        self.child().stderr.take().expect("stderr is piped and taken once")
    }

    /// Reads standard error on a thread of its own, for an error message.
    pub fn collect_stderr(&mut self) -> Collector {
        Collector::start(self.stderr())
    }

    /// Waits for the end; the exit status, or -1 when a signal ended it.
    ///
    /// # Errors
    /// When the kernel does not know the child any more.
    pub fn wait(mut self) -> Result<i32> {
        let id = self.child().id();
        // The child stays a zombie until it is released, so that a cancel can never hit another process with its number.
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
