//! When the last hook ran, for those who want to know whether it was at work.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

/// A hook that was started.
#[derive(Clone, Debug)]
pub struct HookRun {
    /// Its number, in the order of their starts.
    pub number: u64,
    /// The option whose command it is.
    pub option: &'static str,
    pub started: Instant,
    /// When all of its processes were gone; `None` while one runs.
    pub ended: Option<Instant>,
}

/// The hook that was started last, if one was. Clones are about the same hooks.
#[derive(Clone, Default)]
pub struct LastRun(Arc<Mutex<Option<HookRun>>>);

impl LastRun {
    pub fn get(&self) -> Option<HookRun> {
        self.lock().clone()
    }

    pub(super) fn start(&self, number: u64, option: &'static str) {
        *self.lock() = Some(HookRun { number, option, started: Instant::now(), ended: None });
    }

    pub(super) fn end(&self) {
        if let Some(run) = &mut *self.lock() {
            run.ended.get_or_insert_with(Instant::now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<HookRun>> {
        self.0.lock().expect("no thread panics while it holds this lock")
    }
}
