//! A build that is ready for `assemble`, whatever its builder can do.

use anyhow::Result;

use super::approach::{CannotWait, Obstacle, Setback, cannot_wait};
use super::cleanup::Leftovers;
use super::context::{BuildContext, Progress};
use super::image_config::BuildRecord;
use super::images::Images;
use super::inputs::Inputs;
use super::no_shell::Filled;
use super::prepare::Prepared;
use super::runtime_image::{RuntimeImage, Stage};
use super::script_run::{Assembled, ScriptRun, check_status, follow};
use super::secrets::injection_failed;
use crate::contract::script::Script;
use crate::engine::container::Container;
use crate::source::view::SourceView;

/// A build whose container has its upload, but for the last bytes maybe.
pub struct ReadyBuild<'a> {
    way: Way<'a>,
    /// The second stage, once it is done.
    stage: Option<Stage>,
}

enum Way<'a> {
    /// The container runs and waits.
    Waiting(Box<Prepared<'a>>),
    /// The container is not started yet.
    Filled(Box<Filled>),
}

impl<'a> ReadyBuild<'a> {
    pub fn waiting(prepared: Prepared<'a>) -> Self {
        Self { way: Way::Waiting(Box::new(prepared)), stage: None }
    }

    pub fn filled(filled: Filled) -> Self {
        Self { way: Way::Filled(Box::new(filled)), stage: None }
    }

    /// Sends what changed since.
    ///
    /// # Errors
    /// A path that changed its kind, which can not be sent any more, is an obstacle; a file that never rests, named; a
    /// container that does not take it.
    pub fn settle(&mut self, view: &mut dyn SourceView) -> Result<(), Setback> {
        match &mut self.way {
            Way::Waiting(prepared) => prepared.settle(view),
            // Nothing can be added there; what came later asks for a new one.
            Way::Filled(filled) => match view.changes_since(filled.record().snapshot)? {
                Some(_) => Err(Obstacle::Replaced.into()),
                None => Ok(()),
            },
        }
    }

    /// Why no container can wait for the next build like this one, if none can.
    pub fn cannot_wait(&self, cx: &BuildContext, images: &Images) -> Option<CannotWait> {
        cannot_wait(cx.job, images).or(match &self.way {
            Way::Waiting(prepared) => prepared.by_engine.then_some(CannotWait::Tar),
            Way::Filled(_) => Some(CannotWait::Shell),
        })
    }

    /// Calls the listener, once, when the container is gone.
    pub fn when_ended(&self, listener: impl FnOnce() + Send + 'static) {
        if let Way::Waiting(prepared) = &self.way {
            prepared.session.when_ended(listener);
        }
    }

    /// What was read for it.
    pub fn inputs(&self) -> &Inputs {
        self.record().inputs
    }

    /// What it is made with.
    pub fn record(&self) -> BuildRecord<'_> {
        match &self.way {
            Way::Waiting(prepared) => prepared.record(),
            Way::Filled(filled) => filled.record(),
        }
    }

    /// The container in which `assemble` runs.
    pub fn container(&self) -> &str {
        match &self.way {
            Way::Waiting(prepared) => prepared.session.container(),
            Way::Filled(filled) => filled.container(),
        }
    }

    pub fn stage(&self) -> Option<&Stage> {
        self.stage.as_ref()
    }

    /// The container that becomes the image.
    pub fn result(&self) -> &str {
        self.stage.as_ref().map_or(self.container(), |stage| stage.session.container())
    }

    /// Runs `assemble`.
    ///
    /// # Errors
    /// When it fails, or its container is lost.
    pub fn assemble(&mut self, cx: &BuildContext, images: &Images, progress: &mut Progress) -> Result<Assembled> {
        let script = Script::Assemble.name();
        cx.reporter.phase("assembling");
        match &mut self.way {
            Way::Waiting(prepared) => {
                prepared.finish_upload()?;
                let external = prepared.inputs.external_scripts.iter();
                let external = external.filter(|script| script.script == Script::Assemble);
                let external = external.map(|script| script.from.as_str()).next();
                let path = &prepared.scripts.assemble;
                let run = ScriptRun { script, path, external, misplaced: injection_failed };
                follow(cx, &mut prepared.session, &run, progress)
            }
            Way::Filled(filled) => {
                progress.assemble_started = true;
                let status = filled.assemble(cx)?;
                progress.assemble_status = Some(status);
                check_status(script, status)?;
                filled.report_what_is_left(cx, images)?;
                // Its container has ended.
                Ok(Assembled { metadata: filled.metadata(cx)?, alone: true })
            }
        }
    }

    /// Carries what was assembled into the container of a second stage, and runs its script there.
    ///
    /// # Errors
    /// Anything that ends the build.
    pub fn run_second_stage(
        &mut self,
        cx: &BuildContext,
        runtime: &RuntimeImage,
        progress: &mut Progress,
    ) -> Result<Assembled> {
        let (stage, assembled) = runtime.run_stage(cx, self.container(), self.inputs(), progress)?;
        self.stage = Some(stage);
        Ok(assembled)
    }

    /// Hands over the container of `save-artifacts`, which is of no use any more.
    pub fn saver_leftovers(&mut self) -> Leftovers {
        match &mut self.way {
            Way::Waiting(prepared) => prepared.saver_leftovers(),
            Way::Filled(_) => Leftovers::default(),
        }
    }

    /// Hands over the containers, which are of no use any more.
    pub fn into_leftovers(self) -> Leftovers {
        let mut leftovers = match self.way {
            Way::Waiting(prepared) => prepared.into_leftovers(),
            Way::Filled(filled) => filled.into_leftovers(),
        };
        leftovers.containers.extend(self.stage.map(|stage| Container::into_name(stage.session.into_container())));
        leftovers
    }
}
