//! The builds of a watch as data. Nothing here asks for the time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::report::message::app::{AppMessage, Since};
use crate::report::message::{Finished, Message, Outcome, StandbyUse, Started};

/// So many builds are kept, the last ones: a week of a save a minute, in a few megabytes.
const BUILD_LIMIT: usize = 10_000;

/// What a watch did.
#[derive(Clone)]
pub struct Timings {
    /// The date and time at which the watch began, for people.
    pub since: String,
    /// What the first build was told; `None` before it.
    pub subject: Option<Subject>,
    /// The builds that ended, the oldest first.
    pub builds: VecDeque<Build>,
    /// How many older builds are not kept.
    pub left_out: u64,
    begun: Instant,
    under_way: Option<Started>,
    /// What went wrong in the build under way.
    fault: Option<String>,
    /// How long the standby took that waits for the next build.
    prepared: Option<Duration>,
}

/// What is built of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub source: String,
    pub builder: String,
    pub tag: String,
}

/// A build that ended.
#[derive(Clone, Debug)]
pub struct Build {
    pub number: u64,
    /// From the beginning of the watch to the save, or to whatever else the build is measured from.
    pub began: Duration,
    pub total: Duration,
    pub outcome: Outcome,
    /// What started it, with the first files that changed.
    pub why: String,
    /// The names of phases and how long they took, in their order.
    pub phases: Vec<(&'static str, Duration)>,
    /// Why it was made without a standby, if it was.
    pub no_standby: Option<String>,
    /// How long the standby took that it was made in, before the save.
    pub prepared: Option<Duration>,
    /// From the tag to the answers of the new app, where an app runs the newest image.
    pub swap: Option<Duration>,
    /// What went wrong, in a failed one.
    pub fault: Option<String>,
}

impl Build {
    /// How long it took with all that came after the tag; no less than its phases, which may overlap.
    pub fn length(&self) -> Duration {
        self.total.max(self.phases.iter().map(|(_, took)| *took).sum()) + self.swap.unwrap_or_default()
    }
}

impl Timings {
    /// Nothing yet, of a watch that began at `begun`, which people call `since`.
    pub fn new(begun: Instant, since: String) -> Self {
        Self {
            since,
            subject: None,
            builds: VecDeque::new(),
            left_out: 0,
            begun,
            under_way: None,
            fault: None,
            prepared: None,
        }
    }

    /// How long the watch has run.
    pub fn lasted(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.begun)
    }

    /// Takes in a message that was reported at `now`; most say nothing about times.
    pub fn note(&mut self, message: &Message, now: Instant) {
        match message {
            Message::BuildStarted(started) => {
                self.subject.get_or_insert_with(|| Subject {
                    source: started.source.clone(),
                    builder: started.builder.clone(),
                    tag: started.tag.clone(),
                });
                self.under_way = Some(Started::clone(started));
                self.fault = None;
            }
            Message::Error(error) if self.under_way.is_some() => self.fault = Some(error.to_string()),
            Message::BuildFinished(finished) => self.finish(finished, now),
            Message::App(AppMessage::Ready(ready)) if matches!(ready.since, Since::Save | Since::Build) => {
                self.note_swap(ready.build, ready.took);
            }
            _ => {}
        }
    }

    /// A standby is ready for the next build; preparing it took this long.
    pub fn note_standby(&mut self, took: Duration) {
        self.prepared = Some(took);
    }

    /// The app of this build serves, this long after what the build is measured from.
    pub fn note_swap(&mut self, build: u64, took: Duration) {
        if let Some(build) = self.builds.iter_mut().rev().find(|it| it.number == build) {
            build.swap = Some(took.saturating_sub(build.total));
        }
    }

    fn finish(&mut self, finished: &Finished, now: Instant) {
        let why = self.under_way.take().and_then(|started| started.why);
        let prepared = self.prepared.take();
        let no_standby = match &finished.standby {
            Some(StandbyUse::None(why)) => Some(why.clone()),
            Some(StandbyUse::Used) | None => None,
        };
        self.builds.push_back(Build {
            number: finished.build,
            began: self.lasted(now).saturating_sub(finished.total),
            total: finished.total,
            outcome: finished.outcome,
            why: why.map(|why| why.text).unwrap_or_default(),
            phases: finished.phases.clone(),
            prepared: prepared.filter(|_| no_standby.is_none()),
            no_standby,
            swap: None,
            fault: self.fault.take(),
        });
        if self.builds.len() > BUILD_LIMIT {
            self.builds.pop_front();
            self.left_out += 1;
        }
    }
}

#[cfg(test)]
pub mod tests {
    use std::time::{Duration, Instant};

    use anyhow::anyhow;

    use super::{BUILD_LIMIT, Timings};
    use crate::report::message::{Finished, Message, Outcome, StandbyUse, Started, Why};

    pub fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    /// The timings of a watch with builds of these outcomes, which take 100 ms, 101 ms and so on, and change `file`.
    pub fn timings(outcomes: &[Outcome], file: &str) -> (Timings, Instant) {
        let begun = Instant::now();
        let mut timings = Timings::new(begun, "2026-01-02 03:04:05 UTC".to_owned());
        let mut now = begun;
        for (index, outcome) in outcomes.iter().enumerate() {
            now += ms(1000);
            let total = ms(100 + index as u64);
            build(&mut timings, index as u64 + 1, *outcome, total, file, now);
        }
        (timings, now)
    }

    fn build(timings: &mut Timings, build: u64, outcome: Outcome, total: Duration, file: &str, now: Instant) {
        let text = || "x".to_owned();
        let why = Why { text: format!("{file} changed"), changed: vec![file.to_owned()], more: 0 };
        let started = Started { build, source: text(), builder: text(), tag: text(), previous: None, why: Some(why) };
        let finished = Finished {
            build,
            outcome,
            tag: text(),
            image: None,
            assemble_status: None,
            total,
            standby: Some(StandbyUse::Used),
            phases: vec![("upload", ms(1)), ("assemble", total / 2), ("commit", total / 4)],
        };
        timings.note_standby(ms(7));
        timings.note(&Message::BuildStarted(&started), now);
        if outcome == Outcome::Failed {
            timings.note(&Message::Error(&anyhow!("`assemble` failed on {file}")), now);
        }
        timings.note(&Message::BuildFinished(&finished), now);
    }

    #[test]
    fn a_build_is_what_was_reported_of_it() {
        let (timings, now) = timings(&[Outcome::Ok, Outcome::Failed, Outcome::Cancelled], "a.py");
        assert_eq!(timings.lasted(now), ms(3000));
        let [ok, failed, cancelled] = [0, 1, 2].map(|index| &timings.builds[index]);
        assert_eq!((ok.number, ok.began, ok.total, ok.why.as_str()), (1, ms(900), ms(100), "a.py changed"));
        assert_eq!((ok.prepared, &ok.no_standby, &ok.fault), (Some(ms(7)), &None, &None));
        assert_eq!(failed.fault.as_deref(), Some("`assemble` failed on a.py"));
        assert_eq!((cancelled.outcome, &cancelled.fault), (Outcome::Cancelled, &None));
    }

    #[test]
    fn a_swap_belongs_to_the_build_of_the_app() {
        let (mut timings, _) = timings(&[Outcome::Ok, Outcome::Ok], "a");
        timings.note_swap(1, ms(150));
        timings.note_swap(7, ms(150));
        assert_eq!((timings.builds[0].length(), timings.builds[1].length()), (ms(150), ms(101)));
    }

    #[test]
    fn the_last_builds_are_kept_and_the_others_counted() {
        let (timings, _) = timings(&vec![Outcome::Ok; BUILD_LIMIT + 3], "a");
        assert_eq!((timings.builds.len(), timings.left_out, timings.builds[0].number), (BUILD_LIMIT, 3, 4));
    }
}
