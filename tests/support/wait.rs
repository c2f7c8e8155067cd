//! Waiting for a fact to become true. How to look for the fact is the caller's matter.

use std::time::{Duration, Instant};

/// How long a fact may take to become true. The slowest ones take some seconds while all tests use the machine.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// How long a run may take to end after a signal. The promise is 2 s on a machine with nothing else to do; here other
/// tests keep the engine busy.
pub const END_TIMEOUT: Duration = Duration::from_secs(6);

/// How often to look for what this process knows already, which costs next to nothing.
pub const POLL: Duration = Duration::from_millis(5);

/// How often to look for what may take a call of the engine's CLI, which costs 22 ms of processor time, and more in the
/// engine: chosen so that tests that wait leave the machine to the others.
pub const ENGINE_POLL: Duration = Duration::from_millis(250);

/// Waits until a fact holds; fails with `what` when it never does.
#[track_caller]
pub fn wait_for(what: &str, fact: impl FnMut() -> bool) {
    wait_until(ENGINE_POLL, fact, || format!("waited too long: {what}"));
}

/// The same with an interval and a message of the caller's.
#[track_caller]
pub fn wait_until(interval: Duration, mut fact: impl FnMut() -> bool, message: impl Fn() -> String) {
    let begin = Instant::now();
    while !fact() {
        assert!(begin.elapsed() < TIMEOUT, "{}", message());
        std::thread::sleep(interval);
    }
}
