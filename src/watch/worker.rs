//! The thread that makes builds one after the other, and prepares a standby between them.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::build_control::BuildControl;
use super::cleanup::Cleaner;
use super::standby::Standby;
use super::standby_policy::{self, Limit, StandbyPolicy};
use super::tracked_view::TrackedView;
use super::tracker::{Tracker, lock};
use crate::error::{self, ErrorKind};
use crate::git::work_tree::RevisionQuery;
use crate::pipeline::approach::{CannotWait, PrepareError};
use crate::pipeline::commit::TagMove;
use crate::pipeline::context::{BuildContext, Progress};
use crate::pipeline::images::Images;
use crate::pipeline::inputs::Inputs;
use crate::pipeline::{callback, steps};
use crate::report::Reporter;
use crate::report::message::{Finished, Message, Outcome, StandbyUse, Started};
use crate::settings::Job;

/// A build that the worker gets to later than this waited for a standby that was being prepared.
const NOTABLE: Duration = Duration::from_millis(5);

/// A commit that takes no longer than this brings the tag along: it is over before an interrupt would give it up.
const SHORT_COMMIT: Duration = Duration::from_millis(400);

/// How long to wait before a lost standby is replaced, at first and at most.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

/// What the worker is to do.
pub enum WorkerCommand {
    Build(Box<Request>),
    /// The container of this name has ended.
    StandbyEnded(String),
    /// A standby, if there is one, is of no use any more, for this reason.
    Renew(&'static str),
    Leave,
}

/// A build to make.
pub struct Request {
    pub started: Started,
    /// Take over no artifacts.
    pub clean: bool,
    /// Build only if the tag is not an image of exactly this source, builder and options.
    pub unless_current: bool,
    /// When the save was.
    pub saved: Instant,
    /// When the build was asked for.
    pub ordered: Instant,
    /// What the time since the save went into.
    pub phases: Vec<(&'static str, Duration)>,
}

/// What the worker reports.
pub enum WorkerEvent {
    /// The tag was on an image of this source already.
    NotNeeded,
    Ended {
        outcome: Outcome,
        /// The engine, not the build, is at fault.
        engine_failed: bool,
        total: Duration,
        /// The image that has the tag now.
        image: Option<String>,
    },
    StandbyReady,
    TooLarge(u64),
}

pub struct Worker<'a> {
    pub cx: BuildContext<'a>,
    /// The same job without artifacts.
    pub clean: &'a Job,
    /// For preparing a standby, which the user does not wait for.
    pub without_notes: &'a Reporter,
    pub tracker: Arc<Mutex<Tracker>>,
    pub control: Arc<BuildControl>,
    pub cleaner: Cleaner,
    pub commands: Receiver<WorkerCommand>,
    /// For the end of a standby, which its container reports.
    pub own_commands: Sender<WorkerCommand>,
    pub report: Box<dyn Fn(WorkerEvent) + Send + 'a>,
    pub policy: StandbyPolicy,
    pub last_commit: Option<Duration>,
}

impl<'a> Worker<'a> {
    /// Works until told to leave. What waits then is removed.
    pub fn run(mut self) {
        let mut waiting: Option<Standby<'a>> = None;
        loop {
            let command = match self.commands.try_recv() {
                Ok(command) => command,
                Err(TryRecvError::Disconnected) => return,
                Err(TryRecvError::Empty) => match self.wait(&mut waiting) {
                    Some(command) => command,
                    None => continue,
                },
            };
            match command {
                WorkerCommand::Build(request) => {
                    waiting = self.build(&request, waiting.take());
                    if waiting.is_none() {
                        self.policy.wanted();
                    }
                }
                WorkerCommand::StandbyEnded(name) => {
                    if waiting.as_ref().is_some_and(|standby| standby.ready.container() == name) {
                        self.throw_away(waiting.take());
                        self.policy.lost("the one there was got lost", BACK_OFF);
                    }
                }
                WorkerCommand::Renew(reason) => {
                    self.throw_away(waiting.take());
                    self.policy.renew(reason);
                }
                WorkerCommand::Leave => return,
            }
        }
    }

    /// Prepares a standby, or waits for an order.
    fn wait(&mut self, waiting: &mut Option<Standby<'a>>) -> Option<WorkerCommand> {
        let due = if waiting.is_none() { self.policy.due() } else { None };
        let Some(due) = due else { return Some(self.commands.recv().unwrap_or(WorkerCommand::Leave)) };
        match self.commands.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Ok(command) => Some(command),
            Err(RecvTimeoutError::Disconnected) => Some(WorkerCommand::Leave),
            Err(RecvTimeoutError::Timeout) => {
                *waiting = self.prepare();
                None
            }
        }
    }

    /// Prepares a standby as far as it can be. What goes wrong is not told: the next build meets it and tells.
    fn prepare(&mut self) -> Option<Standby<'a>> {
        let size = lock(&self.tracker).current().size();
        if let Limit::Over { told } = self.policy.check_size(size) {
            if !told {
                (self.report)(WorkerEvent::TooLarge(size));
            }
            return None;
        }
        let cx = BuildContext { reporter: self.without_notes, ..self.context_for(self.cx.job) };
        let prepared = Images::find(&cx).and_then(|images| {
            let mut view = TrackedView::of_standby(&self.tracker);
            let ready = steps::prepare_waiting(&cx, &images, &mut view, &mut Progress::new())?;
            Ok(Standby { cx: BuildContext { reporter: self.cx.reporter, ..cx }, images, ready })
        });
        let standby = match prepared {
            Ok(standby) => standby,
            Err(error) => {
                match error.downcast_ref::<CannotWait>() {
                    Some(why) => self.learn(Some(*why)),
                    None => self.policy.lost("none could be prepared", BACK_OFF),
                }
                return None;
            }
        };
        Some(self.keep_ready(standby))
    }

    /// Makes what was prepared the standby.
    fn keep_ready(&mut self, mut standby: Standby<'a>) -> Standby<'a> {
        self.policy.mark_ready();
        self.cleaner.remove(standby.ready.saver_leftovers());
        let (commands, name) = (self.own_commands.clone(), standby.ready.container().to_owned());
        standby.ready.when_ended(move || drop(commands.send(WorkerCommand::StandbyEnded(name))));
        (self.report)(WorkerEvent::StandbyReady);
        standby
    }

    /// Notes why no container can wait for the next build, if none can.
    fn learn(&mut self, why: Option<CannotWait>) {
        if let (true, Some(why)) = (self.policy.is_on(), why) {
            self.cx.reporter.note(&format!("no container is kept ready: {}", standby_policy::reason(why)));
        }
        self.policy.learn(why);
    }

    /// A context whose engine is stopped by the build control.
    fn context_for(&self, job: &'a Job) -> BuildContext<'a> {
        let engine = self.cx.engine.with_cancel(self.control.begin());
        BuildContext { job, engine, ..self.cx.clone() }
    }

    /// Makes a build and tells how it went. What comes back is a standby for the next one, when none was needed.
    fn build(&mut self, request: &Request, waiting: Option<Standby<'a>>) -> Option<Standby<'a>> {
        let number = request.started.build;
        let mut progress = Progress::new();
        progress.phases.clone_from(&request.phases);
        let waited = request.ordered.elapsed();
        if waited > NOTABLE {
            progress.phases.push(("wait", waited));
        }
        self.control.take(number);
        let mut using = StandbyUse::Used;
        let mut standby = waiting;
        let result = self.try_build(request, &mut standby, &mut using, &mut progress);
        self.control.release();
        let total = request.saved.elapsed();
        let result = match result {
            Ok(Some(id)) => Ok(id),
            Ok(None) => {
                lock(&self.tracker).close_build(Outcome::Ok);
                (self.report)(WorkerEvent::NotNeeded);
                if !self.policy.is_on() {
                    self.throw_away(standby);
                    return None;
                }
                return standby.map(|standby| self.keep_ready(standby));
            }
            Err(error) => Err(error),
        };
        let outcome = steps::outcome(&result);
        if outcome == Outcome::Cancelled && self.control.is_stopping() {
            // The end is waited for, so that nothing is left.
            drop(standby);
        } else {
            self.throw_away_superseding(standby, result.as_ref().ok());
        }
        lock(&self.tracker).close_build(outcome);
        if let Err(error) = &result
            && outcome == Outcome::Failed
        {
            self.cx.reporter.emit(&Message::Error(error));
        }
        self.cx.reporter.emit(&Message::BuildFinished(&Finished {
            build: number,
            outcome,
            tag: self.cx.job.tag.clone(),
            image: result.as_ref().ok().cloned(),
            assemble_status: progress.assemble_status,
            total,
            standby: Some(using),
            phases: progress.phases,
        }));
        if outcome != Outcome::Cancelled {
            callback::post_in_background(&self.cx, outcome == Outcome::Ok);
        }
        let engine_failed = result.as_ref().is_err_and(|error| error::kind(error) == ErrorKind::Engine);
        (self.report)(WorkerEvent::Ended { outcome, engine_failed, total, image: result.ok() });
        None
    }

    /// Returns the id of the image; `None` when the tag is on such an image already. What was built in stays in `standby`.
    fn try_build(
        &mut self,
        request: &Request,
        standby: &mut Option<Standby<'a>>,
        using: &mut StandbyUse,
        progress: &mut Progress,
    ) -> Result<Option<String>> {
        let revision = RevisionQuery::start(&self.cx.job.source.path);
        let mut view = TrackedView::of_build(&self.tracker);
        if let Some(reason) = self.unfit(request, standby.as_ref())? {
            self.throw_away(standby.take());
            *using = StandbyUse::None(reason.to_owned());
        }
        if let Some(ready) = standby {
            match ready.ready.settle(&mut view) {
                Ok(()) => progress.note("upload"),
                Err(PrepareError::Obstacle(_)) => {
                    self.throw_away(standby.take());
                    *using = StandbyUse::None("a path became a folder, or a folder something else".to_owned());
                }
                Err(PrepareError::Fatal(error)) => self.give_up_on(standby, using, error)?,
            }
        }
        let mut revision = Some(revision);
        loop {
            if standby.is_none() {
                let fresh = self.fresh(request, &mut view, progress)?;
                self.learn(fresh.ready.cannot_wait(&fresh.cx, &fresh.images));
                *standby = Some(fresh);
            }
            let ready = standby.as_mut().expect("it was made where there was none");
            if request.unless_current {
                if steps::is_current(ready.cx.job, &ready.images, &ready.ready) {
                    return Ok(None);
                }
                self.cx.reporter.emit(&Message::BuildStarted(&request.started));
            }
            let assembled = match steps::assemble(&ready.cx, &ready.images, &mut ready.ready, progress) {
                Err(error) if !progress.assemble_started && *using == StandbyUse::Used => {
                    self.give_up_on(standby, using, error)?;
                    continue;
                }
                assembled => assembled?,
            };
            self.control.commit()?;
            let tag_move =
                self.last_commit.filter(|took| *took < SHORT_COMMIT).map_or(TagMove::Separate, |_| TagMove::WithCommit);
            let begin = Instant::now();
            let revision = revision.take().unwrap_or_else(|| RevisionQuery::start(&self.cx.job.source.path));
            let Standby { cx, images, ready } = &*ready;
            let id = steps::commit(cx, images, ready, revision, assembled, tag_move, progress)?;
            self.last_commit = Some(begin.elapsed());
            return Ok(Some(id));
        }
    }

    /// Why there is no standby to use, if there is none.
    fn unfit(&self, request: &Request, standby: Option<&Standby>) -> Result<Option<&'static str>> {
        let Some(standby) = standby else { return Ok(Some(self.policy.why_none())) };
        if request.clean {
            return Ok(Some("artifacts are not wanted"));
        }
        let inputs = Inputs::read(&standby.cx, &standby.images.contract)?;
        Ok((inputs != *standby.ready.inputs()).then_some("variables or scripts changed"))
    }

    /// A standby that fails before `assemble` began is replaced; a build that was cancelled is over.
    fn give_up_on(
        &mut self,
        standby: &mut Option<Standby<'a>>,
        using: &mut StandbyUse,
        error: anyhow::Error,
    ) -> Result<()> {
        let lost = standby.take();
        let cancelled = lost.as_ref().is_some_and(|standby| standby.cx.engine.cancel().why().is_some());
        if cancelled || error::kind(&error) != ErrorKind::Engine {
            *standby = lost;
            return Err(error);
        }
        self.throw_away(lost);
        *using = StandbyUse::None("the one there was got lost".to_owned());
        Ok(())
    }

    fn fresh(&self, request: &Request, view: &mut TrackedView, progress: &mut Progress) -> Result<Standby<'a>> {
        let cx = self.context_for(if request.clean { self.clean } else { self.cx.job });
        self.control.take(request.started.build);
        let images = Images::find(&cx)?;
        let ready = steps::prepare_settled(&cx, &images, view, progress)?;
        progress.note("upload");
        Ok(Standby { cx, images, ready })
    }

    fn throw_away(&self, standby: Option<Standby>) {
        self.throw_away_superseding(standby, None);
    }

    /// Leaves what a standby used to be removed, and the image that lost the tag to `id`.
    fn throw_away_superseding(&self, standby: Option<Standby>, id: Option<&String>) {
        let Some(standby) = standby else { return };
        self.cleaner.remove(standby.into_leftovers(id));
    }
}
