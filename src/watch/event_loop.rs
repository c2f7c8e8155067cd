//! The event loop of a watch: wait, have the decider decide, act. Acting is asking another thread or reporting; no engine call
//! is made here and no file is read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::asker::{Question, Reply};
use super::build_control::BuildControl;
use super::debounce::Burst;
use super::decide::Decider;
use super::decide::action::{Action, BuildOrder, Note};
use super::decide::input::{BuildEnd, Demand, Input, WatchEnd};
use super::engine_events::EngineEvent;
use super::fs_watcher::PendingEvents;
use super::history::History;
use super::hook_saves::HookSaves;
use super::keys::{self, Key};
use super::known_images::KnownImages;
use super::looker::{LookRequest, LookResult};
use super::messages;
use super::tracker::Tracker;
use super::wait_server::{Replies, WaiterEvent};
use super::waiters::Waiters;
use super::work::{Request, WorkerCommand, WorkerEvent};
use crate::app::handle::AppHandle;
use crate::error::ErrorKind;
use crate::hooks::{EndedBuild, Hooks};
use crate::pipeline::context::BuildContext;
use crate::report::Reporter;
use crate::report::message::app::Since;
use crate::report::message::{Message, Outcome, Started, Summary, Why};
use crate::settings::Job;
use crate::settings::watch::WatchSettings;

/// Something that wakes the event loop.
pub enum Event {
    /// There are events of the source's file system.
    FsEvents,
    Signal(i32),
    /// What the watch says has no reader any more, or cannot be written.
    Unread,
    Key(Key),
    Look(LookResult),
    Worker(WorkerEvent),
    Engine(EngineEvent),
    Reply(Reply),
    Waiter(WaiterEvent),
    /// A thread of the watch panicked; its message.
    Panicked(String),
}

/// The ways to the other threads. One that has ended needs nothing any more.
pub struct Threads {
    pub worker: Sender<WorkerCommand>,
    pub looker: Sender<LookRequest>,
    pub asker: Sender<Question>,
    pub listener: Sender<()>,
    /// What was built, which threads of its own tell of.
    pub history: Arc<History>,
    /// The app, where one is kept running.
    pub app: AppHandle,
}

/// The loop, with all that it hands events and actions to.
pub struct EventLoop<'a> {
    job: &'a Job,
    reporter: &'a Reporter,
    decider: Decider,
    threads: Threads,
    control: Arc<BuildControl>,
    hooks: Hooks,
    hook_saves: HookSaves,
    /// Events of the file system that were not looked at yet.
    pending: Arc<Mutex<PendingEvents>>,
    /// Set when a build begins; see [`Tracker::open_flag`].
    open: Arc<AtomicBool>,
    /// Has the next look be one at everything; see [`Tracker::doubt_flag`].
    doubted: Arc<AtomicBool>,
    /// Those who wait for the tag, and the ways to answer them.
    waiters: Waiters,
    replies: Replies,
    /// Clear the screen before each build.
    clear: bool,
    /// How many builds there were.
    builds: u64,
    /// How long the last look took.
    look_took: Duration,
    /// What the last look found changed.
    why: Option<Why>,
    summary: Summary,
    /// When the build under way was wanted, and why.
    wanted: (Instant, Since),
}

impl<'a> EventLoop<'a> {
    pub fn new(
        cx: &BuildContext<'a>,
        settings: &WatchSettings,
        tracker: &Tracker,
        control: Arc<BuildControl>,
        known: KnownImages,
        (threads, hooks): (Threads, Hooks),
    ) -> Self {
        Self {
            job: cx.job,
            reporter: cx.reporter,
            decider: Decider::new(settings, tracker.is_polling(), known, Instant::now()),
            threads,
            control,
            hooks,
            hook_saves: HookSaves::new(tracker.is_polling().then(|| settings.poll_interval())),
            pending: tracker.pending_events(),
            open: tracker.open_flag(),
            doubted: tracker.doubt_flag(),
            waiters: Waiters::default(),
            replies: Replies::default(),
            clear: settings.clear,
            builds: 0,
            look_took: Duration::ZERO,
            why: None,
            summary: Summary::default(),
            wanted: (Instant::now(), Since::Build),
        }
    }

    /// Lets the other threads end; what was built.
    pub fn leave(mut self) -> Summary {
        self.replies.send(self.waiters.end());
        let _ = self.threads.worker.send(WorkerCommand::Leave);
        self.hooks.end();
        self.threads.app.leave();
        self.summary
    }

    /// Makes the first build, then waits for events and handles them until the run is over.
    pub fn handle_until_end(&mut self, events: &Receiver<Event>) -> WatchEnd {
        let _ = self.threads.listener.send(());
        if self.decide(Input::Demanded(Demand::First)) {
            return self.end();
        }
        loop {
            let event = match self.decider.deadline() {
                Some(deadline) => events.recv_timeout(deadline.saturating_duration_since(Instant::now())),
                None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let over = match event {
                Ok(Event::Panicked(message)) => return WatchEnd::Panicked(message),
                Ok(event) => self.handle(event),
                Err(RecvTimeoutError::Timeout) => self.handle_deadline(),
                Err(RecvTimeoutError::Disconnected) => return self.end(),
            };
            if over {
                return self.end();
            }
        }
    }

    fn end(&self) -> WatchEnd {
        self.decider.end().cloned().unwrap_or(WatchEnd::Asked)
    }

    /// Handles one event; whether the run is over.
    fn handle(&mut self, event: Event) -> bool {
        match event {
            Event::FsEvents => {
                let now = Instant::now();
                // A build may have taken the events that woke us.
                let burst = self.burst().unwrap_or(Burst { first: now, last: now, paths: 1, finished: true });
                self.decide(Input::FsEvents(burst))
            }
            Event::Signal(signal) => self.decide(Input::Stop(WatchEnd::Signal(signal))),
            Event::Unread => self.decide(Input::Stop(WatchEnd::Unread)),
            Event::Key(key) => self.handle_key(key),
            Event::Look(result) => self.handle_look(result),
            Event::Worker(event) => self.handle_worker(event),
            Event::Engine(EngineEvent::Named { name, id, removed }) => {
                self.decide(Input::ImageEvent { name, id, removed })
            }
            Event::Engine(EngineEvent::Made) => self.decide(Input::ImageMade),
            Event::Engine(EngineEvent::StreamEnded { lasted }) => self.decide(Input::StreamEnded { lasted }),
            Event::Reply(Reply::Answers(yes)) => self.decide(Input::EngineAnswered(yes)),
            Event::Reply(Reply::Identity(engine)) => self.decide(Input::EngineIs(engine)),
            Event::Reply(Reply::Image(name, id)) => self.decide(Input::ImageIs { name, id }),
            Event::Reply(Reply::None(name)) => self.decide(Input::NoAnswer(name)),
            Event::Waiter(event) => self.handle_waiter(event),
            Event::Panicked(_) => true,
        }
    }

    fn handle_deadline(&mut self) -> bool {
        // More may have come since we were woken.
        if let Some(burst) = self.burst() {
            self.decide(Input::FsEvents(burst));
        }
        self.decide(Input::Tick)
    }

    fn burst(&self) -> Option<Burst> {
        self.pending.lock().expect("no thread panics while it holds this lock").burst()
    }

    fn handle_key(&mut self, key: Key) -> bool {
        match key {
            Key::Rebuild => self.decide(Input::Demanded(Demand::Asked)),
            Key::RebuildClean => self.decide(Input::Demanded(Demand::AskedClean)),
            Key::Pause => self.decide(Input::TogglePause),
            Key::Quit => {
                self.control.stop(ErrorKind::Superseded);
                self.decide(Input::Stop(WatchEnd::Asked))
            }
            Key::Help => {
                let help = keys::help(self.job.incremental, self.threads.app.exists());
                self.reporter.emit(&Message::Answer(&help));
                false
            }
            Key::Output => {
                self.threads.history.show_output();
                false
            }
            Key::Timings => {
                self.threads.history.write_timings();
                false
            }
            Key::RestartApp => {
                self.threads.app.restart();
                false
            }
            Key::OpenApp => {
                self.threads.app.open();
                false
            }
        }
    }

    fn handle_waiter(&mut self, event: WaiterEvent) -> bool {
        match event {
            WaiterEvent::Asked(waiter, reply) => {
                self.doubted.store(true, Ordering::Relaxed);
                let look = self.decider.ask_for_look(Instant::now());
                self.waiters.asked(waiter, look);
                self.replies.add(waiter, reply);
            }
            WaiterEvent::Gone(waiter) => {
                self.waiters.gone(waiter);
                self.replies.remove(waiter);
            }
        }
        false
    }

    fn handle_look(&mut self, result: LookResult) -> bool {
        match result {
            LookResult::Git(lock) => self.decide(Input::GitBusy(lock)),
            LookResult::Path { changed } => self.decide(Input::PathAsked { changed }),
            LookResult::Source(Ok(seen)) => {
                self.look_took = seen.look.took;
                self.why = seen.why;
                self.decide(Input::Looked(seen.look))
            }
            LookResult::Source(Err(why)) => {
                self.replies.send(self.waiters.look_failed(self.decider.looks_begun(), &why));
                self.decide(Input::LookFailed(why))
            }
        }
    }

    fn handle_worker(&mut self, event: WorkerEvent) -> bool {
        match event {
            WorkerEvent::StandbyReady(took) => {
                self.threads.history.note_standby(took);
                self.reporter.emit(&Message::StandbyReady(self.builds + 1));
                false
            }
            WorkerEvent::NotNeeded => {
                self.waiters.no_failure();
                self.run_app(None);
                self.decide(Input::BuildEnded { end: BuildEnd::NotNeeded, image: None })
            }
            WorkerEvent::Ended { build, outcome, failure, source_moved, total, image, changed } => {
                let engine_failed = failure.as_ref().is_some_and(|failure| failure.kind == ErrorKind::Engine);
                let ended = EndedBuild { build, outcome, took: total, image: image.clone(), changed };
                self.hooks.build_ended(ended);
                match outcome {
                    Outcome::Ok => self.summary.times.push(total),
                    Outcome::Failed => self.summary.failed += 1,
                    Outcome::Cancelled => self.summary.cancelled += 1,
                }
                match failure.filter(|_| outcome == Outcome::Failed) {
                    Some(failure) => self.waiters.build_failed(failure.into()),
                    None => self.waiters.no_failure(),
                }
                if outcome == Outcome::Ok {
                    self.run_app(image.clone());
                }
                let end = match outcome {
                    Outcome::Cancelled if source_moved => BuildEnd::SourceMoved,
                    Outcome::Cancelled => BuildEnd::Cancelled,
                    Outcome::Failed if engine_failed => BuildEnd::EngineFailed,
                    Outcome::Ok | Outcome::Failed => BuildEnd::Done,
                };
                self.decide(Input::BuildEnded { end, image })
            }
        }
    }

    /// The build under way has put the tag on an image.
    fn run_app(&self, image: Option<String>) {
        self.threads.app.run_image(image, self.builds, self.wanted.0, self.wanted.1);
    }

    /// Has the decider decide, and does what it says; whether the run is over.
    fn decide(&mut self, input: Input) -> bool {
        if matches!(input, Input::Stop(_)) {
            self.threads.app.leave();
        }
        let actions = self.decider.on(input, Instant::now());
        let over = actions.contains(&Action::Leave);
        actions.into_iter().for_each(|action| self.act(action));
        if self.decider.end().is_some() {
            self.hooks.end();
        }
        over || self.answer_waiters()
    }

    /// Answers those who wait for the tag and can be answered now; whether the run is over.
    fn answer_waiters(&mut self) -> bool {
        let facts = self.decider.facts();
        self.replies.send(self.waiters.review(&facts));
        self.waiters.want_tag_back(&facts) && self.decide(Input::Demanded(Demand::TagMoved))
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Look => drop(self.threads.looker.send(LookRequest::Source)),
            Action::AskGit => drop(self.threads.looker.send(LookRequest::Git)),
            Action::AskPath => drop(self.threads.looker.send(LookRequest::Path)),
            Action::Build(order) => self.build(order),
            Action::Cancel => self.control.cancel(self.builds),
            Action::AskEngine => drop(self.threads.asker.send(Question::Answers)),
            Action::AskIdentity => drop(self.threads.asker.send(Question::Identity)),
            Action::AskImage(name) => drop(self.threads.asker.send(Question::Image(name))),
            Action::Listen => drop(self.threads.listener.send(())),
            Action::RenewStandby(why) => drop(self.threads.worker.send(WorkerCommand::Renew(why))),
            Action::Report(note) => {
                messages::report_note(self.reporter, &self.job.tag, &note);
                if note == Note::EngineBack {
                    self.threads.app.engine_back();
                }
            }
            Action::Leave => {}
        }
    }

    fn build(&mut self, order: BuildOrder) {
        self.builds += 1;
        self.open.store(true, Ordering::Relaxed);
        let now = Instant::now();
        let started = Started {
            build: self.builds,
            source: self.job.source.typed.clone(),
            builder: self.job.builder.clone(),
            tag: self.job.tag.clone(),
            previous: order.previous,
            why: Some(self.why(order.demand)),
        };
        self.hook_saves.check(order.saved.filter(|_| order.demand.is_none()), &started, &self.hooks, self.reporter);
        if self.clear {
            self.reporter.emit(&Message::Clear);
        }
        if !order.unless_current {
            self.reporter.emit(&Message::BuildStarted(&started));
        }
        let since = if order.demand.is_none() && order.saved.is_some() { Since::Save } else { Since::Build };
        self.wanted = (order.saved.map_or(now, |saved| saved.first), since);
        let mut phases = Vec::new();
        if let (None, Some(saved)) = (order.demand, order.saved) {
            phases.push(("settle", saved.looked.saturating_duration_since(saved.first)));
            phases.push(("snapshot", self.look_took));
        }
        let request = Request {
            started,
            clean: order.demand == Some(Demand::AskedClean) || !self.job.incremental,
            unless_current: order.unless_current,
            saved: order.saved.map_or(now, |saved| saved.first),
            ordered: now,
            phases,
        };
        let _ = self.threads.worker.send(WorkerCommand::Build(Box::new(request)));
    }

    fn why(&mut self, demand: Option<Demand>) -> Why {
        match demand {
            None => self.why.take().unwrap_or_else(messages::why_unknown),
            Some(demand) => messages::why_demanded(demand, self.decider.short_builder()),
        }
    }
}
