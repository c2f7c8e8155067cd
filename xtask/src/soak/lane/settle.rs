//! The calm after a round: waiting until the watch is done, and looking at what there is then.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::Lane;
use super::compare::Comparison;
use crate::process_stats;
use crate::signals;
use crate::soak::ages;
use crate::soak::calm::{self, Next, Seen};
use crate::soak::finding::{Finding, Kind};
use crate::soak::held;
use crate::soak::leftovers::Leftovers;
use crate::soak::operation::{FAIL, SLOW};

const TICK: Duration = Duration::from_millis(20);

/// How often it is looked whether something is gone: each look is two calls of the engine.
const PAUSE: Duration = Duration::from_millis(200);

/// How long a watch may take to remove what should be gone, once nothing goes wrong any more.
const REMOVAL_LIMIT: Duration = Duration::from_secs(30);

/// How soon nothing may be left of a watch that has ended.
const END_LIMIT: Duration = Duration::from_secs(2);

/// When a watch that could not remove something gets another save, with which it tries again.
const REMOVAL_SAVE: Duration = Duration::from_secs(8);

/// From when on a watch is held against its own beginning.
const FIRST_MINUTE: Duration = Duration::from_secs(60);

/// How long what a watch holds may take to come down again.
const HELD_LIMIT: Duration = Duration::from_secs(5);

impl Lane<'_> {
    /// Waits until the tag holds what a fresh build holds, and nothing is left of what was before.
    pub(super) fn settle(&mut self) -> Result<()> {
        self.journal.step("calm");
        for name in [FAIL, SLOW] {
            let _ = fs::remove_file(self.places.source.join(name));
        }
        if std::mem::take(&mut self.must_save) {
            self.save()?;
        }
        if self.wait_for_tag()? {
            self.look_for_leftovers()?;
            self.measure()?;
        }
        Ok(())
    }

    /// Whether the tag came to hold what a fresh build holds. If not, the watch is replaced.
    fn wait_for_tag(&mut self) -> Result<bool> {
        let mut saved = Instant::now();
        let mut saves = 0;
        let mut comparison = Comparison::default();
        loop {
            signals::check()?;
            self.look_after_watch()?;
            match calm::next(self.seen(saved, saves)) {
                Next::Wait => {}
                Next::Save => {
                    self.wrapper.disarm()?;
                    self.save()?;
                    (saved, saves, comparison) = (Instant::now(), saves + 1, Comparison::default());
                }
                Next::Compare => {
                    self.wrapper.disarm()?;
                    if self.is_as_fresh(&mut comparison)? {
                        self.tally.compared += 1;
                        return Ok(true);
                    }
                }
                Next::GiveUp => {
                    self.report(Finding::new(Kind::Stale, self.why_stale(saves, &comparison)));
                    self.watch().kill()?;
                    self.watch_ended(true);
                    self.start_watch()?;
                    return Ok(false);
                }
            }
            std::thread::sleep(TICK);
        }
    }

    fn seen(&mut self, saved: Instant, saves: u32) -> Seen {
        let watch = self.watch();
        let pairing = &watch.pairing;
        let of_last_save = saves == 0 || watch.finished.is_some_and(|finished| finished > saved);
        Seen {
            building: pairing.is_building() || !pairing.watching,
            quiet: watch.last.max(saved).elapsed(),
            failed: pairing.last_status.as_deref() == Some("failed") && of_last_save,
            saves,
            waited: saved.elapsed(),
        }
    }

    fn why_stale(&self, saves: u32, comparison: &Comparison) -> String {
        let watch = self.watch.as_ref().expect("a lane has a watch from its first moment on");
        let pairing = &watch.pairing;
        let state = match (pairing.watching, pairing.is_building()) {
            (false, _) => "the watch did not begin to watch",
            (true, true) => "a build does not end",
            (true, false) if pairing.last_status.as_deref() == Some("failed") => "builds fail",
            (true, false) => "the watch has nothing to do",
        };
        let differs = comparison.difference.as_deref().unwrap_or("not compared");
        format!("{} s after the last save, {saves} of them in the calm, {state}: {differs}", calm::LIMIT.as_secs())
    }

    /// Saves one more time.
    fn save(&mut self) -> Result<()> {
        self.writes += 1;
        self.journal.step("saves");
        Ok(fs::write(self.places.source.join("saved"), format!("{}\n", self.writes))?)
    }

    /// Looks what is there that should not be, and reports what is not removed though there was time for it.
    fn look_for_leftovers(&mut self) -> Result<()> {
        let left = Leftovers::look(&self.names.label, &self.places.temporary, true)?;
        let overdue = self.ages.note(left.list(), Instant::now());
        if overdue.is_empty() {
            return Ok(());
        }
        self.journal.step(format!("there for too long: {}", overdue.join(", ")));
        self.wait_for_removal(REMOVAL_LIMIT, |left| left.among(&overdue))
    }

    /// Waits until the watch has removed all that is there and should not be.
    pub(super) fn remove_the_rest(&mut self) -> Result<()> {
        self.journal.step("waits until nothing is left");
        self.wait_for_removal(ages::LIMIT + REMOVAL_LIMIT, |left| left)
    }

    /// Waits until nothing is left of what counts, while nothing more goes wrong, and reports what is left then.
    fn wait_for_removal(&mut self, limit: Duration, counts: impl Fn(Leftovers) -> Leftovers) -> Result<()> {
        self.wrapper.disarm()?;
        let begin = Instant::now();
        let (mut saved, mut replaced) = (false, false);
        loop {
            signals::check()?;
            let left = counts(Leftovers::look(&self.names.label, &self.places.temporary, true)?);
            if left.is_empty() {
                return Ok(());
            }
            self.look_after_watch()?;
            if !saved && begin.elapsed() > REMOVAL_SAVE {
                saved = true;
                self.save()?;
            }
            let started = self.watch().started;
            if !replaced && begin.elapsed() > limit / 2 && self.is_disturbed_since(started) {
                // What it could not remove because calls failed may be for the next one.
                replaced = true;
                self.journal.step(format!("there is still {}", left.list().join(", ")));
                self.end_watch(rustix::process::Signal::TERM)?;
                self.start_watch()?;
            }
            if begin.elapsed() > limit {
                self.report_leftovers(&left, "beside a watch that is done");
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Reports what counts and is still there, though the watch has ended.
    pub(super) fn expect_nothing(&mut self, when: &str, counts: impl Fn(Leftovers) -> Leftovers) -> Result<()> {
        let begin = Instant::now();
        loop {
            signals::check()?;
            let left = counts(Leftovers::look(&self.names.label, &self.places.temporary, false)?);
            if left.is_empty() {
                return Ok(());
            }
            if begin.elapsed() > END_LIMIT {
                self.report_leftovers(&left, when);
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn report_leftovers(&self, left: &Leftovers, when: &str) {
        for what in left.list() {
            self.report(Finding::new(Kind::Leftover, format!("{what} is still there {when}")));
        }
        left.remove();
    }

    /// Holds what a watch has now against what it had after its first minute.
    fn measure(&mut self) -> Result<()> {
        if self.watch().started.elapsed() < FIRST_MINUTE {
            return Ok(());
        }
        let id = self.watch().id();
        let Some(first) = self.first_held else {
            self.first_held = Some(process_stats::resource_usage(id)?);
            return Ok(());
        };
        let begin = Instant::now();
        let mut now = process_stats::resource_usage(id)?;
        while held::growth(&first, &now).is_some() && begin.elapsed() < HELD_LIMIT {
            signals::sleep(10 * TICK)?;
            now = process_stats::resource_usage(id)?;
        }
        self.tally.measured += 1;
        let before = self.last_held.replace(now);
        let grown = held::growth(&first, &now);
        // It is told once.
        if let Some(text) = grown.filter(|_| before.is_none_or(|before| held::growth(&first, &before).is_none())) {
            self.report(Finding::new(Kind::Grown, text));
        }
        Ok(())
    }
}
