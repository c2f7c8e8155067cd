//! How much output of a container waits to be shown. A script that prints faster than a terminal shows waits as well, so
//! that memory stays bounded.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// How many bytes may wait: chosen so that a script rarely waits, at a cost in memory that does not matter.
const LIMIT: usize = 4 * 1024 * 1024;

/// The bytes that were read from a container and not yet taken. Clones share them.
#[derive(Clone, Default)]
pub struct Backlog(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    bytes: usize,
    /// Whether the reader waits while too many bytes do.
    limited: bool,
}

impl Backlog {
    /// Counts bytes that were read; waits while there are too many.
    pub fn add(&self, bytes: usize) {
        let mut state = self.state();
        state.bytes += bytes;
        let full = |state: &mut State| state.limited && state.bytes > LIMIT;
        drop(self.0.1.wait_while(state, full).expect("no thread panics while it holds this lock"));
    }

    /// Counts bytes that were taken.
    pub fn remove(&self, bytes: usize) {
        self.state().bytes -= bytes;
        self.0.1.notify_all();
    }

    /// Has the reader wait from now on while too many bytes wait, as long as the result lives.
    pub fn limit(&self) -> Limited {
        self.state().limited = true;
        Limited(self.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().expect("no thread panics while it holds this lock")
    }
}

/// Something takes the bytes.
pub struct Limited(Backlog);

impl Drop for Limited {
    fn drop(&mut self) {
        self.0.state().limited = false;
        self.0.0.1.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::{Backlog, LIMIT};

    #[test]
    fn output_that_is_not_taken_waits() {
        let backlog = Backlog::default();
        backlog.add(LIMIT + 1);
        let limited = backlog.limit();
        let (sender, added) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                backlog.add(1);
                sender.send("taken").unwrap();
                backlog.add(LIMIT);
                sender.send("let go").unwrap();
            });
            backlog.remove(LIMIT);
            assert_eq!(added.recv().unwrap(), "taken");
            assert!(added.try_recv().is_err());
            drop(limited);
            assert_eq!(added.recv().unwrap(), "let go");
        });
    }
}
