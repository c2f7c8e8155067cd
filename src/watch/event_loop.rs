//! The event loop of a watch: wait, have the decider decide, act.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::build_control::BuildControl;
use super::compare::Difference;
use super::debounce::Burst;
use super::decide::{Action, BuildEnd, Comparison, Decider, Demand, Input};
use super::engine_events::{self, EngineEvent};
use super::keys::{self, Key};
use super::known_images::{KnownImages, Name};
use super::messages;
use super::poll::Poll;
use super::tracker::{Tracker, lock};
use super::worker::{Request, WorkerCommand, WorkerEvent};
use crate::cancel::Cancel;
use crate::engine::cli::Engine;
use crate::error::ErrorKind;
use crate::git::work_tree;
use crate::report::Reporter;
use crate::report::message::{Message, Outcome, Started, Summary, Why};
use crate::settings::Job;
use crate::settings::watch::WatchSettings;

/// How a watch ended.
pub enum WatchEnd {
    /// The user asked for it with a key.
    Asked,
    Signal(i32),
}

/// Something that wakes the event loop.
pub enum Event {
    /// There are events of the source's file system.
    FsEvents,
    Signal(i32),
    Key(Key),
    Worker(WorkerEvent),
    Engine(EngineEvent),
}

pub struct EventLoop<'a> {
    job: &'a Job,
    reporter: &'a Reporter,
    tracker: Arc<Mutex<Tracker>>,
    commands: Sender<WorkerCommand>,
    control: Arc<BuildControl>,
    decider: Decider,
    known: KnownImages,
    builds: u64,
    /// The first event of the burst that leads to the next build, and when it was looked at.
    saved: Option<(Instant, Instant)>,
    /// How long the last look took.
    looked: Duration,
    differences: Vec<Difference>,
    /// Clear the screen before each build.
    clear: bool,
    poll: Poll,
    summary: Summary,
    /// The source can not be looked at, for this reason, which was reported.
    fault: Option<String>,
    ended: Option<WatchEnd>,
}

impl<'a> EventLoop<'a> {
    pub fn new(
        job: &'a Job,
        settings: &WatchSettings,
        reporter: &'a Reporter,
        tracker: Arc<Mutex<Tracker>>,
        commands: Sender<WorkerCommand>,
        control: Arc<BuildControl>,
        known: KnownImages,
    ) -> Self {
        Self {
            job,
            reporter,
            tracker,
            commands,
            control,
            decider: Decider::new(settings.on_busy, settings.debounce),
            known,
            builds: 0,
            saved: None,
            looked: Duration::ZERO,
            differences: Vec::new(),
            clear: settings.clear,
            poll: Poll::new(settings.poll),
            summary: Summary::default(),
            fault: None,
            ended: None,
        }
    }

    /// Makes the first build, then waits for events and handles them until the run is over.
    pub fn run(&mut self, events: &Receiver<Event>) -> WatchEnd {
        self.decide(Input::Demanded(Demand::First));
        loop {
            let event = match self.deadline() {
                Some(deadline) => events.recv_timeout(deadline.saturating_duration_since(Instant::now())),
                None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match event {
                Ok(event) => self.handle(event),
                Err(RecvTimeoutError::Timeout) => self.handle_deadline(),
                Err(RecvTimeoutError::Disconnected) => return WatchEnd::Asked,
            }
            self.report_notices();
            if self.ended.is_some() && !self.decider.is_building() {
                return self.ended.take().unwrap_or(WatchEnd::Asked);
            }
        }
    }

    /// Sends the worker a command. One that has ended needs none.
    pub fn command(&self, command: WorkerCommand) {
        let _ = self.commands.send(command);
    }

    /// Stops what the worker does, now and from now on.
    pub fn stop_work(&self) {
        self.control.stop(ErrorKind::Superseded);
    }

    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    fn deadline(&self) -> Option<Instant> {
        let poll = self.polls().then_some(self.poll.due);
        [self.decider.deadline(), poll].into_iter().flatten().min()
    }

    /// Whether there is something that no event tells: everything, or the end of what stands in the way of looking.
    fn polls(&self) -> bool {
        self.fault.is_some() || lock(&self.tracker).is_polling()
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::FsEvents => self.note_fs_events(true),
            Event::Signal(signal) => self.stop(WatchEnd::Signal(signal)),
            Event::Key(key) => self.handle_key(key),
            Event::Worker(event) => self.handle_worker(event),
            Event::Engine(event) => self.handle_engine(event),
        }
    }

    fn handle_deadline(&mut self) {
        if self.polls() && Instant::now() >= self.poll.due {
            self.look_by_the_clock();
        }
        // More may have come since we were woken.
        self.note_fs_events(false);
        let git_busy = work_tree::is_busy(&self.job.source.path);
        self.decide(Input::Tick { git_busy });
    }

    /// Where there are no events, a look that finds something is one.
    fn look_by_the_clock(&mut self) {
        let begin = Instant::now();
        let compared = {
            let mut tracker = lock(&self.tracker);
            tracker.look().map(|_| tracker.compare(false).0)
        };
        match compared {
            Ok(Comparison::Nothing | Comparison::Same) => self.fault = None,
            Ok(_) => self.note_fs_events(true),
            Err(error) => self.report_fault(&error),
        }
        self.poll.looked(begin.elapsed());
    }

    /// Tells the decider of events that were not looked at yet; `surely`: also when a build took them to look.
    fn note_fs_events(&mut self, surely: bool) {
        let now = Instant::now();
        let burst = lock(&self.tracker).burst();
        let burst = burst.or(surely.then_some(Burst { first: now, last: now, paths: 1, finished: true }));
        if let Some(burst) = burst {
            self.decide(Input::FsEvents(burst));
        }
    }

    fn stop(&mut self, how: WatchEnd) {
        self.ended.get_or_insert(how);
        self.decide(Input::Stop);
    }

    fn handle_key(&mut self, key: Key) {
        match key {
            Key::Rebuild => self.decide(Input::Demanded(Demand::Asked)),
            Key::RebuildClean => self.decide(Input::Demanded(Demand::AskedClean)),
            Key::Pause => {
                let paused = !self.decider.is_paused();
                self.reporter.emit(&Message::Note(if paused { "paused; `p` goes on" } else { "going on" }));
                self.decide(Input::Pause(paused));
            }
            Key::Quit => {
                self.stop_work();
                self.stop(WatchEnd::Asked);
            }
            Key::Help => self.reporter.emit(&Message::Note(keys::HELP)),
        }
    }

    fn handle_worker(&mut self, event: WorkerEvent) {
        match event {
            WorkerEvent::StandbyReady => self.reporter.emit(&Message::StandbyReady(self.builds + 1)),
            WorkerEvent::TooLarge(bytes) => {
                let text = messages::too_large(lock(&self.tracker).current(), bytes);
                self.reporter.warn(&text);
            }
            WorkerEvent::NotNeeded => {
                self.report_tagged();
                self.decide(Input::Ended(BuildEnd::Done));
            }
            WorkerEvent::Ended { outcome, engine_failed, total, image } => {
                match outcome {
                    Outcome::Ok => self.summary.times.push(total),
                    Outcome::Failed => self.summary.failed += 1,
                    Outcome::Cancelled => self.summary.cancelled += 1,
                }
                if let Some(id) = image {
                    self.known.tag_moved(id);
                }
                let end = match outcome {
                    Outcome::Cancelled => BuildEnd::Cancelled,
                    Outcome::Failed if engine_failed && !engine_events::answers(&self.engine()) => BuildEnd::EngineGone,
                    Outcome::Ok | Outcome::Failed => BuildEnd::Done,
                };
                self.decide(Input::Ended(end));
            }
        }
    }

    fn handle_engine(&mut self, event: EngineEvent) {
        match event {
            EngineEvent::Named { name, id } => match self.known.name(&name) {
                Some(Name::Builder) => self.builder_may_have_changed(),
                // Our own moves come back as events, too.
                Some(Name::Tag) if !self.decider.is_building() && !self.known.is_tagged(&id) => {
                    let id = self.id_of(&self.job.tag);
                    if self.known.tag_is(id) {
                        self.command(WorkerCommand::Renew("the tag was moved by another program"));
                    }
                }
                Some(Name::Tag) | None => {}
            },
            EngineEvent::Gone => {
                self.reporter.warn("the engine does not answer; waiting until it does");
                self.decide(Input::EngineGone);
            }
            EngineEvent::Back => {
                self.reporter.note("the engine is back");
                self.command(WorkerCommand::Renew("the engine was restarted"));
                self.decide(Input::EngineBack);
            }
        }
    }

    fn builder_may_have_changed(&mut self) {
        let Some(id) = self.id_of(&self.job.builder) else { return };
        if self.known.builder_is(&id) {
            self.command(WorkerCommand::Renew("the builder image changed"));
            self.decide(Input::Demanded(Demand::Builder));
        }
    }

    /// The image that a name is on now.
    fn id_of(&self, name: &str) -> Option<String> {
        let output = self.engine().call(&["image", "inspect", "--format", "{{.Id}}", name]).ok()?;
        output.success.then(|| output.stdout.trim().to_owned())
    }

    /// The engine for a short question, which is not reported.
    fn engine(&self) -> Engine {
        Engine::new(self.job.engine.clone(), Cancel::default(), |_| {})
    }

    /// Has the decider decide, and does what it says.
    fn decide(&mut self, input: Input) {
        for action in self.decider.on(input, Instant::now()) {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Look => self.look(),
            Action::Build(demand) => self.build(demand),
            Action::Cancel => self.control.cancel(self.builds),
            Action::ReportSame => {
                self.reporter.emit(&Message::Skipped("what was saved has the same content as before"));
            }
            Action::ReportTagged => self.report_tagged(),
            Action::Leave => {}
        }
    }

    fn report_tagged(&self) {
        self.reporter.emit(&Message::Skipped(&format!("{} is an image of this source already", self.job.tag)));
    }

    fn look(&mut self) {
        let begin = Instant::now();
        let burst = lock(&self.tracker).burst();
        let compared = {
            let mut tracker = lock(&self.tracker);
            tracker.look().map(|relevant| tracker.compare(relevant))
        };
        self.looked = begin.elapsed();
        let saved = burst.map_or(begin, |burst| burst.first);
        match compared {
            Ok((comparison, differences)) => {
                self.fault = None;
                self.differences = differences;
                // A look that is not about a burst of its own is about the last one.
                let first = self.saved.map_or(saved, |(first, _)| first.min(saved));
                self.saved = Some((first, begin));
                if matches!(comparison, Comparison::Nothing | Comparison::Same | Comparison::Tagged) {
                    self.saved = None;
                }
                self.decide(Input::Compared(comparison));
            }
            Err(error) => {
                self.report_fault(&error);
                self.decide(Input::Compared(Comparison::Nothing));
            }
        }
    }

    /// Reports once why the source can not be looked at.
    fn report_fault(&mut self, error: &anyhow::Error) {
        let text = format!("{error:#}");
        if self.fault.as_ref() != Some(&text) {
            self.reporter.warn(&text);
            self.fault = Some(text);
            self.poll.looked(Duration::ZERO);
        }
    }

    fn build(&mut self, demand: Option<Demand>) {
        self.builds += 1;
        lock(&self.tracker).open_build();
        let now = Instant::now();
        let (saved, looked_at) = self.saved.take().unwrap_or((now, now));
        let clean = demand == Some(Demand::AskedClean) || !self.job.incremental;
        let started = Started {
            build: self.builds,
            source: self.job.source.typed.clone(),
            builder: self.job.builder.clone(),
            tag: self.job.tag.clone(),
            previous: self.known.previous(clean),
            why: Some(self.why(demand)),
        };
        let unless_current = demand == Some(Demand::First) && self.known.take_has_digest();
        if self.clear {
            self.reporter.emit(&Message::Clear);
        }
        if !unless_current {
            self.reporter.emit(&Message::BuildStarted(&started));
        }
        let mut phases = Vec::new();
        if demand.is_none() {
            phases.push(("settle", looked_at.saturating_duration_since(saved)));
            phases.push(("snapshot", self.looked));
        }
        let request = Request { started, clean, unless_current, saved, ordered: Instant::now(), phases };
        self.command(WorkerCommand::Build(Box::new(request)));
    }

    fn why(&mut self, demand: Option<Demand>) -> Why {
        let text = match demand {
            None => return messages::why_changed(&std::mem::take(&mut self.differences)),
            Some(Demand::First) => "the first build".to_owned(),
            Some(Demand::Asked) => "asked for".to_owned(),
            Some(Demand::AskedClean) => "asked for, without artifacts".to_owned(),
            Some(Demand::Builder) => format!("the builder image changed, to {}", self.known.short_builder()),
            Some(Demand::Engine) => "the engine is back".to_owned(),
        };
        Why { text, changed: Vec::new(), more: 0 }
    }

    fn report_notices(&mut self) {
        let notices = lock(&self.tracker).take_notices();
        for notice in notices {
            messages::report_notice(self.reporter, &self.job.source, &notice);
        }
    }
}
