//! The containers of apps, for the end of a run that must not wait.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::engine::cli::Engine;
use crate::engine::container::remove_without_waiting;

/// The containers that exist now. Clones share them.
#[derive(Clone, Default)]
pub struct RunningContainers(Arc<Mutex<Vec<(Engine, String)>>>);

impl RunningContainers {
    pub fn add(&self, engine: &Engine, name: &str) {
        self.lock().push((engine.clone(), name.to_owned()));
    }

    pub fn remove(&self, name: &str) {
        self.lock().retain(|(_, known)| known != name);
    }

    /// Has the engine kill and remove all of them, without waiting for it.
    pub fn kill(&self) {
        self.lock().drain(..).for_each(|(engine, name)| remove_without_waiting(&engine, &name));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Engine, String)>> {
        self.0.lock().expect("no thread panics while it holds this lock")
    }
}
