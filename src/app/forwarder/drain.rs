//! Ending the connections of an app that another one has replaced, without a loss for the clients.

use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use super::current::Generation;

/// How long nothing must have passed until a connection is taken to be at rest whose protocol is not known. An app can pause in
/// the middle of an answer, and a client that asks often never rests for long, so it is long at first and short for the second
/// half of the limit.
const PATIENT: Duration = Duration::from_millis(100);
const HURRIED: Duration = Duration::from_millis(2);

/// How often it is looked at the connections, at the most and at the least.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// One call of `drain`.
#[derive(Debug)]
pub struct Drain {
    pub generation: Generation,
    hurried_from: Instant,
    until: Instant,
    next_look: Instant,
    reply: Sender<usize>,
}

impl Drain {
    pub fn new(generation: Generation, limit: Duration, reply: Sender<usize>, now: Instant) -> Self {
        Self { generation, hurried_from: now + limit / 2, until: now + limit, next_look: now, reply }
    }

    /// When to look at the connections next.
    pub fn next_look(&self) -> Instant {
        self.next_look
    }

    /// How long nothing must have passed on a connection that is closed now.
    pub fn quiet(&self, now: Instant) -> Duration {
        if now < self.hurried_from { PATIENT } else { HURRIED }
    }

    /// Takes note of how many connections are left and when the first of them is at rest; whether that was the last look.
    pub fn looked(&mut self, left: usize, first_rest: Option<Instant>, now: Instant) -> bool {
        if left == 0 || now >= self.until {
            // The caller may have given up.
            let _ = self.reply.send(left);
            return true;
        }
        let earliest = now + SHORTEST_PAUSE;
        let latest = (now + LONGEST_PAUSE).min(self.until).max(earliest);
        self.next_look = first_rest.unwrap_or(latest).clamp(earliest, latest);
        false
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver};

    use proptest::prelude::*;

    use super::*;
    use crate::app::forwarder::current::Current;

    const LIMIT: Duration = Duration::from_secs(2);

    fn drain(now: Instant) -> (Drain, Receiver<usize>) {
        let (reply, count) = mpsc::channel();
        (Drain::new(Current::default().set(Vec::new()), LIMIT, reply, now), count)
    }

    #[test]
    fn is_in_a_hurry_in_the_second_half() {
        let now = Instant::now();
        let (drain, _count) = drain(now);
        assert_eq!(drain.quiet(now + LIMIT / 2 - Duration::from_millis(1)), PATIENT);
        assert_eq!(drain.quiet(now + LIMIT / 2), HURRIED);
    }

    #[test]
    fn ends_when_none_is_left_or_the_limit_is_over() {
        let now = Instant::now();
        let (mut drain, count) = drain(now);
        assert!(!drain.looked(2, None, now));
        assert!(count.try_recv().is_err());
        assert!(drain.looked(0, None, now));
        assert_eq!(count.recv(), Ok(0));
        assert!(drain.looked(3, None, now + LIMIT));
        assert_eq!(count.recv(), Ok(3));
    }

    proptest! {
        #[test]
        fn the_next_look_is_soon_and_never_after_the_limit(now in 0..2000_u64, rest in proptest::option::of(0..4000_u64)) {
            let start = Instant::now();
            let at = |milliseconds| start + Duration::from_millis(milliseconds);
            let (mut drain, _count) = drain(start);
            prop_assert!(!drain.looked(1, rest.map(at), at(now)));
            prop_assert!(drain.next_look() > at(now));
            prop_assert!(drain.next_look() <= at(now) + LONGEST_PAUSE);
            prop_assert!(drain.next_look() <= start + LIMIT);
        }
    }
}
