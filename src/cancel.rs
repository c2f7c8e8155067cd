//! Cancelling work from another thread: every running child process is registered here and is killed when work is
//! cancelled. What cleans up after it is cancelled a little later, so that a run ends even if the engine does not answer.

use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use anyhow::Result;
use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Error, ErrorKind};
use crate::time_limits::CLEANUP_END;

/// A handle that cancels work. Clones cancel the same work.
#[derive(Clone, Default)]
pub struct Cancel {
    state: Arc<Mutex<CancelState>>,
}

#[derive(Default)]
struct CancelState {
    why: Option<ErrorKind>,
    children: Vec<u32>,
}

impl Cancel {
    /// Kills all registered children, and those that are registered later. The first reason is kept.
    pub fn trigger(&self, why: ErrorKind) {
        let mut state = self.lock();
        state.why.get_or_insert(why);
        for child in &state.children {
            kill(*child);
        }
    }

    /// Why work was cancelled, if it was.
    pub fn why(&self) -> Option<ErrorKind> {
        self.lock().why
    }

    /// Fails once work was cancelled.
    ///
    /// # Errors
    /// When work was cancelled; the error has the kind of the reason.
    pub fn check(&self) -> Result<()> {
        match self.why() {
            Some(why) => Err(Error::new(why, "the build was cancelled").into()),
            None => Ok(()),
        }
    }

    /// Registers the process id of a child; kills the child at once if work was cancelled before.
    pub fn adopt(&self, child: u32) {
        let mut state = self.lock();
        state.children.push(child);
        if state.why.is_some() {
            kill(child);
        }
    }

    /// Removes the process id of a child. Must be called before the child is reaped, or another process could get the id
    /// and be killed.
    pub fn release(&self, child: u32) {
        self.lock().children.retain(|known| *known != child);
    }

    fn lock(&self) -> MutexGuard<'_, CancelState> {
        self.state.lock().expect("no thread panics while it holds this lock")
    }
}

/// The two handles with which a run ends.
#[derive(Clone, Default)]
pub struct Ending {
    /// Cancels work.
    pub work: Cancel,
    /// Cancels what cleans up after the work.
    pub cleanup: Cancel,
}

impl Ending {
    /// Cancels work now, and cleaning up after [`CLEANUP_END`].
    pub fn begin(&self, why: ErrorKind) {
        self.work.trigger(why);
        let cleanup = self.cleanup.clone();
        thread::spawn(move || {
            thread::sleep(CLEANUP_END);
            cleanup.trigger(why);
        });
    }
}

fn kill(child: u32) {
    if let Some(pid) = i32::try_from(child).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}
