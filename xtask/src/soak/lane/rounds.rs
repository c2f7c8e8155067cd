//! Doing what a round says.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::process::Signal;

use super::Lane;
use crate::signals;
use crate::soak::command::{self, docker_lines};
use crate::soak::finding::{Finding, Kind};
use crate::soak::operation::Operation;
use crate::soak::plan::{Round, RoundEnd, Step, TagMove};

/// How long a watch may take to end: two seconds, and some for a busy machine.
const END_LIMIT: Duration = Duration::from_millis(2500);

/// How long it may take before it is killed.
const KILL_LIMIT: Duration = Duration::from_secs(30);

impl Lane<'_> {
    /// Does all of a round, and waits for the calm after it.
    pub(super) fn round(&mut self, round: &Round) -> Result<()> {
        for step in &round.steps {
            signals::check()?;
            self.look_after_watch()?;
            self.step(step)?;
        }
        match &round.end {
            RoundEnd::Calm => {}
            RoundEnd::Kill(times) => {
                for time in times {
                    signals::sleep(*time)?;
                    self.kill_watch()?;
                    self.start_watch()?;
                }
            }
            RoundEnd::Signal(signal, time) => {
                signals::sleep(*time)?;
                self.look_after_watch()?;
                let (begin, process) = (Instant::now(), self.watch().id());
                self.end_watch(*signal)?;
                // What an engine that does not answer keeps is for the next watch, which the watch says.
                if !self.is_disturbed_since(begin - KILL_LIMIT) && !self.watch().leaves_something {
                    self.expect_nothing("after the end of its watch", |left| left.of_process(process))?;
                }
                self.start_watch()?;
            }
        }
        self.settle()
    }

    fn step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Change(operation) => self.change(operation),
            Step::Pause(time) => signals::sleep(*time)?,
            Step::Faults(faults) => {
                self.journal.step(format!("{faults:?}"));
                self.wrapper.arm(faults)?;
            }
            Step::Outage(time) => self.outage(*time)?,
            Step::RemoveContainer => self.remove_container()?,
            Step::MoveTag(to) => self.move_tag(*to),
            Step::ChangeBuilder => {
                let image = self.random.pick(&[0, 1]);
                self.journal.step(format!("builder {image}"));
                self.tally.builders_changed += 1;
                command::docker(&["tag", &self.names.builders[image], &self.names.builder])?;
                self.builder = image;
            }
            Step::Freeze(time) => {
                self.journal.step(format!("stops the watch for {time:?}"));
                self.tally.freezes += 1;
                self.watch().signal(Signal::STOP)?;
                let slept = signals::sleep(*time);
                self.watch().signal(Signal::CONT)?;
                slept?;
            }
        }
        Ok(())
    }

    fn change(&mut self, operation: &Operation) {
        self.writes += 1;
        if matches!(operation, Operation::MoveRoot(_) | Operation::RemakeRoot) {
            // A watch that just starts may find no source.
            self.disturbed = Some(Instant::now());
        }
        let done = operation.perform(&self.places.source, self.writes);
        if done.is_ok() {
            self.tally.operations += 1;
            self.journal.step(format!("{operation}"));
        }
    }

    fn outage(&mut self, time: Duration) -> Result<()> {
        self.journal.step(format!("all calls fail for {time:?}"));
        self.disturbed = Some(Instant::now());
        self.wrapper.set_outage(true)?;
        let slept = signals::sleep(time);
        self.wrapper.set_outage(false)?;
        self.journal.step("calls are good again");
        slept
    }

    fn remove_container(&mut self) -> Result<()> {
        let filter = format!("label={}", self.names.label);
        let containers = docker_lines(&["ps", "--all", "--quiet", "--filter", &filter])?;
        if containers.is_empty() {
            return Ok(());
        }
        let index = self.random.below(containers.len() as u64);
        let container = &containers[usize::try_from(index)?];
        self.journal.step(format!("removes the container {container}"));
        // minis2i may remove it at the same moment.
        if command::docker(&["rm", "--force", "--volumes", container]).is_ok() {
            self.tally.containers_removed += 1;
        }
        Ok(())
    }

    fn move_tag(&mut self, to: TagMove) {
        self.journal.step(format!("moves the tag: {to:?}"));
        let done = match to {
            TagMove::Away => command::docker(&["tag", &self.names.builders[0], &self.names.tag]),
            TagMove::Removed => command::docker(&["image", "rm", &self.names.tag]),
        };
        // There may be no tag yet.
        if done.is_ok() {
            self.tally.tags_moved += 1;
            self.must_save = true;
        }
    }

    fn kill_watch(&mut self) -> Result<()> {
        self.look_after_watch()?;
        self.journal.step("kills the watch");
        self.tally.kills += 1;
        self.watch().kill()?;
        self.watch_ended(true);
        Ok(())
    }

    /// Sends a signal that ends the watch, and waits for that.
    pub(super) fn end_watch(&mut self, signal: Signal) -> Result<()> {
        self.journal.step(format!("signal {}", signal.as_raw()));
        self.tally.signals += 1;
        let begin = Instant::now();
        let watching = self.watch().pairing.watching;
        self.watch().signal(signal)?;
        if self.watch().wait(END_LIMIT)?.is_none() {
            let why = if self.is_disturbed_since(begin) { " (while the engine did not answer)" } else { "" };
            self.read_watch();
            let late = self.watch().wait(KILL_LIMIT)?.is_none();
            let took =
                if late { "at all".to_owned() } else { format!("before {:.1} s", begin.elapsed().as_secs_f64()) };
            let text = format!("signal {} did not end a watch within 2.5 s, nor {took}{why}", signal.as_raw());
            self.report(Finding::new(Kind::BadEnd, text));
            self.watch().kill()?;
            self.watch_ended(late);
            return Ok(());
        }
        let status = self.watch().wait(Duration::ZERO)?.expect("it ended");
        self.watch_ended(false);
        let right = status.code() == Some(128 + signal.as_raw());
        // Before it listens for signals they end it as they end any process.
        if !right && (watching || status.signal() != Some(signal.as_raw())) {
            self.report(Finding::new(Kind::BadEnd, format!("signal {} ended a watch with {status}", signal.as_raw())));
        }
        Ok(())
    }
}
