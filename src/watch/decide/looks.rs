//! When to look at the source: some time after events, by the clock where there are none, never twice at once.

use std::time::{Duration, Instant};

use super::action::{Action, Note, Saved};
use super::git_wait::{GitWait, Wait};
use super::input::{Comparison, Look};
use crate::git::work_tree::IndexLock;
use crate::watch::debounce::{self, Burst};

/// How often it is asked which folder the source means. A question takes some microseconds; a person who has moved a link
/// does not wait much longer.
const PATH_INTERVAL: Duration = Duration::from_secs(1);

/// A look by the clock takes at most this part of the time: a tenth.
const POLL_SHARE: u32 = 10;

/// The looks of a watch.
#[derive(Debug)]
pub struct Looks {
    /// How long the source must be quiet after a burst.
    quiet: Duration,
    /// Events that were not looked at yet.
    burst: Option<Burst>,
    /// The full quiet is waited for: a look found something that came or went.
    patient: bool,
    /// When the last burst was over.
    calm_since: Option<Instant>,
    git: GitWait,
    under_way: UnderWay,
    /// Another look is wanted when the one under way is done.
    again: bool,
    saved: Option<Saved>,
    /// How many looks have begun, but for those by the clock, and which of them was compared last.
    begun: u64,
    compared: u64,
    /// The source was found back at what the tag has, and nothing was built since.
    is_tagged: bool,
    poll: Poll,
    /// When to ask which folder the source means.
    path_due: Instant,
}

/// The question under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnderWay {
    Nothing,
    Git,
    /// A look for this burst, or for a build that wants to know.
    Look(Option<Burst>),
    LookByTheClock,
    Path,
}

/// Looks by the clock.
#[derive(Debug)]
struct Poll {
    every: Duration,
    /// There are no events.
    on: bool,
    /// The source cannot be looked at, for this reason, which was reported.
    fault: Option<String>,
    due: Instant,
}

impl Looks {
    /// `quiet` is that of the debouncer; where there are no events (`polling`), everything is looked at `every` so often.
    pub fn new(quiet: Duration, every: Duration, polling: bool, now: Instant) -> Self {
        Self {
            quiet,
            burst: None,
            patient: false,
            calm_since: None,
            git: GitWait::default(),
            under_way: UnderWay::Nothing,
            again: false,
            saved: None,
            begun: 0,
            compared: 0,
            is_tagged: false,
            poll: Poll { every, on: polling, fault: None, due: now + every },
            path_due: now + PATH_INTERVAL,
        }
    }

    /// Takes in events; a burst that waits for its end goes on.
    pub fn note(&mut self, burst: Burst) {
        let first = self.burst.map_or(burst.first, |before| before.first.min(burst.first));
        self.burst = Some(Burst { first, ..burst });
    }

    /// When [`tick`](Self::tick) is due, if nothing happens before.
    pub fn deadline(&self) -> Option<Instant> {
        if self.under_way != UnderWay::Nothing {
            return None;
        }
        [self.events_due(), self.poll.due(), Some(self.path_due)].into_iter().flatten().min()
    }

    /// Like [`deadline`](Self::deadline), but for the question for the path, which is asked for ever.
    #[cfg(test)]
    pub fn deadline_but_path(&self) -> Option<Instant> {
        let idle = self.under_way == UnderWay::Nothing;
        [self.events_due(), self.poll.due()].into_iter().flatten().min().filter(|_| idle)
    }

    /// Begins a look that is due.
    pub fn tick(&mut self, now: Instant) -> Option<Action> {
        if self.under_way != UnderWay::Nothing {
            return None;
        }
        if self.events_due().is_some_and(|due| due <= now) {
            self.under_way = UnderWay::Git;
            return Some(Action::AskGit);
        }
        if self.poll.due().is_some_and(|due| due <= now) {
            self.under_way = UnderWay::LookByTheClock;
            return Some(Action::Look);
        }
        if self.path_due <= now {
            self.under_way = UnderWay::Path;
            return Some(Action::AskPath);
        }
        None
    }

    /// Takes in whether the source means another folder, which is as good as an event.
    pub fn path_asked(&mut self, changed: bool, now: Instant) {
        self.under_way = UnderWay::Nothing;
        self.path_due = now + PATH_INTERVAL;
        if changed {
            self.note(Burst { first: now, last: now, paths: 1, finished: true });
        }
    }

    /// Goes on with the look when git does not hold its index, or has done so for too long.
    pub fn git(&mut self, held: Option<IndexLock>, now: Instant) -> Option<Action> {
        self.under_way = UnderWay::Nothing;
        let burst = self.burst?;
        if let Wait::On { report } = self.git.answered(held, burst.first, now) {
            let lock = self.git.lock().filter(|_| report).cloned();
            return lock.map(|lock| Action::Report(Note::GitWait(lock.path)));
        }
        if self.events_due().is_some_and(|due| now < due) {
            // More came meanwhile.
            return None;
        }
        self.burst = None;
        self.begin(Some(burst), now)
    }

    /// Looks, now or when the look under way is done.
    pub fn request(&mut self, now: Instant) -> Option<Action> {
        match self.under_way {
            UnderWay::Nothing => self.begin(None, now),
            UnderWay::Git => None,
            UnderWay::Look(_) | UnderWay::LookByTheClock | UnderWay::Path => {
                self.again = true;
                None
            }
        }
    }

    /// Has a look begin as after an event, so that it waits for git, too; the number of the first that begins from now on.
    pub fn ask(&mut self, now: Instant) -> u64 {
        if self.burst.is_none() {
            self.note(Burst { first: now, last: now, paths: 1, finished: true });
        }
        self.begun + 1
    }

    /// How many looks have begun, but for those by the clock.
    pub fn begun(&self) -> u64 {
        self.begun
    }

    /// The number of the last look that was compared.
    pub fn compared(&self) -> u64 {
        self.compared
    }

    /// Whether the source was found back at what the tag has, and nothing was built since.
    pub fn is_tagged(&self) -> bool {
        self.is_tagged
    }

    fn begin(&mut self, burst: Option<Burst>, now: Instant) -> Option<Action> {
        self.under_way = UnderWay::Look(burst);
        self.begun += 1;
        let saved = burst.map_or(now, |burst| burst.first);
        // A look that is not about a burst of its own is about the last one.
        let first = self.saved.map_or(saved, |before| before.first.min(saved));
        self.saved = Some(Saved { first, looked: now });
        Some(Action::Look)
    }

    /// Takes in what a look found; the comparison, unless it is to be made again later.
    pub fn looked(&mut self, look: Look, now: Instant) -> Option<Comparison> {
        self.poll.fault = None;
        if !std::mem::replace(&mut self.poll.on, look.polling) && look.polling {
            self.poll.due = now + self.poll.every;
        }
        match std::mem::replace(&mut self.under_way, UnderWay::Nothing) {
            UnderWay::LookByTheClock => {
                self.poll.due = now + self.poll.every.max(look.took * POLL_SHARE);
                match look.comparison {
                    Comparison::Nothing => None,
                    // It took the events along, so no later look answers them.
                    Comparison::Same => self.judge(Comparison::Same, None),
                    Comparison::Tagged | Comparison::Changed { .. } => {
                        // Where there are no events, a look that finds something is one.
                        self.note(Burst { first: now, last: now, paths: 1, finished: true });
                        None
                    }
                }
            }
            UnderWay::Look(burst) => self.judge(look.comparison, burst),
            UnderWay::Nothing | UnderWay::Git | UnderWay::Path => None,
        }
    }

    fn judge(&mut self, comparison: Comparison, burst: Option<Burst>) -> Option<Comparison> {
        if let (Comparison::Changed { unsure: true }, Some(burst)) = (comparison, burst)
            && !self.patient
            && debounce::is_single(&burst, self.calm_since)
        {
            // Editors that write a new file first, or move the old one away, are looked at again when they had time to
            // end.
            self.patient = true;
            self.note(self.burst.map_or(burst, |more| Burst { first: burst.first, ..more }));
            return None;
        }
        self.patient = false;
        self.calm_since = burst.map(|burst| burst.last).or(self.calm_since);
        if !matches!(comparison, Comparison::Changed { .. }) {
            self.saved = None;
        }
        self.compared = self.begun;
        self.is_tagged = comparison == Comparison::Tagged;
        Some(comparison)
    }

    /// Takes in that the source cannot be looked at; what to report, once.
    pub fn failed(&mut self, why: String, now: Instant) -> Option<Note> {
        self.under_way = UnderWay::Nothing;
        self.patient = false;
        self.poll.due = now + self.poll.every;
        if self.poll.fault.as_ref() == Some(&why) {
            return None;
        }
        self.poll.fault = Some(why.clone());
        Some(Note::Fault(why))
    }

    /// Whether another look was wanted while the last one was under way; true once.
    pub fn take_again(&mut self) -> bool {
        std::mem::take(&mut self.again)
    }

    /// The save that the next build is made for.
    pub fn take_saved(&mut self) -> Option<Saved> {
        self.is_tagged = false;
        self.saved.take()
    }

    fn events_due(&self) -> Option<Instant> {
        let burst = self.burst?;
        let burst = Burst { finished: burst.finished && !self.patient, ..burst };
        let due = debounce::due(&burst, self.calm_since, self.quiet);
        Some(self.git.again().map_or(due, |git| git.max(due)))
    }
}

impl Poll {
    /// Whether there is something that no event tells: everything, or the end of what stands in the way of looking.
    fn is_on(&self) -> bool {
        self.on || self.fault.is_some()
    }

    fn due(&self) -> Option<Instant> {
        self.is_on().then_some(self.due)
    }
}
