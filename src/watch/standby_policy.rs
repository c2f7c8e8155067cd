//! Whether to keep a standby, when to try to prepare one, and why there is none.

use std::time::{Duration, Instant};

use crate::pipeline::approach::CannotWait;
use crate::report::message::Outcome;

/// How long to wait before a lost standby is replaced, at first and at most: chosen so that a container that is removed again
/// and again costs next to nothing.
pub const BACK_OFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

/// A standby is begun beside an `assemble` that runs longer than this: most that are over sooner need no time at all.
const EARLY_DELAY: Duration = Duration::from_millis(150);

/// If the last `assemble` took less than this, a container that starts after [`EARLY_DELAY`] would do so during the commit.
const USUALLY_SHORT: Duration = Duration::from_millis(500);

/// The most entries and bytes that are sent while `assemble` runs: a container takes some 0.1 ms for an entry, so that this
/// takes no longer than its start.
const SENT_BESIDE: (usize, u64) = (500, 8 << 20);

/// What decides about the standby; the standby itself is the worker's.
#[derive(Debug)]
pub struct StandbyPolicy {
    /// Why there is none by choice.
    off: Option<&'static str>,
    /// The most bytes of source that one may hold.
    limit: u64,
    reported: bool,
    why_none: &'static str,
    /// When to try to prepare one.
    due: Option<Instant>,
    back_off: Option<Duration>,
    /// Why builds like the last one cannot have one.
    cannot_wait: Option<CannotWait>,
}

/// Whether the source is small enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Fine,
    Over { reported: bool },
}

impl StandbyPolicy {
    /// `off` says why there shall be none; `limit` is in bytes.
    pub fn new(off: Option<&'static str>, limit: u64) -> Self {
        let why_none = off.unwrap_or("it is the first build");
        Self { off, limit, reported: false, why_none, due: None, back_off: None, cannot_wait: None }
    }

    pub fn is_on(&self) -> bool {
        self.off.is_none()
    }

    /// Whether the next one may be begun while a build of a source of this size runs.
    pub fn may_begin_early(&self, bytes: u64) -> bool {
        self.is_on() && self.cannot_wait.is_none() && bytes <= self.limit
    }

    /// When to try to prepare one, if at all.
    pub fn due(&self) -> Option<Instant> {
        self.due.filter(|_| self.is_on() && self.cannot_wait.is_none())
    }

    pub fn why_none(&self) -> &'static str {
        self.off.or(self.cannot_wait.map(reason)).unwrap_or(self.why_none)
    }

    /// A build with this outcome is over, and the next one wants a standby. If it comes before there is one, it is told why.
    pub fn wanted_after(&mut self, outcome: Outcome) {
        self.why_none = match outcome {
            Outcome::Cancelled => "the build that was cancelled used it",
            Outcome::Ok | Outcome::Failed => "the build before has just ended",
        };
        self.try_now();
    }

    fn try_now(&mut self) {
        self.back_off = None;
        self.due = Some(Instant::now());
    }

    /// The one there was, or the attempt to make one, is of no use, but another can be made at once.
    pub fn renew(&mut self, why: &'static str) {
        self.why_none = why;
        self.cannot_wait = None;
        self.try_now();
    }

    /// Builds as they are now cannot have one, for this reason, or can.
    pub fn learn(&mut self, cannot_wait: Option<CannotWait>) {
        self.cannot_wait = cannot_wait;
    }

    /// There is one.
    pub fn mark_ready(&mut self) {
        self.due = None;
    }

    /// It got lost, or could not be made: the next try waits, each time twice as long, from `back_off.0` to
    /// `back_off.1`.
    pub fn lost(&mut self, why: &'static str, back_off: (Duration, Duration)) {
        let wait = self.back_off.map_or(back_off.0, |before| (before * 2).min(back_off.1));
        self.back_off = Some(wait);
        self.why_none = why;
        self.due = Some(Instant::now() + wait);
    }

    /// Whether one may hold a source of this size.
    pub fn check_size(&mut self, bytes: u64) -> Limit {
        if bytes <= self.limit {
            return Limit::Fine;
        }
        self.due = None;
        self.why_none = "the source is larger than a standby may hold";
        Limit::Over { reported: std::mem::replace(&mut self.reported, true) }
    }
}

/// How long `assemble` has to run before the next standby is begun beside it, from how long the last one took. To start a
/// container takes the engine longer than a commit, which it would hold up; so what is over soon is left alone.
pub fn early_after(last_assemble: Option<Duration>) -> Duration {
    if last_assemble.is_some_and(|took| took < USUALLY_SHORT) { USUALLY_SHORT } else { EARLY_DELAY }
}

/// Whether a source of so many entries and bytes is sent while `assemble` runs, which needs the processor, too.
pub fn may_send_beside(entries: usize, bytes: u64) -> bool {
    entries <= SENT_BESIDE.0 && bytes <= SENT_BESIDE.1
}

/// As the end of a sentence.
pub fn reason(why: CannotWait) -> &'static str {
    match why {
        CannotWait::Shell => "the builder has no shell",
        CannotWait::Tar => "the builder has no `tar` that can unpack the source",
        CannotWait::RuntimeImage => "a runtime image is used",
    }
}

#[cfg(test)]
mod tests {
    use super::{Limit, StandbyPolicy, early_after, may_send_beside};
    use crate::pipeline::approach::CannotWait;
    use crate::report::message::Outcome;
    use std::time::{Duration, Instant};

    const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(4));

    #[test]
    fn losses_in_a_row_wait_longer_and_a_build_forgets_them() {
        let mut policy = StandbyPolicy::new(None, 0);
        let waits = [1, 2, 4, 4].map(|seconds| {
            policy.lost("lost", BACK_OFF);
            let wait = policy.due().unwrap() - Instant::now();
            wait > Duration::from_secs(seconds) - Duration::from_millis(500) && wait <= Duration::from_secs(seconds)
        });
        assert_eq!(waits, [true; 4]);
        policy.wanted_after(Outcome::Ok);
        assert!(policy.due().unwrap() <= Instant::now());
    }

    #[test]
    fn a_commit_is_not_held_up_by_the_next_standby() {
        let after = |took| early_after(Some(Duration::from_millis(took))).as_millis();
        assert_eq!((after(10), after(450), after(1000), early_after(None).as_millis()), (500, 500, 150, 150));
    }

    #[test]
    fn a_large_source_is_not_sent_while_assemble_needs_the_processor() {
        assert!(may_send_beside(500, 1000));
        assert!(!may_send_beside(501, 1000) && !may_send_beside(1, 1 << 30));
    }

    #[test]
    fn none_is_begun_early_that_would_not_be_kept() {
        assert!(StandbyPolicy::new(None, 10).may_begin_early(10));
        assert!(!StandbyPolicy::new(None, 10).may_begin_early(11));
        assert!(!StandbyPolicy::new(Some("off"), 10).may_begin_early(1));
        let mut policy = StandbyPolicy::new(None, 10);
        policy.learn(Some(CannotWait::Tar));
        assert!(!policy.may_begin_early(1));
    }

    #[test]
    fn none_is_tried_while_none_can_be() {
        let mut policy = StandbyPolicy::new(None, 0);
        policy.learn(Some(CannotWait::Shell));
        policy.wanted_after(Outcome::Ok);
        assert_eq!((policy.due(), policy.why_none()), (None, "the builder has no shell"));
        policy.renew("the builder image changed");
        assert!(policy.due().is_some());
        assert_eq!(policy.why_none(), "the builder image changed");
    }

    #[test]
    fn a_build_after_a_cancelled_one_was_told_that_it_is_the_first() {
        let mut policy = StandbyPolicy::new(None, 0);
        assert_eq!(policy.why_none(), "it is the first build");
        policy.mark_ready();
        policy.wanted_after(Outcome::Cancelled);
        assert_eq!(policy.why_none(), "the build that was cancelled used it");
        policy.wanted_after(Outcome::Failed);
        assert_eq!(policy.why_none(), "the build before has just ended");
    }

    #[test]
    fn none_is_made_when_none_is_wanted_or_the_source_is_too_large() {
        let mut policy = StandbyPolicy::new(Some("off"), 10);
        policy.wanted_after(Outcome::Ok);
        assert_eq!((policy.due(), policy.why_none()), (None, "off"));
        let mut policy = StandbyPolicy::new(None, 10);
        policy.wanted_after(Outcome::Ok);
        assert_eq!(policy.check_size(11), Limit::Over { reported: false });
        assert_eq!(policy.check_size(11), Limit::Over { reported: true });
        assert_eq!(policy.due(), None);
        policy.wanted_after(Outcome::Ok);
        assert_eq!(policy.check_size(10), Limit::Fine);
    }
}
