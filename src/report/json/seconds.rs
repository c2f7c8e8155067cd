//! Times in JSON.

use std::time::Duration;

/// A duration in seconds, rounded to the millisecond.
pub fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}
