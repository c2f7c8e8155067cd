//! A build on every save. Threads and channels are wired here: the event loop, and what it hands work to and is woken by.

mod asker;
mod build_control;
mod cleanup;
mod compare;
mod debounce;
mod decide;
mod early_standby;
mod engine_events;
mod engine_identity;
mod event_loop;
mod fs_watcher;
mod history;
mod hook_saves;
mod jobs;
mod keys;
mod known_images;
mod looker;
mod messages;
mod mounts;
mod network_fs;
mod notifier;
mod place;
mod pusher;
mod pushing;
mod slow_commit;
mod standby;
mod standby_policy;
mod tagged_image;
mod threads;
mod timings_place;
mod tracked_view;
mod tracker;
pub mod wait_client;
mod wait_protocol;
mod wait_server;
mod waiters;
mod work;
mod worker;

use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};

use anyhow::Result;

use crate::app;
use crate::app::containers::RunningContainers;
use crate::app::context::AppContext;
use crate::app::handle::AppHandle;
use crate::app::supervisor::Supervisor;
use crate::engine::cli::Engine;
use crate::error::{Error, ErrorKind};
use crate::hooks::{self, HookEvents, Hooks};
use crate::pipeline;
use crate::pipeline::cache::state::Caches;
use crate::pipeline::cleanup::Leftovers;
use crate::pipeline::context::BuildContext;
use crate::pipeline::images::Images;
use crate::pipeline::source_in::SourceInDecider;
use crate::report::Reporter;
use crate::report::message::{Message, Summary, Watching};
use crate::run_lock::{Claim, Claimed, RunLock};
use crate::settings::engine::engine_program;
use crate::settings::watch::WatchSettings;
use crate::settings::{Job, folders};
use crate::signals;
use build_control::BuildControl;
use cleanup::Cleaner;
pub use decide::input::WatchEnd;
use event_loop::{Event, EventLoop, Threads};
use history::History;
use jobs::Jobs;
use keys::{Key, Keys};
use known_images::KnownImages;
use slow_commit::SlowCommits;
use standby_policy::StandbyPolicy;
use tagged_image::TaggedImage;
use threads::{guarded, panic_message, sender};
use tracker::{Tracker, lock};
use wait_protocol::claim_key;
use worker::Worker;

/// Builds on every save until asked to end.
///
/// # Errors
/// What stands in the way of watching at all: no source, no builder, another watch of the same tag. A thread that panicked.
pub fn watch(job: &Job, settings: &WatchSettings, reporter: &Reporter) -> Result<WatchEnd> {
    let (send, events) = mpsc::channel();
    let control = Arc::new(BuildControl::default());
    let (hooks, hook_events) = hooks::hooks();
    let containers = RunningContainers::default();
    handle_signals(&send, &control, &hooks, reporter, containers.clone())?;
    end_when_unread(&send, &control, reporter);
    let listener = reporter.clone();
    let engine =
        Engine::new(engine_program(&job.engine), control.ending(), move |call| listener.emit(&Message::Call(call)));
    let run_lock = RunLock::take(folders::of_runs())?;
    let claim = claim_tag(&run_lock, job, &settings.engine_identity)?;
    let history = History::begin(job, &settings.timings, engine.cancel(), keys::are_there(), reporter)?;
    let reporter = history.reporter();
    let reporter = &match settings.notify {
        Some(kind) => notifier::notifying(&reporter, kind, settings.app.is_some()),
        None => reporter,
    };
    let settled = hooks.clone();
    let on_settled = Box::new(move |build, serves| settled.app_settled(build, serves));
    let app_cx = AppContext { engine: &engine, run_lock: &run_lock, reporter, tag: &job.tag, containers, on_settled };
    let app = settings.app.as_ref().map(|settings| app::prepare(app_cx, settings)).transpose()?;
    let mut listeners = Vec::from_iter(wait_server::listen(&claim, reporter));
    let notes_once = reporter.with_notes_once();
    let caches = Caches::default();
    let cx = BuildContext::new(job, engine.clone(), &run_lock, &notes_once, &caches);
    let (identity, images) = std::thread::scope(|scope| {
        let identity = scope.spawn(|| engine_identity::ask(&engine));
        let images = Images::find(&cx);
        (identity.join().ok().flatten(), images)
    });
    // Another watch may reach the same engine in another way.
    let claim_of_engine = identity.as_ref().map(|engine| claim_tag(&run_lock, job, engine)).transpose()?;
    listeners.extend(claim_of_engine.as_ref().and_then(|claim| wait_server::listen(claim, reporter)));
    let images = images?;
    // A registry is asked once, not at each save.
    let settled = job.after_the_first();
    let cx = BuildContext { job: &settled, ..cx };
    let tracker = start_tracker(cx.job, settings, &engine, cx.reporter, &send)?;
    let keys = read_keys(&send, cx.reporter)?;
    report_start(cx.job, settings, reporter, &tracker, keys.is_some());
    for listener in listeners {
        let send = send.clone();
        wait_server::serve(listener, move |event| send.send(Event::Waiter(event)).is_ok());
    }
    let known = KnownImages::new(cx.job, &images).of_engine(identity);
    let tagged = TaggedImage::new(&run_lock, settings.keep > 0, images.superseded());
    let (hooks, known) = ((hooks, hook_events), (known, tagged, &history, app));
    let (ended, summary) = run_threads(&cx, settings, &tracker, &control, known, hooks, (send, events));
    drop(keys);
    pipeline::cleanup::leave_rest_to_next_run(&engine, &run_lock, reporter);
    let written = history.end();
    reporter.emit(&Message::WatchFinished(&summary));
    match ended {
        WatchEnd::Panicked(message) => Err(Error::engine("the watch came to an end by a fault of its own")
            .because(anyhow::anyhow!(message))
            .hint("the image stays as it is; start the watch again, and report this with what was done before")
            .into()),
        // Its status says which signal it was.
        WatchEnd::Signal(signal) => {
            written.unwrap_or_else(|error| reporter.emit(&Message::Error(&error)));
            Ok(WatchEnd::Signal(signal))
        }
        ended => written.map(|()| ended),
    }
}

/// Runs all threads until the run is over; how it ended, and what was built.
fn run_threads(
    cx: &BuildContext,
    settings: &WatchSettings,
    tracker: &Arc<Mutex<Tracker>>,
    control: &Arc<BuildControl>,
    (known, tagged, history, app): (KnownImages, TaggedImage, &Arc<History>, Option<(AppHandle, Supervisor)>),
    (hooks, hook_events): (Hooks, HookEvents),
    (send, events): (Sender<Event>, Receiver<Event>),
) -> (WatchEnd, Summary) {
    let jobs = Jobs::new(cx.job.clone());
    let without_notes = cx.reporter.clone().without_notes();
    let (to_worker, commands) = mpsc::channel();
    let (to_looker, look_requests) = mpsc::channel();
    let (to_asker, questions) = mpsc::channel();
    let (to_listener, listen_requests) = mpsc::channel();
    let (orders, ordered) = mpsc::channel();
    let place = lock(tracker).place().clone();
    let (to_cleaner, leftovers) = mpsc::channel();
    let (pusher, push_requests, pushing) = pusher::pusher();
    let pusher = Some(pusher).filter(|_| cx.job.push);
    let (app, supervisor) = app.unzip();
    let cleaner = Cleaner::new(to_cleaner);
    let after_push = cleaner.clone();
    // An image that an app used may be free once the app is gone.
    let after_app = cleaner.clone();
    let on_gone = move || after_app.remove(Leftovers::default());
    let worker = Worker {
        cx: BuildContext { job: &jobs.at(&place.path).job, ..cx.clone() },
        jobs: &jobs,
        place,
        without_notes: &without_notes,
        tracker: tracker.clone(),
        control: control.clone(),
        cleaner,
        commands,
        own_commands: to_worker.clone(),
        report: pusher::told(pusher, sender(&send, Event::Worker)),
        policy: StandbyPolicy::new((!settings.standby).then_some("`--no-standby` was given"), settings.standby_limit),
        tagged,
        last_commit: None,
        announced: false,
        orders,
        early: None,
        last_assemble: None,
        slow_commits: SlowCommits::default(),
        source_in: SourceInDecider::default(),
        engine_memory: None,
        held: Leftovers::default(),
    };
    let threads = Threads {
        worker: to_worker,
        looker: to_looker,
        asker: to_asker,
        listener: to_listener,
        history: history.clone(),
        app: app.unwrap_or_default(),
    };
    let event_loop = EventLoop::new(cx, settings, &lock(tracker), control.clone(), known, (threads, hooks));
    let engine = &cx.engine;
    let (seen, replied, listened) =
        (sender(&send, Event::Look), sender(&send, Event::Reply), sender(&send, Event::Engine));
    std::thread::scope(|scope| {
        let app = supervisor.map(|supervisor| guarded(scope, &send, move || supervisor.serve(on_gone)));
        let started = [
            guarded(scope, &send, move || cleanup::clean_on_request(cx, settings.keep, &leftovers, &pushing)),
            guarded(scope, &send, || worker.serve()),
            guarded(scope, &send, move || pusher::push_on_request(cx, push_requests, &after_push)),
            guarded(scope, &send, move || early_standby::begin_on_request(&ordered)),
            guarded(scope, &send, move || {
                hooks::run_on_request(cx.job, &settings.hooks, settings.app.is_some(), hook_events, cx.reporter)
            }),
            guarded(scope, &send, move || {
                looker::look_on_request(&cx.job.source, tracker, &look_requests, cx.reporter, seen);
            }),
            guarded(scope, &send, move || asker::ask_on_request(cx.job, engine, &questions, replied)),
            guarded(scope, &send, move || engine_events::listen_on_request(engine, &listen_requests, listened)),
        ];
        let mut event_loop = event_loop;
        let ended = panic::catch_unwind(AssertUnwindSafe(|| event_loop.handle_until_end(&events)))
            .unwrap_or_else(|cause| WatchEnd::Panicked(panic_message(&*cause)));
        control.stop(ErrorKind::Superseded);
        let summary = event_loop.leave();
        app.into_iter().chain(started).for_each(|thread| drop(thread.join()));
        (ended, summary)
    })
}

fn handle_signals(
    send: &Sender<Event>,
    control: &Arc<BuildControl>,
    hooks: &Hooks,
    reporter: &Reporter,
    containers: RunningContainers,
) -> Result<()> {
    let (send, control, hooks, reporter) = (send.clone(), control.clone(), hooks.clone(), reporter.clone());
    let first = move |signal| {
        control.stop(ErrorKind::Interrupted(signal));
        reporter.stop_waiting(ErrorKind::Interrupted(signal));
        drop(send.send(Event::Signal(signal)));
    };
    signals::on_signals(first, move || {
        hooks.kill();
        keys::restore();
        containers.kill();
    })
}

/// A watch whose messages are read by no one any more only costs, and keeps its tag from others.
fn end_when_unread(send: &Sender<Event>, control: &Arc<BuildControl>, reporter: &Reporter) {
    let (send, control) = (send.clone(), control.clone());
    reporter.when_unread(move || {
        control.stop(ErrorKind::Superseded);
        drop(send.send(Event::Unread));
    });
}

/// One watch for a tag of an engine: two would move it from one to the other.
fn claim_tag(run_lock: &RunLock, job: &Job, engine: &str) -> Result<Claim> {
    match run_lock.claim(&claim_key(engine, &job.tag))? {
        Claimed::Granted(claim) => Ok(claim),
        Claimed::HeldBy(process) => {
            Err(Error::usage(format!("`{}` is watched already, by process {process}", job.tag))
                .hint(format!("end that one (`kill {process}`), or give this one another tag"))
                .into())
        }
    }
}

/// Arms all watches, then takes the first snapshot; nothing that is saved from then on is lost.
fn start_tracker(
    job: &Job,
    settings: &WatchSettings,
    engine: &Engine,
    reporter: &Reporter,
    send: &Sender<Event>,
) -> Result<Arc<Mutex<Tracker>>> {
    let send = send.clone();
    let wake = Arc::new(move || drop(send.send(Event::FsEvents)));
    let cancel = engine.cancel().clone();
    let tracker = Tracker::new(&job.source, &job.selection, cancel, settings.poll.is_some(), wake)?;
    let tracker = Arc::new(Mutex::new(tracker));
    looker::report_notices(&job.source, &tracker, reporter);
    Ok(tracker)
}

fn read_keys(send: &Sender<Event>, reporter: &Reporter) -> Result<Option<Keys>> {
    let (send, reporter) = (send.clone(), reporter.clone());
    Keys::read(move |key| {
        if key == Key::Quit {
            reporter.stop_waiting(ErrorKind::Superseded);
        }
        drop(send.send(Event::Key(key)));
    })
}

fn report_start(job: &Job, settings: &WatchSettings, reporter: &Reporter, tracker: &Mutex<Tracker>, keys: bool) {
    let tracker = lock(tracker);
    reporter.emit(&Message::WatchStarted(&Watching {
        source: job.source.typed.clone(),
        builder: job.builder.clone(),
        tag: job.tag.clone(),
        folders: tracker.watches(),
        poll: tracker.is_polling().then(|| settings.poll_interval()),
        keys,
    }));
}
