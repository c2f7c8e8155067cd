//! When it is time to look at the source after events: soon after a single finished save, later in a storm.

use std::time::{Duration, Instant};

/// How long to wait after a single finished save: long enough for the second event that many saves have.
const SHORT: Duration = Duration::from_millis(8);

/// A burst longer than this is looked at though it goes on.
pub const CAP: Duration = Duration::from_secs(1);

/// A single save has no more paths than this: the file, a temporary file, a backup.
pub const FEW: usize = 3;

/// For how long the source must have been calm before a burst that is taken for a single save.
const CALM: Duration = Duration::from_millis(400);

/// Events that came one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    pub first: Instant,
    pub last: Instant,
    /// How many different paths had events.
    pub paths: usize,
    /// No file among them was left open for writing, and no folder came or went.
    pub finished: bool,
}

/// Whether a burst looks like one save that is over.
pub fn is_single(burst: &Burst, before: Option<Instant>) -> bool {
    let calm = before.is_none_or(|last| burst.first.saturating_duration_since(last) >= CALM);
    calm && burst.finished && burst.paths <= FEW
}

/// When to look: a moment after a single save, after `quiet` without events otherwise; at the latest [`CAP`] after the
/// burst began. `before` is when the burst before it was over.
pub fn due(burst: &Burst, before: Option<Instant>, quiet: Duration) -> Instant {
    let wait = if is_single(burst, before) { SHORT.min(quiet) } else { quiet };
    (burst.last + wait).min(burst.first + CAP.max(quiet))
}

#[cfg(test)]
mod tests {
    use super::{Burst, due};
    use proptest::prelude::*;
    use std::time::{Duration, Instant};

    const QUIET: Duration = Duration::from_millis(50);

    fn millis(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    #[test]
    fn a_single_finished_save_waits_a_moment_only() {
        let first = Instant::now();
        let burst = Burst { first, last: first + millis(2), paths: 2, finished: true };
        assert_eq!(due(&burst, None, QUIET), burst.last + millis(8));
        assert_eq!(due(&burst, Some(first - millis(100)), QUIET), burst.last + QUIET);
        assert_eq!(due(&Burst { finished: false, ..burst }, None, QUIET), burst.last + QUIET);
        assert_eq!(due(&Burst { paths: 40, ..burst }, None, QUIET), burst.last + QUIET);
    }

    #[test]
    fn a_storm_is_looked_at_after_a_second_at_the_latest() {
        let first = Instant::now();
        let burst = Burst { first, last: first + millis(990), paths: 500, finished: false };
        assert_eq!(due(&burst, None, QUIET), first + millis(1000));
    }

    proptest! {
        #[test]
        fn it_is_due_between_the_last_event_and_the_quiet_after_it(
            length in 0_u64..5000, paths in 1_usize..100, finished: bool, quiet in 0_u64..3000, before in 0_u64..2000,
        ) {
            let first = Instant::now() + millis(5000);
            let burst = Burst { first, last: first + millis(length), paths, finished };
            let at = due(&burst, Some(first - millis(before)), millis(quiet));
            prop_assert!(at <= burst.last + millis(quiet));
            prop_assert!(at >= burst.last.min(first + millis(1000)));
            prop_assert!(at <= first + millis(1000.max(quiet)));
        }
    }
}
