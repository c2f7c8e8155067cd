//! When a watch is done with what happened before: what to do next while waiting for that.

use std::time::Duration;

/// How long a watch that is done says nothing. The longest wait of its own is a second, when saves go on and on; a wait
/// that is too short only costs another comparison.
const QUIET: Duration = Duration::from_millis(400);

/// How long a watch may take to put the tag on the last save: twice the 30 s after which it asks an engine for events
/// that it could not have.
pub const LIMIT: Duration = Duration::from_secs(60);

/// How often a save is made again whose build failed.
const SAVES: u32 = 6;

/// What is known of a watch.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub building: bool,
    /// For how long it has said nothing, and nothing was saved.
    pub quiet: Duration,
    /// The last build failed, and was of the last save.
    pub failed: bool,
    /// How many saves were made since all is calm.
    pub saves: u32,
    /// How long it is since the last of them.
    pub waited: Duration,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Wait,
    /// A build failed, as it was made to: the next save must come through.
    Save,
    /// Hold the image against a fresh one.
    Compare,
    /// It takes too long.
    GiveUp,
}

/// What to do next after what was seen.
pub fn next(seen: Seen) -> Next {
    match seen {
        Seen { waited, .. } if waited > LIMIT => Next::GiveUp,
        Seen { building: true, .. } => Next::Wait,
        Seen { quiet, .. } if quiet < QUIET => Next::Wait,
        Seen { failed: true, saves, .. } if saves >= SAVES => Next::GiveUp,
        Seen { failed: true, .. } => Next::Save,
        _ => Next::Compare,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LIMIT, Next, QUIET, SAVES, Seen, next};

    const DONE: Seen = Seen { building: false, quiet: QUIET, failed: false, saves: 0, waited: QUIET };

    #[test]
    fn only_a_watch_that_is_done_is_looked_at() {
        assert_eq!(next(DONE), Next::Compare);
        assert_eq!(next(Seen { building: true, ..DONE }), Next::Wait);
        assert_eq!(next(Seen { quiet: QUIET / 2, ..DONE }), Next::Wait);
    }

    #[test]
    fn a_failed_build_is_followed_by_a_save() {
        assert_eq!(next(Seen { failed: true, ..DONE }), Next::Save);
        assert_eq!(next(Seen { failed: true, saves: SAVES, ..DONE }), Next::GiveUp);
    }

    #[test]
    fn no_wait_is_for_ever() {
        let late = LIMIT + Duration::from_secs(1);
        assert_eq!(next(Seen { building: true, waited: late, ..DONE }), Next::GiveUp);
    }
}
