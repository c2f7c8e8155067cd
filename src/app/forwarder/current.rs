//! Where connections go at the moment, as both the callers and the event loop see it.

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One app's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(u64);

/// The current app.
#[derive(Debug, Default)]
pub struct Current {
    state: Mutex<State>,
    /// How often the app could not be reached.
    pub refused: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    newest: u64,
    /// One for each listener; `None` while there is no app.
    targets: Option<Vec<SocketAddr>>,
}

impl Current {
    /// Makes a new app the current one.
    pub fn set(&self, targets: Vec<SocketAddr>) -> Generation {
        let mut state = self.lock();
        state.newest += 1;
        state.targets = Some(targets);
        Generation(state.newest)
    }

    /// There is no app any more.
    pub fn clear(&self) {
        self.lock().targets = None;
    }

    /// Where a connection of this listener goes now; `None` while there is no app.
    pub fn target(&self, listener: usize) -> Option<(Generation, SocketAddr)> {
        let state = self.lock();
        let targets = state.targets.as_ref()?;
        Some((Generation(state.newest), targets[listener]))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
