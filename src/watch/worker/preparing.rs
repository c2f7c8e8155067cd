//! How the worker comes to a standby: begun beside a build and completed after it, or prepared between two builds.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;

use super::Worker;
use crate::pipeline::approach::CannotWait;
use crate::pipeline::cleanup::Leftovers;
use crate::pipeline::context::{BuildContext, Progress};
use crate::pipeline::images::Images;
use crate::pipeline::source_in::SourceIn;
use crate::pipeline::steps;
use crate::report::message::Outcome;
use crate::watch::early_standby::{Assembling, EarlyStandby};
use crate::watch::messages;
use crate::watch::standby::Standby;
use crate::watch::standby_policy::{self, BACK_OFF, Limit};
use crate::watch::tracked_view::TrackedView;
use crate::watch::tracker::lock;
use crate::watch::work::{Request, WorkerCommand, WorkerEvent};

impl<'a> Worker<'a> {
    /// Has the next standby begun if the `assemble` that is about to run in `current` takes long.
    pub(super) fn begin_early(&mut self, current: &Standby<'a>) -> Option<Assembling> {
        let size = current.ready.record().snapshot.size();
        // There may be one that an earlier build had no use for.
        if self.early.is_some() || !self.policy.may_begin_early(size) || !self.may_place_early(current) {
            return None;
        }
        let source_in = self.choose_source_in(&current.cx, &current.images);
        let engine = self.cx.engine.with_cancel(self.control.begin_beside());
        let cx = BuildContext { engine, reporter: self.without_notes, source_in, ..self.cx.clone() };
        let after = standby_policy::early_after(self.last_assemble);
        let (early, assembling) = EarlyStandby::order(&self.orders, cx, (current, &self.place), after);
        self.early = Some(early);
        Some(assembling)
    }

    /// Completes the standby that was begun beside a build; `None` if there is none that is of use.
    pub(super) fn complete_early(&mut self) -> Option<Standby<'a>> {
        let early = self.early.take()?;
        if !early.is_of(self.cx.job, &self.place) {
            self.throw_away(early.give_up(), None);
            return None;
        }
        let mut standby = early.wait()?;
        self.control.adopt_beside();
        if self.choose_source_in(&standby.cx, &standby.images) != standby.cx.source_in {
            self.throw_away(Some(standby), None);
            return None;
        }
        if standby.complete().unwrap_or(false) {
            standby.cx.reporter = self.cx.reporter;
            return Some(standby);
        }
        self.throw_away(Some(standby), None);
        None
    }

    /// The standby that was begun beside a build is of no use.
    pub(super) fn give_up_early(&mut self) {
        if let Some(early) = self.early.take() {
            self.throw_away(early.give_up(), None);
        }
    }

    /// Makes a standby as far as it can be made. What goes wrong is not reported: the next build meets it, too.
    pub(super) fn prepare_standby(&mut self, begun: Instant) -> Option<Standby<'a>> {
        self.follow_source();
        let size = lock(&self.tracker).current().size();
        if let Limit::Over { reported } = self.policy.check_size(size) {
            self.give_up_early();
            if !reported {
                self.cx.reporter.warn(&messages::too_large(lock(&self.tracker).current(), size));
            }
            return None;
        }
        let standby = self.complete_early().or_else(|| self.prepare_waiting())?;
        Some(self.keep_ready(standby, Some(begun)))
    }

    /// Prepares a build of the source as it is now, which is in the layer if the build `repeats` one that failed with it in memory.
    pub(super) fn prepare_for_now(
        &mut self,
        request: &Request,
        view: &mut TrackedView,
        repeats: bool,
        progress: &mut Progress,
    ) -> Result<Standby<'a>> {
        let cx = self.context_for(if request.clean { &self.jobs.at(&self.place.path).clean } else { self.cx.job });
        self.control.take(request.started.build);
        let images = Images::find(&cx)?;
        let mut cx = if repeats { cx } else { self.placed(cx, &images) };
        let ready = match steps::prepare_settled(&cx, &images, view, progress) {
            Err(error) if steps::prepares_again(&cx, &error) => {
                self.source_in.not_in_memory();
                cx.source_in = SourceIn::Layer;
                steps::prepare_settled(&cx, &images, view, progress)?
            }
            ready => ready?,
        };
        progress.note("upload");
        self.learn(ready.cannot_wait(&cx, &images));
        Ok(Standby { cx, images: Arc::new(images), ready })
    }

    fn prepare_waiting(&mut self) -> Option<Standby<'a>> {
        let cx = BuildContext { reporter: self.without_notes, ..self.context_for(self.cx.job) };
        let prepared = Images::find(&cx).and_then(|images| {
            let cx = self.placed(cx, &images);
            let mut view = TrackedView::of_standby(&self.tracker, &self.place);
            let ready = steps::prepare_waiting(&cx, &images, &mut view, &mut Progress::new()).inspect_err(|error| {
                if steps::prepares_again(&cx, error) {
                    self.source_in.not_in_memory();
                }
            })?;
            Ok(Standby { cx: BuildContext { reporter: self.cx.reporter, ..cx }, images: Arc::new(images), ready })
        });
        match prepared {
            Ok(standby) => Some(standby),
            Err(error) => {
                match error.downcast_ref::<CannotWait>() {
                    Some(why) => self.learn(Some(*why)),
                    None => self.policy.lost("the standby could not be prepared", BACK_OFF),
                }
                // Its containers may still be there.
                self.throw_away(None, None);
                None
            }
        }
    }

    /// Makes what was prepared since `begun` the standby.
    pub(super) fn keep_ready(&mut self, mut standby: Standby<'a>, begun: Option<Instant>) -> Standby<'a> {
        self.policy.mark_ready();
        self.hold(standby.ready.saver_leftovers());
        self.remove_held();
        let (commands, name) = (self.own_commands.clone(), standby.ready.container().to_owned());
        standby.ready.when_ended(move || drop(commands.send(WorkerCommand::StandbyEnded(name))));
        (self.report)(WorkerEvent::StandbyReady(begun.map(|begun| begun.elapsed())));
        standby
    }

    /// The tag is on an image of this source already: what was prepared is good for the next build.
    pub(super) fn keep_for_the_next(&mut self, standby: Option<Standby<'a>>) -> Option<Standby<'a>> {
        lock(&self.tracker).close_build(Outcome::Ok);
        (self.report)(WorkerEvent::NotNeeded);
        if self.policy.is_on() {
            return standby.map(|standby| self.keep_ready(standby, None));
        }
        self.throw_away(standby, None);
        None
    }

    /// Has removed what was held back.
    pub(super) fn remove_held(&mut self) {
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            self.cleaner.remove(held);
        }
    }

    /// What the build that ended used, and images that lost the tag, are removed once the next standby is ready, which would
    /// have to wait for that.
    pub(super) fn hold(&mut self, leftovers: Leftovers) {
        self.held.containers.extend(leftovers.containers);
        self.held.images.extend(leftovers.images);
    }
}
