//! Whether to keep a container ready for the next build, and when to try. The container itself is the worker's.

use std::time::{Duration, Instant};

use crate::build::NoStandby;

/// The plan for the standby.
#[derive(Debug)]
pub struct Standby {
    /// Why there is none by choice.
    off: Option<&'static str>,
    /// The most bytes of source that one may hold.
    limit: u64,
    told: bool,
    why_none: &'static str,
    /// When to try to prepare one.
    due: Option<Instant>,
    back_off: Option<Duration>,
    /// Why builds like the last one can not have one.
    hopeless: Option<NoStandby>,
}

/// Whether the source is small enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Fine,
    Over { told: bool },
}

impl Standby {
    /// `off` says why there shall be none; `limit` is in bytes.
    pub fn new(off: Option<&'static str>, limit: u64) -> Self {
        let why_none = off.unwrap_or("it is the first build");
        Self { off, limit, told: false, why_none, due: None, back_off: None, hopeless: None }
    }

    pub fn is_on(&self) -> bool {
        self.off.is_none()
    }

    /// When to try to prepare one, if at all.
    pub fn due(&self) -> Option<Instant> {
        self.due.filter(|_| self.is_on() && self.hopeless.is_none())
    }

    pub fn why_none(&self) -> &'static str {
        self.off.or(self.hopeless.map(NoStandby::text)).unwrap_or(self.why_none)
    }

    /// A build is over: the next one wants a standby.
    pub fn wanted(&mut self) {
        self.back_off = None;
        self.due = Some(Instant::now());
    }

    /// The one there was, or the attempt to make one, is of no use, but another can be made at once.
    pub fn renew(&mut self, why: &'static str) {
        self.why_none = why;
        self.hopeless = None;
        self.wanted();
    }

    /// Builds as they are now can not have one, for this reason, or can.
    pub fn learn(&mut self, hopeless: Option<NoStandby>) {
        self.hopeless = hopeless;
    }

    /// There is one.
    pub fn is_ready(&mut self) {
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
        Limit::Over { told: std::mem::replace(&mut self.told, true) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Limit, Standby};
    use crate::build::NoStandby;
    use std::time::{Duration, Instant};

    const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(4));

    #[test]
    fn losses_in_a_row_wait_longer_and_a_build_forgets_them() {
        let mut standby = Standby::new(None, 0);
        let waits = [1, 2, 4, 4].map(|seconds| {
            standby.lost("lost", BACK_OFF);
            let wait = standby.due().unwrap() - Instant::now();
            wait > Duration::from_secs(seconds) - Duration::from_millis(500) && wait <= Duration::from_secs(seconds)
        });
        assert_eq!(waits, [true; 4]);
        standby.wanted();
        assert!(standby.due().unwrap() <= Instant::now());
    }

    #[test]
    fn none_is_tried_while_there_is_no_hope() {
        let mut standby = Standby::new(None, 0);
        standby.learn(Some(NoStandby::Shell));
        standby.wanted();
        assert_eq!((standby.due(), standby.why_none()), (None, "the builder has no shell"));
        standby.renew("the builder image changed");
        assert!(standby.due().is_some());
        assert_eq!(standby.why_none(), "the builder image changed");
    }

    #[test]
    fn none_is_made_when_none_is_wanted_or_the_source_is_too_large() {
        let mut standby = Standby::new(Some("off"), 10);
        standby.wanted();
        assert_eq!((standby.due(), standby.why_none()), (None, "off"));
        let mut standby = Standby::new(None, 10);
        standby.wanted();
        assert_eq!(standby.check_size(11), Limit::Over { told: false });
        assert_eq!(standby.check_size(11), Limit::Over { told: true });
        assert_eq!(standby.due(), None);
        standby.wanted();
        assert_eq!(standby.check_size(10), Limit::Fine);
    }
}
