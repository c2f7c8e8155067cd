//! The end of what a container writes to its stderr, for an error message.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::child::keep_end;

/// How much of the end of the container's stderr is kept for an error message, in bytes: chosen so that it holds
/// several screens.
const STDERR_SIZE_LIMIT: usize = 16 * 1024;

/// The last part of the stderr of a container so far.
#[derive(Clone, Default)]
pub struct StderrTail(Arc<Mutex<Vec<u8>>>);

impl StderrTail {
    pub fn add(&self, bytes: &[u8]) {
        keep_end(&mut self.lock(), bytes, STDERR_SIZE_LIMIT);
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock()).into_owned()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().expect("no thread panics while it holds this lock")
    }
}
