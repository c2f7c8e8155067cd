//! The end of a container, for a listener.

use std::sync::{Arc, Mutex};

/// Calls a listener when the container's streams have ended, or at once if they already have.
#[derive(Clone, Default)]
pub struct EndSignal(Arc<Mutex<EndState>>);

#[derive(Default)]
struct EndState {
    ended: bool,
    listener: Option<Box<dyn FnOnce() + Send>>,
}

impl EndSignal {
    /// The streams have ended.
    pub fn trigger(&self) {
        let listener = {
            let mut state = self.0.lock().expect("no thread panics while it holds this lock");
            state.ended = true;
            state.listener.take()
        };
        if let Some(listener) = listener {
            listener();
        }
    }

    /// Calls the listener once.
    pub fn listen(&self, listener: Box<dyn FnOnce() + Send>) {
        let mut state = self.0.lock().expect("no thread panics while it holds this lock");
        if state.ended {
            drop(state);
            listener();
        } else {
            state.listener = Some(listener);
        }
    }
}
