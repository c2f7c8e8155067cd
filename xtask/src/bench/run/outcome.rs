//! What becomes of requests, and how many of each kind there are.

use std::fmt::Write;
use std::io::{Error, ErrorKind};
use std::time::Duration;

/// What has become of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The whole answer came, with this body.
    Answered(String),
    Refused,
    Reset,
    TimedOut,
    /// The connection ended in good order, but before the whole answer.
    CutShort,
    Other(String),
}

impl Outcome {
    /// What an error of a connection means.
    pub fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::Refused,
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => Self::Reset,
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Self::TimedOut,
            ErrorKind::UnexpectedEof => Self::CutShort,
            _ => Self::Other(error.to_string()),
        }
    }
}

/// Counts of outcomes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    answered: usize,
    refused: usize,
    reset: usize,
    timed_out: usize,
    cut_short: usize,
    other: usize,
    /// The longest time that one answer took.
    slowest: Duration,
    /// When the first of the failures came that no answer followed yet.
    failing_since: Option<Duration>,
    /// The longest time from a failure to the next answer.
    longest_outage: Duration,
}

impl Tally {
    /// Adds a request that was made at this time and took so long.
    pub fn add(&mut self, outcome: &Outcome, at: Duration, took: Duration) {
        let count = match outcome {
            Outcome::Answered(_) => &mut self.answered,
            Outcome::Refused => &mut self.refused,
            Outcome::Reset => &mut self.reset,
            Outcome::TimedOut => &mut self.timed_out,
            Outcome::CutShort => &mut self.cut_short,
            Outcome::Other(_) => &mut self.other,
        };
        *count += 1;
        if matches!(outcome, Outcome::Answered(_)) {
            self.slowest = self.slowest.max(took);
            if let Some(since) = self.failing_since.take() {
                self.longest_outage = self.longest_outage.max((at + took).saturating_sub(since));
            }
        } else {
            self.failing_since.get_or_insert(at);
        }
    }

    /// How many requests got no answer.
    pub fn failures(&self) -> usize {
        self.refused + self.reset + self.timed_out + self.cut_short + self.other
    }

    /// For people.
    pub fn summary(&self) -> String {
        let mut text = format!("{} of {} failed", self.failures(), self.answered + self.failures());
        let kinds = [
            (self.refused, "refused"),
            (self.reset, "reset"),
            (self.timed_out, "timed out"),
            (self.cut_short, "cut short"),
            (self.other, "other"),
        ];
        let kinds = kinds.iter().filter(|(count, _)| *count > 0).map(|(count, kind)| format!("{count} {kind}"));
        let kinds = kinds.collect::<Vec<_>>().join(", ");
        if !kinds.is_empty() {
            let outage = self.longest_outage.as_secs_f64();
            let _ = write!(text, " ({kinds}; for {outage:.2} s at the longest)");
        }
        let _ = write!(text, ", slowest answer {:.0} ms", self.slowest.as_secs_f64() * 1000.0);
        text
    }
}

#[cfg(test)]
mod tests {
    use std::io::Error;
    use std::time::Duration;

    use super::{ErrorKind, Outcome, Tally};

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn errors_are_of_the_kind_that_a_client_sees() {
        let of = |kind: ErrorKind| Outcome::of(&Error::from(kind));
        assert_eq!(of(ErrorKind::ConnectionRefused), Outcome::Refused);
        assert_eq!(of(ErrorKind::ConnectionReset), Outcome::Reset);
        // What a read that takes too long says depends on the system.
        assert_eq!((of(ErrorKind::WouldBlock), of(ErrorKind::TimedOut)), (Outcome::TimedOut, Outcome::TimedOut));
        assert_eq!(of(ErrorKind::UnexpectedEof), Outcome::CutShort);
    }

    #[test]
    fn every_request_is_counted_once() {
        let mut tally = Tally::default();
        let answered = Outcome::Answered(String::new());
        let all = [&answered, &Outcome::Refused, &Outcome::Reset, &Outcome::Refused, &answered, &Outcome::TimedOut];
        for (number, outcome) in all.into_iter().enumerate() {
            tally.add(outcome, millis(number as u64 * 5), millis(2));
        }
        assert_eq!(tally.failures(), 4);
        let text = "4 of 6 failed (2 refused, 1 reset, 1 timed out; for 0.02 s at the longest), slowest answer 2 ms";
        assert_eq!(tally.summary(), text);
    }

    #[test]
    fn an_outage_ends_with_the_next_answer() {
        let mut tally = Tally::default();
        tally.add(&Outcome::Refused, millis(100), millis(1));
        tally.add(&Outcome::Reset, millis(500), millis(1));
        tally.add(&Outcome::Answered(String::new()), millis(1000), millis(50));
        tally.add(&Outcome::Refused, millis(2000), millis(1));
        tally.add(&Outcome::Answered(String::new()), millis(2005), millis(1));
        assert_eq!(tally.longest_outage, millis(950));
        assert_eq!(tally.slowest, millis(50));
    }

    #[test]
    fn without_failures_no_kinds_are_named() {
        let mut tally = Tally::default();
        tally.add(&Outcome::Answered(String::new()), millis(0), millis(3));
        assert_eq!(tally.summary(), "0 of 1 failed, slowest answer 3 ms");
    }
}
