//! Waiting for git to be done with its index: not for ever, and not twice for a lock that was left behind.

use std::time::{Duration, Instant};

use crate::git::work_tree::IndexLock;

/// How long git may hold its index before it is taken for a lock that was left behind: a checkout of a large tree is done.
pub const GIT_LIMIT: Duration = Duration::from_secs(10);

/// How often a held index is looked at: chosen so that a person does not notice the wait.
const GIT_INTERVAL: Duration = Duration::from_millis(20);

/// For how long one lock is waited for in silence: most checkouts are over by then.
const SILENCE: Duration = Duration::from_secs(1);

/// The lock that is waited for, or was.
#[derive(Debug, Default)]
pub struct GitWait {
    lock: Option<SeenLock>,
    /// When to ask again whether git is done.
    again: Option<Instant>,
}

#[derive(Debug)]
struct SeenLock {
    lock: IndexLock,
    /// When it was first seen.
    since: Instant,
    reported: bool,
    /// It was waited for long enough.
    given_up: bool,
}

/// What to do about a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// There is nothing to wait for.
    Over,
    /// `report` says whether it is time to say so, which is once for each lock.
    On { report: bool },
}

impl GitWait {
    /// Takes in the lock that git holds at `now`, if any, where a save whose first event was at `first` waits for it.
    pub fn answered(&mut self, held: Option<IndexLock>, first: Instant, now: Instant) -> Wait {
        self.again = None;
        let Some(held) = held else {
            self.lock = None;
            return Wait::Over;
        };
        let known = self.lock.take().filter(|seen| seen.lock == held);
        let mut seen = known.unwrap_or(SeenLock { lock: held, since: now, reported: false, given_up: false });
        // A lock that was there before the save is not waited for longer than one that comes during the save.
        seen.given_up |= now >= first + GIT_LIMIT;
        let report = !seen.given_up && !seen.reported && now >= seen.since + SILENCE;
        seen.reported |= report;
        let given_up = seen.given_up;
        self.lock = Some(seen);
        if given_up {
            return Wait::Over;
        }
        self.again = Some(now + GIT_INTERVAL);
        Wait::On { report }
    }

    /// The lock that is waited for, or was waited for in vain.
    pub fn lock(&self) -> Option<&IndexLock> {
        self.lock.as_ref().map(|seen| &seen.lock)
    }

    /// When to ask again, if a save waits.
    pub fn again(&self) -> Option<Instant> {
        self.again
    }
}

#[cfg(test)]
mod tests {
    use super::{GIT_LIMIT, GitWait, Wait};
    use crate::git::work_tree::IndexLock;
    use proptest::prelude::*;
    use std::time::{Duration, Instant};

    fn lock(inode: u64) -> Option<IndexLock> {
        Some(IndexLock { path: "/x/.git/index.lock".into(), inode, modified: (7, 0) })
    }

    /// Waits from `first` on for a lock; when the wait was over, and how often it was reported.
    fn wait(git: &mut GitWait, held: &Option<IndexLock>, first: Instant) -> (Duration, usize) {
        let (mut now, mut reports) = (first, 0);
        while let Wait::On { report } = git.answered(held.clone(), first, now) {
            reports += usize::from(report);
            now = git.again().expect("who waits asks again");
        }
        assert_eq!(git.again(), None);
        (now - first, reports)
    }

    #[test]
    fn a_lock_that_was_left_behind_made_each_save_late_without_a_word() {
        let (mut git, first) = (GitWait::default(), Instant::now());
        let (took, reports) = wait(&mut git, &lock(1), first);
        assert!(took >= GIT_LIMIT && took < GIT_LIMIT + Duration::from_millis(100), "{took:?}");
        assert_eq!(reports, 1);
        for hour in 1..4 {
            let save = first + Duration::from_secs(3600 * hour);
            assert_eq!(wait(&mut git, &lock(1), save), (Duration::ZERO, 0));
        }
        // Another lock may be a git that works.
        assert_eq!(wait(&mut git, &lock(2), first + Duration::from_secs(20_000)).1, 1);
    }

    #[test]
    fn the_lock_of_a_short_checkout_is_not_reported() {
        let (mut git, first) = (GitWait::default(), Instant::now());
        for millis in (0..900).step_by(20) {
            let now = first + Duration::from_millis(millis);
            assert_eq!(git.answered(lock(1), first, now), Wait::On { report: false });
        }
        assert_eq!(git.answered(None, first, first + Duration::from_millis(900)), Wait::Over);
        assert_eq!(git.lock(), None);
    }

    proptest! {
        #[test]
        fn no_save_waits_longer_than_the_limit_whatever_the_locks(
            locks in prop::collection::vec((0_u64..3, 1_u64..4000), 1..40),
        ) {
            let (mut git, begin) = (GitWait::default(), Instant::now());
            let (mut now, mut first, mut given_up) = (begin, begin, None);
            for (inode, time) in locks {
                let held = (inode > 0).then(|| lock(inode)).flatten();
                let wait = git.answered(held.clone(), first, now);
                if wait == Wait::Over {
                    given_up = held;
                    first = now;
                } else {
                    prop_assert!(now < first + GIT_LIMIT);
                    prop_assert_ne!(&held, &given_up);
                    given_up = None;
                }
                now += Duration::from_millis(time);
            }
        }
    }
}
