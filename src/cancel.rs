//! Ending work from outside: every running child process is known here and is killed when work is cancelled.

use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::Result;
use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Error, ErrorKind};

/// A handle on "stop": clones are the same handle.
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
    /// Ends all running calls and refuses new ones. The first reason stays.
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

    /// # Errors
    /// When work was cancelled.
    pub fn check(&self) -> Result<()> {
        match self.why() {
            Some(why) => Err(Error::new(why, "the build was cancelled").into()),
            None => Ok(()),
        }
    }

    /// Takes charge of a child that was started; ends it at once if "stop" came in between.
    pub fn adopt(&self, child: u32) {
        let mut state = self.lock();
        state.children.push(child);
        if state.why.is_some() {
            kill(child);
        }
    }

    /// Forgets a child. Must come before the child is reaped, or its number could be somebody else's.
    pub fn release(&self, child: u32) {
        self.lock().children.retain(|known| *known != child);
    }

    fn lock(&self) -> MutexGuard<'_, CancelState> {
        self.state.lock().expect("no thread panics while it holds this lock")
    }
}

fn kill(child: u32) {
    if let Some(pid) = i32::try_from(child).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}
