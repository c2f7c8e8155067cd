//! What one measurement of a case gives.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// Of one size of a case.
pub struct Measured {
    pub time: Duration,
    /// The most memory that minis2i held, in bytes.
    pub memory: u64,
    /// For a watch: the processor time of the thread that decides, and how long the watch took to end after a signal.
    pub watch: Option<WatchTimes>,
}

/// What only a watch has.
pub struct WatchTimes {
    /// All of it, so that no single step can have taken longer.
    pub deciding: Duration,
    pub end: Duration,
}

impl Display for Measured {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let memory = self.memory as f64 / f64::from(1 << 20);
        write!(f, "{:.2} s, {memory:.1} MiB", self.time.as_secs_f64())?;
        let Some(watch) = &self.watch else { return Ok(()) };
        let (deciding, end) = (watch.deciding.as_secs_f64() * 1000.0, watch.end.as_secs_f64());
        write!(f, ", {deciding:.0} ms of deciding, {end:.2} s to its end")
    }
}
