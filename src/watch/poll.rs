//! When to look at the source where no event says so.

use std::time::{Duration, Instant};

/// How often everything is looked at where events can not be had and no interval was given: often enough for somebody who
/// waits for a save, and a hundredth of a processor for 10,000 entries, which take 24 ms to look at.
pub const DEFAULT_POLL: Duration = Duration::from_secs(1);

/// A look at everything takes at most this part of the time when there are no events: a tenth.
const POLL_SHARE: u32 = 10;

/// When everything is looked at, where there are no events.
pub struct Poll {
    every: Duration,
    pub due: Instant,
}

impl Poll {
    pub fn new(every: Option<Duration>) -> Self {
        let every = every.unwrap_or(DEFAULT_POLL);
        Self { every, due: Instant::now() + every }
    }

    /// A look took this long; the next one waits accordingly.
    pub fn looked(&mut self, took: Duration) {
        self.due = Instant::now() + self.every.max(took * POLL_SHARE);
    }
}
