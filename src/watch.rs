//! A build on every save: waiting for what happens, deciding, doing. The decisions are those of [`state::State`].

mod debounce;
mod files;
mod filesystem;
mod helm;
mod janitor;
mod keys;
mod pulse;
mod sight;
mod standby;
mod state;
mod tell;
mod worker;

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::build::tidy;
use crate::build::{Ground, Workshop};
use crate::cli::WatchOptions;
use crate::contract::labels;
use crate::engine::image::{full_name, short};
use crate::engine::{Cancel, Engine};
use crate::failure::{Failure, Kind};
use crate::interrupt;
use crate::lease::Lease;
use crate::report::{Message, Outcome, Reporter, Started, Summary, Watching, Why};
use crate::settings::Job;
use crate::source::Links;
use debounce::Burst;
use helm::Helm;
use janitor::Janitor;
use keys::{Key, Keys};
use pulse::Beat;
use sight::{Difference, Sight, lock};
use standby::Standby;
pub use state::OnBusy;
use state::{Action, Demand, End, Input, State};
use worker::{Order, Report, Request, Worker};

/// A look at everything takes at most this part of the time when there are no events.
const POLL_SHARE: u32 = 10;

/// How often everything is looked at where events can not be had and nobody said.
const POLL: Duration = Duration::from_secs(1);

/// How a watch ended.
pub enum Ended {
    /// The user asked for it with a key.
    Asked,
    Signal(i32),
}

/// Something that wakes the coordinator.
enum Event {
    /// Something was heard of the source.
    Stirred,
    Signal(i32),
    Key(Key),
    Worker(Report),
    Engine(Beat),
}

/// Builds on every save until asked to end.
///
/// # Errors
/// What stands in the way of watching at all: no source, no builder, another watch of the same tag.
pub fn watch(job: &Job, options: WatchOptions, reporter: &Reporter) -> Result<Ended> {
    let (events, heard) = mpsc::channel();
    let helm = Arc::new(Helm::default());
    listen_to_signals(&events, &helm)?;
    let caller = reporter.clone();
    let engine = Engine::new(job.engine.clone(), helm.begin(), move |call| caller.tell(&Message::Call(call)));
    let lease = Lease::take()?;
    let _claim = claim(&lease, job)?;
    let telling_once = reporter.telling_once();
    let still = telling_once.clone().still();
    let shop = Workshop { job, engine: engine.clone(), lease: &lease, reporter: &telling_once };
    let ground = Ground::look(&shop)?;
    // A registry is asked once, not at each save.
    let settled = job.after_the_first();
    let job = &settled;
    let shop = Workshop { job, ..shop };
    let sight = look_first(job, &options, reporter, &events)?;
    let keys = hear_keys(&events)?;
    tell_watching(job, &options, reporter, &sight, keys.is_some());
    let clean = Job { incremental: false, ..job.clone() };
    let (orders, to_work) = mpsc::channel();
    let (janitor, janitor_ending) = Janitor::start(engine.steady(), options.keep);
    let (stop_pulse, pulse_stopped) = mpsc::channel::<()>();
    let pulse_cancel = Cancel::default();
    let worker = Worker {
        shop: shop.clone(),
        clean: &clean,
        still: &still,
        sight: sight.clone(),
        helm: helm.clone(),
        janitor,
        orders: to_work,
        own_orders: orders.clone(),
        tell: {
            let events = events.clone();
            Box::new(move |report| drop(events.send(Event::Worker(report))))
        },
        standby: Standby::new(options.no_standby.then_some("`--no-standby` was given"), options.standby_limit),
        last_commit: None,
    };
    let mut watch = Watch {
        job,
        reporter,
        sight,
        orders,
        helm,
        state: State::new(options.on_busy, options.debounce),
        builder: (full_name(&job.builder), ground.builder.id.clone()),
        tag: full_name(&job.tag),
        tagged: ground.tagged.as_ref().map(|image| image.id.clone()),
        previous: ground.previous.as_ref().map(|image| image.id.clone()),
        unless_current: ground.tagged.is_some_and(|image| image.config.labels.contains_key(labels::DIGEST)),
        builds: 0,
        saved: None,
        looked: Duration::ZERO,
        differences: Vec::new(),
        clear: options.clear,
        poll: Poll::new(options.poll),
        summary: Summary::default(),
        fault: None,
        ended: None,
    };
    let ended = std::thread::scope(|scope| {
        scope.spawn(|| tidy::sweep(&engine.steady(), &lease, reporter));
        let pulse_engine = engine.with_cancel(pulse_cancel.clone());
        let beats = events.clone();
        scope.spawn(move || {
            pulse::listen(&pulse_engine, &pulse_stopped, |beat| drop(beats.send(Event::Engine(beat))));
        });
        let working = scope.spawn(|| worker.run());
        watch.feed(Input::Demanded(Demand::First));
        let ended = watch.run(&heard);
        drop(watch.orders.send(Order::Leave));
        drop(stop_pulse);
        pulse_cancel.trigger(Kind::Superseded);
        watch.helm.stop(Kind::Superseded);
        let _ = working.join();
        ended
    });
    janitor_ending.wait();
    drop(keys);
    reporter.tell(&Message::WatchFinished(&watch.summary));
    lease.give_up();
    Ok(ended)
}

fn listen_to_signals(events: &Sender<Event>, helm: &Arc<Helm>) -> Result<()> {
    let (events, helm) = (events.clone(), helm.clone());
    let first = move |signal| {
        helm.stop(Kind::Interrupted(signal));
        drop(events.send(Event::Signal(signal)));
    };
    interrupt::listen_with(first, keys::restore)
}

/// One watcher for a tag: two would move it from one to the other.
fn claim(lease: &Lease, job: &Job) -> Result<crate::lease::Claim> {
    let engine = ["DOCKER_HOST", "DOCKER_CONTEXT"].map(|name| std::env::var(name).unwrap_or_default());
    let what = format!("watch {:?} {engine:?} {}", job.engine, full_name(&job.tag));
    lease.claim(&what)?.map_err(|process| {
        let failure = Failure::usage(format!("`{}` is watched already, by process {process}", job.tag));
        failure.hint(format!("end that one (`kill {process}`), or give this one another tag")).into()
    })
}

/// Arms everything, then looks; nothing that is saved from then on is lost.
fn look_first(
    job: &Job,
    options: &WatchOptions,
    reporter: &Reporter,
    events: &Sender<Event>,
) -> Result<Arc<Mutex<Sight>>> {
    let events = events.clone();
    let wake = Arc::new(move || drop(events.send(Event::Stirred)));
    let mut sight = Sight::new(&job.source.path, &job.selection, wake)?;
    if options.poll.is_some() {
        sight.poll();
    } else if let Some(kind) = filesystem::without_events(&job.source.path) {
        reporter.warn(&tell::no_events(kind));
        sight.poll();
    } else if job.selection.links == Links::Followed {
        reporter.note(
            "what links point to can change without a word, so everything is looked at now and then (`--poll=INTERVAL`)",
        );
        sight.poll();
    }
    Ok(Arc::new(Mutex::new(sight)))
}

fn hear_keys(events: &Sender<Event>) -> Result<Option<Keys>> {
    let events = events.clone();
    Keys::hear(move |key| drop(events.send(Event::Key(key))))
}

fn tell_watching(job: &Job, options: &WatchOptions, reporter: &Reporter, sight: &Mutex<Sight>, keys: bool) {
    let sight = lock(sight);
    reporter.tell(&Message::WatchStarted(&Watching {
        source: job.source.typed.clone(),
        builder: job.builder.clone(),
        tag: job.tag.clone(),
        folders: sight.watches(),
        poll: sight.is_polling().then(|| options.poll.unwrap_or(POLL)),
        keys,
    }));
}

/// When everything is looked at, where there are no events.
struct Poll {
    every: Duration,
    due: Instant,
}

impl Poll {
    fn new(every: Option<Duration>) -> Self {
        let every = every.unwrap_or(POLL);
        Self { every, due: Instant::now() + every }
    }

    /// A look took this long; the next one waits accordingly.
    fn looked(&mut self, took: Duration) {
        self.due = Instant::now() + self.every.max(took * POLL_SHARE);
    }
}

/// The coordinator.
struct Watch<'a> {
    job: &'a Job,
    reporter: &'a Reporter,
    sight: Arc<Mutex<Sight>>,
    orders: Sender<Order>,
    helm: Arc<Helm>,
    state: State,
    /// The builder's full name, and its id when it was last heard of.
    builder: (String, String),
    /// The tag's full name, and the image that we know it on.
    tag: String,
    tagged: Option<String>,
    /// The image whose artifacts the next build takes over.
    previous: Option<String>,
    /// The first build is made only if the tag is not an image of this source.
    unless_current: bool,
    builds: u64,
    /// The first event of the burst that leads to the next build, and when it was looked at.
    saved: Option<(Instant, Instant)>,
    /// How long the last look took.
    looked: Duration,
    differences: Vec<Difference>,
    clear: bool,
    poll: Poll,
    summary: Summary,
    /// The source can not be looked at, for this reason, which was told.
    fault: Option<String>,
    ended: Option<Ended>,
}

impl Watch<'_> {
    /// Waits for events and deals with them until the run is over.
    fn run(&mut self, heard: &Receiver<Event>) -> Ended {
        loop {
            let event = match self.deadline() {
                Some(deadline) => heard.recv_timeout(deadline.saturating_duration_since(Instant::now())),
                None => heard.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match event {
                Ok(event) => self.deal_with(event),
                Err(RecvTimeoutError::Timeout) => self.time_passed(),
                Err(RecvTimeoutError::Disconnected) => return Ended::Asked,
            }
            self.tell_notices();
            if self.left() {
                return self.ended.take().unwrap_or(Ended::Asked);
            }
        }
    }

    fn left(&self) -> bool {
        self.ended.is_some() && !self.state.is_building()
    }

    fn deadline(&self) -> Option<Instant> {
        let poll = self.polls().then_some(self.poll.due);
        [self.state.deadline(), poll].into_iter().flatten().min()
    }

    /// Whether there is something that no event tells: everything, or the end of what stands in the way of looking.
    fn polls(&self) -> bool {
        self.fault.is_some() || lock(&self.sight).is_polling()
    }

    fn time_passed(&mut self) {
        if self.polls() && Instant::now() >= self.poll.due {
            self.look_by_the_clock();
        }
        // More may have come since we were woken.
        self.stir(false);
        let git_busy = tell::git_is_busy(&self.job.source.path);
        self.feed(Input::Tick { git_busy });
    }

    /// Where there are no events, a look that finds something is one.
    fn look_by_the_clock(&mut self) {
        let begin = Instant::now();
        let seen = {
            let mut sight = lock(&self.sight);
            sight.look().map(|_| sight.compare(false).0)
        };
        match seen {
            Ok(state::Seen::Nothing | state::Seen::Same) => self.fault = None,
            Ok(_) => self.stir(true),
            Err(error) => self.tell_fault(&error),
        }
        self.poll.looked(begin.elapsed());
    }

    /// Tells the state of events that were not looked at yet; `surely`: also when a build took them to look.
    fn stir(&mut self, surely: bool) {
        let now = Instant::now();
        let burst = lock(&self.sight).burst();
        let burst = burst.or(surely.then_some(Burst { first: now, last: now, paths: 1, finished: true }));
        if let Some(burst) = burst {
            self.feed(Input::Stirred(burst));
        }
    }

    fn deal_with(&mut self, event: Event) {
        match event {
            Event::Stirred => self.stir(true),
            Event::Signal(signal) => self.leave(Ended::Signal(signal)),
            Event::Key(key) => self.pressed(key),
            Event::Worker(report) => self.reported(report),
            Event::Engine(beat) => self.engine_said(beat),
        }
    }

    fn leave(&mut self, how: Ended) {
        self.ended.get_or_insert(how);
        self.feed(Input::Stop);
    }

    fn pressed(&mut self, key: Key) {
        match key {
            Key::Rebuild => self.feed(Input::Demanded(Demand::Asked)),
            Key::RebuildClean => self.feed(Input::Demanded(Demand::AskedClean)),
            Key::Pause => {
                let paused = !self.state.is_paused();
                self.reporter.tell(&Message::Note(if paused { "paused; `p` goes on" } else { "going on" }));
                self.feed(Input::Pause(paused));
            }
            Key::Quit => {
                self.helm.stop(Kind::Superseded);
                self.leave(Ended::Asked);
            }
            Key::Help => self.reporter.tell(&Message::Note(keys::HELP)),
        }
    }

    fn reported(&mut self, report: Report) {
        match report {
            Report::StandbyReady => self.reporter.tell(&Message::StandbyReady(self.builds + 1)),
            Report::TooLarge(bytes) => {
                let text = tell::too_large(lock(&self.sight).now(), bytes);
                self.reporter.warn(&text);
            }
            Report::Ended { outcome, engine, total, image } => {
                match outcome {
                    None => self
                        .reporter
                        .tell(&Message::Skipped(&format!("{} is an image of this source already", self.job.tag))),
                    Some(Outcome::Ok) => self.summary.times.push(total),
                    Some(Outcome::Failed) => self.summary.failed += 1,
                    Some(Outcome::Cancelled) => self.summary.cancelled += 1,
                }
                if image.is_some() {
                    self.tagged.clone_from(&image);
                    self.previous = image.filter(|_| self.job.incremental);
                }
                let end = match outcome {
                    Some(Outcome::Cancelled) => End::Cancelled,
                    Some(Outcome::Failed) if engine && !self.engine_answers() => End::EngineGone,
                    _ => End::Done,
                };
                self.feed(Input::Ended(end));
            }
        }
    }

    fn engine_answers(&self) -> bool {
        pulse::answers(&Engine::new(self.job.engine.clone(), Cancel::default(), |_| {}))
    }

    fn engine_said(&mut self, beat: Beat) {
        match beat {
            Beat::Named { name, .. } if name == self.builder.0 => {
                let id = self.id_of(&self.job.builder);
                if let Some(id) = id.filter(|id| *id != self.builder.1) {
                    self.builder.1 = id;
                    drop(self.orders.send(Order::Renew("the builder image changed")));
                    self.feed(Input::Demanded(Demand::Builder));
                }
            }
            Beat::Named { name, id } if name == self.tag && !self.state.is_building() => {
                // Our own moves come back as events, too.
                if self.tagged.as_deref() != Some(&*id) && self.id_of(&self.job.tag) != self.tagged {
                    self.tagged = self.id_of(&self.job.tag);
                    self.previous.clone_from(&self.tagged);
                    drop(self.orders.send(Order::Renew("the tag was moved by somebody else")));
                }
            }
            Beat::Named { .. } => {}
            Beat::Gone => {
                self.reporter.warn("the engine does not answer; waiting until it does");
                self.feed(Input::EngineGone);
            }
            Beat::Back => {
                self.reporter.note("the engine is back");
                drop(self.orders.send(Order::Renew("the engine was restarted")));
                self.feed(Input::EngineBack);
            }
        }
    }

    /// The image that a name is on now.
    fn id_of(&self, name: &str) -> Option<String> {
        let engine = Engine::new(self.job.engine.clone(), Cancel::default(), |_| {});
        let output = engine.call(&["image", "inspect", "--format", "{{.Id}}", name]).ok()?;
        output.success.then(|| output.stdout.trim().to_owned())
    }

    /// Has the state decide, and does what it says.
    fn feed(&mut self, input: Input) {
        for action in self.state.on(input, Instant::now()) {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Look => self.look(),
            Action::Build(demand) => self.build(demand),
            Action::Cancel => self.helm.cancel(self.builds),
            Action::TellSame => self.reporter.tell(&Message::Skipped("what was saved has the same content as before")),
            Action::TellTagged => {
                let text = format!("{} is an image of this source already", self.job.tag);
                self.reporter.tell(&Message::Skipped(&text));
            }
            Action::Leave => {}
        }
    }

    fn look(&mut self) {
        let begin = Instant::now();
        let burst = lock(&self.sight).burst();
        let compared = {
            let mut sight = lock(&self.sight);
            sight.look().map(|relevant| sight.compare(relevant))
        };
        self.looked = begin.elapsed();
        let saved = burst.map_or(begin, |burst| burst.first);
        match compared {
            Ok((seen, differences)) => {
                self.fault = None;
                self.differences = differences;
                // A look that is not about a burst of its own is about the last one.
                let first = self.saved.map_or(saved, |(first, _)| first.min(saved));
                self.saved = Some((first, begin));
                if matches!(seen, state::Seen::Nothing | state::Seen::Same | state::Seen::Tagged) {
                    self.saved = None;
                }
                self.feed(Input::Seen(seen));
            }
            Err(error) => {
                self.tell_fault(&error);
                self.feed(Input::Seen(state::Seen::Nothing));
            }
        }
    }

    /// Tells once why the source can not be looked at.
    fn tell_fault(&mut self, error: &anyhow::Error) {
        let text = format!("{error:#}");
        if self.fault.as_ref() != Some(&text) {
            self.reporter.warn(&text);
            self.fault = Some(text);
            self.poll.looked(Duration::ZERO);
        }
    }

    fn build(&mut self, demand: Option<Demand>) {
        self.builds += 1;
        lock(&self.sight).open();
        let now = Instant::now();
        let (saved, looked_at) = self.saved.take().unwrap_or((now, now));
        let clean = demand == Some(Demand::AskedClean) || !self.job.incremental;
        let started = Started {
            build: self.builds,
            source: self.job.source.typed.clone(),
            builder: self.job.builder.clone(),
            tag: self.job.tag.clone(),
            previous: self.previous.clone().filter(|_| !clean),
            why: Some(self.why(demand)),
        };
        let unless_current = demand == Some(Demand::First) && std::mem::take(&mut self.unless_current);
        if self.clear {
            self.reporter.tell(&Message::Clear);
        }
        if !unless_current {
            self.reporter.tell(&Message::BuildStarted(&started));
        }
        let mut phases = Vec::new();
        if demand.is_none() {
            phases.push(("settle", looked_at.saturating_duration_since(saved)));
            phases.push(("snapshot", self.looked));
        }
        let request = Request { started, clean, unless_current, saved, ordered: Instant::now(), phases };
        drop(self.orders.send(Order::Build(Box::new(request))));
    }

    fn why(&mut self, demand: Option<Demand>) -> Why {
        let text = match demand {
            None => return tell::why_changed(&std::mem::take(&mut self.differences)),
            Some(Demand::First) => "the first build".to_owned(),
            Some(Demand::Asked) => "asked for".to_owned(),
            Some(Demand::AskedClean) => "asked for, without artifacts".to_owned(),
            Some(Demand::Builder) => format!("the builder image changed, to {}", short(&self.builder.1)),
            Some(Demand::Engine) => "the engine is back".to_owned(),
        };
        Why { text, changed: Vec::new(), more: 0 }
    }

    fn tell_notices(&mut self) {
        let notices = lock(&self.sight).take_notices();
        for notice in notices {
            tell::notice(self.reporter, &self.job.source, &notice);
        }
    }
}
