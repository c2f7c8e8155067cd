//! Threads of a watch: what they send reaches the event loop, and so does the end of one that panics.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::Sender;
use std::thread::{Scope, ScopedJoinHandle};

use super::event_loop::Event;

/// A function that sends something as an event. Once the event loop has ended, what is sent is of no use to it.
pub fn sender<'a, T: Send + 'a>(send: &Sender<Event>, event: fn(T) -> Event) -> Box<dyn Fn(T) + Send + 'a> {
    let send = send.clone();
    Box::new(move |value| drop(send.send(event(value))))
}

/// Starts a thread whose panic is an event.
pub fn guarded<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    send: &Sender<Event>,
    work: impl FnOnce() + Send + 'scope,
) -> ScopedJoinHandle<'scope, ()> {
    let send = send.clone();
    scope.spawn(move || {
        if let Err(cause) = panic::catch_unwind(AssertUnwindSafe(work)) {
            drop(send.send(Event::Panicked(panic_message(&*cause))));
        }
    })
}

/// What a thread said when it panicked.
pub fn panic_message(cause: &(dyn Any + Send)) -> String {
    let text = cause.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| cause.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a thread panicked".to_owned())
}

#[cfg(test)]
mod tests {
    use super::guarded;
    use crate::watch::event_loop::Event;
    use std::sync::mpsc;

    #[test]
    fn the_end_of_a_thread_that_panics_is_an_event() {
        let (send, events) = mpsc::channel();
        std::thread::scope(|scope| {
            let thread = guarded(scope, &send, || panic!("out of order"));
            assert!(matches!(events.recv(), Ok(Event::Panicked(message)) if message == "out of order"));
            assert!(thread.join().is_ok());
        });
    }
}
