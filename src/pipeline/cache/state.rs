//! What a run knows of the caches of its builds.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::script::Mode;
use super::trust::Trust;

/// What a run knows of the caches of its builds.
#[derive(Default)]
pub struct Caches {
    state: Mutex<State>,
}

/// The same, while it is locked.
#[derive(Default)]
pub struct State {
    pub trust: Trust,
    /// Of containers that start now.
    pub mode: Mode,
    /// By the id of the builder.
    pub builders: BTreeMap<String, Builder>,
    /// Which tools have a cache was said.
    pub told: bool,
}

/// What is known of a builder.
#[derive(Clone)]
pub enum Builder {
    /// Its container can have no caches.
    Unusable,
    /// The names of the tools that it has.
    Tools(Vec<String>),
}

impl Caches {
    /// What is known, locked until the result is dropped.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
