//! The thread that makes builds one after the other, and prepares a standby between them.

mod assembling;
mod preparing;
mod source_in;

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::build_control::BuildControl;
use super::cleanup::Cleaner;
use super::decide::ANOTHER_FOLDER;
use super::early_standby::{EarlyStandby, Order};
use super::jobs::Jobs;
use super::looker::report_notices;
use super::place::{Place, SourceMoved};
use super::slow_commit::SlowCommits;
use super::standby::Standby;
use super::standby_policy::{self, BACK_OFF, StandbyPolicy};
use super::tagged_image::TaggedImage;
use super::tracked_view::TrackedView;
use super::tracker::{Tracker, lock};
use super::work::{Failure, Request, WorkerCommand, WorkerEvent};
use crate::engine::cli::LeftBehind;
use crate::error::{self, ErrorKind};
use crate::git::work_tree::RevisionQuery;
use crate::pipeline::approach::{CannotWait, PrepareError};
use crate::pipeline::cleanup::Leftovers;
use crate::pipeline::commit::TagMove;
use crate::pipeline::context::{BuildContext, Progress};
use crate::pipeline::script_run::ScriptResult;
use crate::pipeline::source_in::SourceInDecider;
use crate::pipeline::steps::CommitOptions;
use crate::pipeline::{callback, steps};
use crate::report::Reporter;
use crate::report::message::{Finished, Message, Outcome, StandbyUse};
use crate::run_lock::SupersededImage;
use crate::settings::Job;

/// A build that the worker gets to later than this waited for a standby that was being prepared; a message between threads
/// takes far less.
const NOTABLE: Duration = Duration::from_millis(5);

/// A commit that takes no longer than this brings the tag along: it is over before an interrupt would give it up.
const SHORT_COMMIT: Duration = Duration::from_millis(400);

/// The thread, with what a build needs and what is left of the last one.
pub struct Worker<'a> {
    pub cx: BuildContext<'a>,
    /// The jobs for the folders that the source has meant.
    pub jobs: &'a Jobs,
    /// The folder that the source meant when the last build or standby began.
    pub place: Place,
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
    pub tagged: TaggedImage<'a>,
    /// How long the call of the last commit took.
    pub last_commit: Option<Duration>,
    /// The start of the build under way was reported.
    pub announced: bool,
    /// For standbys that are begun beside a build.
    pub orders: Sender<Order<'a>>,
    /// The one that was begun so, and is not complete.
    pub early: Option<EarlyStandby<'a>>,
    pub last_assemble: Option<Duration>,
    pub slow_commits: SlowCommits,
    /// Where the source is better kept.
    pub source_in: SourceInDecider,
    /// The memory of the engine's machine in bytes, or that it does not say; `None` if it was not asked yet.
    pub engine_memory: Option<Option<u64>>,
    /// What is removed once the next standby is ready.
    pub held: Leftovers,
}

impl<'a> Worker<'a> {
    /// Obeys commands until `Leave`. A standby that waits then is removed.
    pub fn serve(mut self) {
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
            self.remove_held();
            match command {
                WorkerCommand::Build(request) => {
                    waiting = self.build(&request, waiting.take());
                }
                WorkerCommand::StandbyEnded(name) => {
                    if waiting.as_ref().is_some_and(|standby| standby.ready.container() == name) {
                        self.throw_away(waiting.take(), None);
                        self.policy.lost("the standby was lost", BACK_OFF);
                    }
                }
                WorkerCommand::Renew(reason) => {
                    self.give_up_early();
                    // Another program may have taken the tag away.
                    self.throw_away(waiting.take(), self.tagged.removable());
                    self.policy.renew(reason);
                }
                WorkerCommand::Leave => return self.throw_away(None, self.tagged.removable()),
            }
            report_notices(&self.cx.job.source, &self.tracker, self.cx.reporter);
        }
    }

    /// Prepares a standby when that is due, or waits for a command.
    fn wait(&mut self, waiting: &mut Option<Standby<'a>>) -> Option<WorkerCommand> {
        let due = if waiting.is_none() { self.policy.due() } else { None };
        if due.is_none_or(|due| due > Instant::now()) {
            self.remove_held();
        }
        let Some(due) = due else { return Some(self.commands.recv().unwrap_or(WorkerCommand::Leave)) };
        match self.commands.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Ok(command) => Some(command),
            Err(RecvTimeoutError::Disconnected) => Some(WorkerCommand::Leave),
            Err(RecvTimeoutError::Timeout) => {
                *waiting = self.prepare_standby(Instant::now());
                self.remove_held();
                None
            }
        }
    }

    /// Takes over the folder that the source means now; whether it is another one.
    fn follow_source(&mut self) -> bool {
        let place = lock(&self.tracker).place().clone();
        if place == self.place {
            return false;
        }
        self.cx.job = &self.jobs.at(&place.path).job;
        self.place = place;
        true
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

    /// Makes a build and reports how it went; returns a standby for the next one, when this one was not needed.
    fn build(&mut self, request: &Request, mut waiting: Option<Standby<'a>>) -> Option<Standby<'a>> {
        if self.follow_source() {
            self.throw_away(waiting.take(), None);
            self.policy.renew(ANOTHER_FOLDER);
        }
        if waiting.is_none() && !request.clean {
            waiting = self.complete_early();
        }
        let mut progress = Progress::new();
        progress.phases.clone_from(&request.phases);
        let waited = request.ordered.elapsed();
        if waited > NOTABLE {
            progress.phases.push(("wait", waited));
        }
        self.announced = !request.unless_current;
        self.control.take(request.started.build);
        let mut using = StandbyUse::Used;
        let mut standby = waiting;
        let result = self.try_build(request, &mut standby, &mut using, &mut progress);
        self.control.release();
        match result {
            Ok(None) => self.keep_for_the_next(standby),
            Ok(Some(id)) => {
                self.finish(request, Ok(id), standby, using, progress);
                None
            }
            Err(error) => {
                self.finish(request, Err(error), standby, using, progress);
                None
            }
        }
    }

    /// Reports the start of a build, once.
    fn announce(&mut self, request: &Request) {
        if !std::mem::replace(&mut self.announced, true) {
            self.cx.reporter.emit(&Message::BuildStarted(&request.started));
        }
    }

    /// Reports how a build went, and has removed what it used.
    fn finish(
        &mut self,
        request: &Request,
        result: Result<String>,
        standby: Option<Standby>,
        using: StandbyUse,
        progress: Progress,
    ) {
        let total = request.saved.elapsed();
        let outcome = steps::outcome(&result);
        if outcome != Outcome::Cancelled {
            self.last_assemble = progress.took("assemble").or(self.last_assemble);
        }
        // Another program may have taken the tag from the image of the build before.
        let before = result.as_ref().ok().and_then(|id| self.tagged.replace(id));
        let superseded = standby.as_ref().and_then(|standby| standby.superseded(&result));
        let superseded = before.into_iter().chain(superseded);
        if outcome == Outcome::Cancelled && self.control.is_stopping() {
            // The end is waited for, so that nothing is left.
            drop(standby);
            superseded.for_each(|image| self.cx.engine.leave_behind(LeftBehind::Image(image)));
        } else if outcome == Outcome::Cancelled {
            // Its `assemble` still runs.
            self.throw_away(standby, superseded);
        } else {
            self.hold(leftovers(standby, superseded));
        }
        let changed = lock(&self.tracker).close_build(outcome);
        // It may have ended before it was known whether there would be a build.
        self.announce(request);
        if let (Outcome::Failed, Err(error)) = (outcome, &result) {
            self.cx.reporter.emit(&Message::Error(error));
        }
        let slow_commit = progress.took("commit").and_then(|commit| self.slow_commits.note(commit, total));
        self.cx.reporter.emit(&Message::BuildFinished(&Finished {
            build: request.started.build,
            outcome,
            tag: self.cx.job.tag.clone(),
            image: result.as_ref().ok().cloned(),
            assemble_status: progress.assemble_status,
            total,
            standby: Some(using),
            phases: progress.phases,
        }));
        if let (Outcome::Ok, Some(note)) = (outcome, slow_commit) {
            self.cx.reporter.note(&note);
        }
        if outcome != Outcome::Cancelled {
            callback::post_in_background(&self.cx, outcome == Outcome::Ok);
        }
        self.policy.wanted_after(outcome);
        let source_moved = result.as_ref().is_err_and(SourceMoved::ended);
        let failure = Failure::of(&result);
        let (build, image) = (request.started.build, result.ok());
        (self.report)(WorkerEvent::Ended { build, outcome, failure, source_moved, total, image, changed });
    }

    /// Builds in the standby, or in a container of the build's own; returns the id of the image, or `None` when the tag is on
    /// such an image already. What was built in stays in `standby`.
    fn try_build(
        &mut self,
        request: &Request,
        standby: &mut Option<Standby<'a>>,
        using: &mut StandbyUse,
        progress: &mut Progress,
    ) -> Result<Option<String>> {
        let revision = RevisionQuery::start(&self.cx.job.source.path, &self.control.ending().work);
        let mut view = TrackedView::of_build(&self.tracker, &self.place);
        self.settle(request, standby, using, &mut view, progress)?;
        let mut repeats = false;
        loop {
            if standby.is_none() {
                *standby = Some(self.prepare_for_now(request, &mut view, repeats, progress)?);
            }
            let prepared = standby.as_mut().expect("one was prepared where there was none");
            if request.unless_current {
                if steps::is_current(prepared.cx.job, &prepared.images, &prepared.ready) {
                    return Ok(None);
                }
                self.announce(request);
            }
            let result = self.assemble(request, standby, &mut view, &mut repeats, progress);
            // There is none if another one could not be prepared.
            let Some(prepared) = standby else { return result.map(|_| None) };
            match result {
                Ok(assembled) => {
                    self.note_source_in(prepared, &assembled, repeats, progress);
                    return self.commit(prepared, revision, assembled, progress).map(Some);
                }
                Err(error) if steps::assembles_again(&prepared.cx, &self.source_in, &error, progress) => {
                    // It explains what is seen twice, so that it is told each time.
                    self.cx.reporter.emit(&Message::Note(steps::ASSEMBLES_AGAIN));
                    self.throw_away(standby.take(), None);
                    *using = StandbyUse::None("`assemble` failed with the source in memory".to_owned());
                    (repeats, progress.assemble_started) = (true, false);
                }
                Err(error) if !progress.assemble_started && *using == StandbyUse::Used => {
                    self.give_up_on(standby, using, error)?;
                }
                Err(error) => {
                    if repeats && matches!(error::kind(&error), ErrorKind::Assemble(_)) {
                        self.source_in.repeated(false);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Sends a standby that fits what changed since, and throws one away that does not.
    fn settle(
        &self,
        request: &Request,
        standby: &mut Option<Standby<'a>>,
        using: &mut StandbyUse,
        view: &mut TrackedView,
        progress: &mut Progress,
    ) -> Result<()> {
        let unfit = match standby {
            Some(standby) => standby.unfit(request.clean)?,
            None => Some(self.policy.why_none()),
        };
        if let Some(reason) = unfit {
            self.throw_away(standby.take(), None);
            *using = StandbyUse::None(reason.to_owned());
        }
        let Some(prepared) = standby else { return Ok(()) };
        match prepared.ready.settle(view) {
            Ok(()) => progress.note("upload"),
            Err(PrepareError::Obstacle(_)) => {
                self.throw_away(standby.take(), None);
                *using = StandbyUse::None("a file became a folder, or the reverse".to_owned());
            }
            Err(PrepareError::Fatal(error)) => self.give_up_on(standby, using, error)?,
        }
        Ok(())
    }

    fn commit(
        &mut self,
        prepared: &Standby,
        revision: RevisionQuery,
        assembled: ScriptResult,
        progress: &mut Progress,
    ) -> Result<String> {
        self.control.commit()?;
        let short = self.last_commit.is_some_and(|took| took < SHORT_COMMIT);
        let tag_move = if short { TagMove::WithCommit } else { TagMove::Separate };
        let Standby { cx, images, ready } = prepared;
        let source_in = self.source_in.label();
        let options = CommitOptions { tag_move, keep_superseded: self.tagged.keep_superseded, source_in };
        let committed = steps::commit(cx, images, ready, revision, assembled, options, progress)?;
        self.last_commit = Some(committed.took);
        Ok(committed.id)
    }

    /// A standby that fails before `assemble` began is replaced; a build that was cancelled is over.
    fn give_up_on(
        &self,
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
        self.throw_away(lost, None);
        *using = StandbyUse::None("the standby was lost".to_owned());
        Ok(())
    }

    /// Has what a standby used removed, and images that lost the tag.
    fn throw_away(&self, standby: Option<Standby>, superseded: impl IntoIterator<Item = SupersededImage>) {
        self.cleaner.remove(leftovers(standby, superseded));
    }
}

/// What a standby used, and images that lost the tag.
fn leftovers(standby: Option<Standby>, superseded: impl IntoIterator<Item = SupersededImage>) -> Leftovers {
    let mut leftovers = standby.map(|standby| standby.ready.into_leftovers()).unwrap_or_default();
    leftovers.images.extend(superseded);
    leftovers
}
