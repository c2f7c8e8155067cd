//! Waiting for a fact to become true. How to look for the fact is the caller's matter.

use std::time::{Duration, Instant};

/// How long a fact may take to become true: far longer than any does on a busy machine, and less than the patience of
/// the person who waits for a failure.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// How long a run may take to end after a signal. The promise is 2 s on a machine with nothing else to do; here other
/// tests keep the engine busy.
pub const END_TIMEOUT: Duration = Duration::from_secs(6);

/// Waits until a fact holds; fails with `what` when it never does.
pub fn wait_for(what: &str, mut fact: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !fact() {
        assert!(begin.elapsed() < TIMEOUT, "waited too long: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
