//! Waiting for a fact to become true. How to look for the fact is the caller's matter.

use std::time::{Duration, Instant};

/// How long a fact may take to become true.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// Waits until a fact holds; fails with `what` when it never does.
pub fn wait_for(what: &str, mut fact: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !fact() {
        assert!(begin.elapsed() < TIMEOUT, "waited too long: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
