//! A build on every save. Threads and channels are wired here: the event loop, the worker that builds, and what wakes them.

mod build_control;
mod cleanup;
mod compare;
mod debounce;
mod decide;
mod engine_events;
mod event_loop;
mod fs_watcher;
mod keys;
mod known_images;
mod messages;
mod network_fs;
mod poll;
mod standby;
mod standby_policy;
mod tracked_view;
mod tracker;
mod worker;

use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};

use anyhow::Result;

use crate::cancel::Cancel;
use crate::engine::cli::Engine;
use crate::engine::image::full_name;
use crate::error::{Error, ErrorKind};
use crate::pipeline;
use crate::pipeline::context::BuildContext;
use crate::pipeline::images::Images;
use crate::report::Reporter;
use crate::report::message::{Message, Watching};
use crate::run_lock::{Claim, Claimed, RunLock};
use crate::settings::watch::WatchSettings;
use crate::settings::{Job, folders};
use crate::signals;
use crate::source::rules::LinkPolicy;
use build_control::BuildControl;
use cleanup::Cleaner;
pub use event_loop::WatchEnd;
use event_loop::{Event, EventLoop};
use keys::Keys;
use known_images::KnownImages;
use poll::DEFAULT_POLL;
use standby_policy::StandbyPolicy;
use tracker::{Tracker, lock};
use worker::{Worker, WorkerCommand};

/// Builds on every save until asked to end.
///
/// # Errors
/// What stands in the way of watching at all: no source, no builder, another watch of the same tag.
pub fn watch(job: &Job, settings: &WatchSettings, reporter: &Reporter) -> Result<WatchEnd> {
    let (send, events) = mpsc::channel();
    let control = Arc::new(BuildControl::default());
    handle_signals(&send, &control)?;
    let listener = reporter.clone();
    let engine = Engine::new(job.engine.clone(), control.begin(), move |call| listener.emit(&Message::Call(call)));
    let run_lock = RunLock::take(folders::locks())?;
    let _claim = claim_tag(&run_lock, job, settings)?;
    let notes_once = reporter.with_notes_once();
    let without_notes = notes_once.clone().without_notes();
    let cx = BuildContext { job, engine: engine.clone(), run_lock: &run_lock, reporter: &notes_once };
    let images = Images::find(&cx)?;
    // A registry is asked once, not at each save.
    let settled = job.after_the_first();
    let job = &settled;
    let cx = BuildContext { job, ..cx };
    let tracker = start_tracker(job, settings, reporter, &send)?;
    let keys = read_keys(&send)?;
    report_start(job, settings, reporter, &tracker, keys.is_some());
    let clean = Job { incremental: false, ..job.clone() };
    let (commands, worker_commands) = mpsc::channel();
    let (cleaner, cleaner_thread) = Cleaner::start(engine.without_cancel(), settings.keep);
    let worker = Worker {
        cx: cx.clone(),
        clean: &clean,
        without_notes: &without_notes,
        tracker: tracker.clone(),
        control: control.clone(),
        cleaner,
        commands: worker_commands,
        own_commands: commands.clone(),
        report: {
            let send = send.clone();
            Box::new(move |event| drop(send.send(Event::Worker(event))))
        },
        policy: StandbyPolicy::new((!settings.standby).then_some("`--no-standby` was given"), settings.standby_limit),
        last_commit: None,
    };
    let known = KnownImages::new(job, &images);
    let mut event_loop = EventLoop::new(job, settings, reporter, tracker, commands, control, known);
    let (stop_listening, stopped) = mpsc::channel::<()>();
    let listening = Cancel::default();
    let ended = std::thread::scope(|scope| {
        scope.spawn(|| pipeline::cleanup::sweep(&engine.without_cancel(), &run_lock, reporter));
        let listening_engine = engine.with_cancel(listening.clone());
        scope.spawn(move || {
            engine_events::listen(&listening_engine, &stopped, |event| drop(send.send(Event::Engine(event))));
        });
        let working = scope.spawn(|| worker.run());
        let ended = event_loop.run(&events);
        event_loop.command(WorkerCommand::Leave);
        drop(stop_listening);
        listening.trigger(ErrorKind::Superseded);
        event_loop.stop_work();
        let _ = working.join();
        ended
    });
    cleaner_thread.wait();
    drop(keys);
    reporter.emit(&Message::WatchFinished(event_loop.summary()));
    run_lock.give_up();
    Ok(ended)
}

fn handle_signals(send: &Sender<Event>, control: &Arc<BuildControl>) -> Result<()> {
    let (send, control) = (send.clone(), control.clone());
    let first = move |signal| {
        control.stop(ErrorKind::Interrupted(signal));
        drop(send.send(Event::Signal(signal)));
    };
    signals::on_signals(first, keys::restore)
}

/// One watch for a tag: two would move it from one to the other.
fn claim_tag(run_lock: &RunLock, job: &Job, settings: &WatchSettings) -> Result<Claim> {
    let what = format!("watch {:?} {} {}", job.engine, settings.engine_address, full_name(&job.tag));
    match run_lock.claim(&what)? {
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
    reporter: &Reporter,
    send: &Sender<Event>,
) -> Result<Arc<Mutex<Tracker>>> {
    let send = send.clone();
    let wake = Arc::new(move || drop(send.send(Event::FsEvents)));
    let mut tracker = Tracker::new(&job.source.path, &job.selection, wake)?;
    if settings.poll.is_some() {
        tracker.poll();
    } else if let Some(kind) = network_fs::without_events(&job.source.path) {
        reporter.warn(&messages::no_events(kind));
        tracker.poll();
    } else if job.selection.links == LinkPolicy::Followed {
        reporter.note(
            "what links point to can change without a word, so everything is looked at now and then (`--poll=INTERVAL`)",
        );
        tracker.poll();
    }
    Ok(Arc::new(Mutex::new(tracker)))
}

fn read_keys(send: &Sender<Event>) -> Result<Option<Keys>> {
    let send = send.clone();
    Keys::read(move |key| drop(send.send(Event::Key(key))))
}

fn report_start(job: &Job, settings: &WatchSettings, reporter: &Reporter, tracker: &Mutex<Tracker>, keys: bool) {
    let tracker = lock(tracker);
    reporter.emit(&Message::WatchStarted(&Watching {
        source: job.source.typed.clone(),
        builder: job.builder.clone(),
        tag: job.tag.clone(),
        folders: tracker.watches(),
        poll: tracker.is_polling().then(|| settings.poll.unwrap_or(DEFAULT_POLL)),
        keys,
    }));
}
