//! A build that is ready for `assemble`: one type for builders with and without a shell, whose differences are left to
//! their own modules.

use anyhow::Result;

use super::approach::{CannotWait, Obstacle, PrepareError, cannot_wait};
use super::cleanup::Leftovers;
use super::context::{BuildContext, Progress};
use super::image_config::BuildRecord;
use super::images::Images;
use super::inputs::Inputs;
use super::no_shell::FilledContainer;
use super::prepare::Prepared;
use super::runtime_image::{RuntimeImage, Stage};
use super::script_output::ScriptOutput;
use super::script_run::{ScriptResult, ScriptRun, check_status, follow_script};
use super::secrets::injection_failed;
use crate::contract::script::Script;
use crate::engine::container::Container;
use crate::source::view::SourceView;

/// A build whose container has received its upload; if the builder has a shell, the last bytes are still missing.
pub struct ReadyBuild<'a> {
    build_container: BuildContainer<'a>,
    /// The second stage, once it has run.
    stage: Option<Stage>,
}

/// The container in which `assemble` runs.
enum BuildContainer<'a> {
    /// The container runs, and its shell waits for the end of the upload.
    WithShell(Box<Prepared<'a>>),
    /// The container has been created; it is started only to run `assemble`.
    WithoutShell(Box<FilledContainer>),
}

impl<'a> ReadyBuild<'a> {
    /// A build with a builder that has a shell.
    pub fn with_shell(prepared: Prepared<'a>) -> Self {
        Self { build_container: BuildContainer::WithShell(Box::new(prepared)), stage: None }
    }

    /// A build with a builder that has no shell.
    pub fn without_shell(filled: FilledContainer) -> Self {
        Self { build_container: BuildContainer::WithoutShell(Box::new(filled)), stage: None }
    }

    /// Takes over the artifacts of the previous image, for a build that was begun without them.
    ///
    /// # Errors
    /// An obstacle if artifacts are in the container that cannot be used. A fatal error if the saver cannot be started, the
    /// container does not accept them, or work was cancelled.
    pub fn take_artifacts(&mut self, cx: &BuildContext, images: &Images) -> Result<(), PrepareError> {
        match &mut self.build_container {
            BuildContainer::WithShell(prepared) => prepared.take_artifacts(cx, images),
            BuildContainer::WithoutShell(_) => Ok(()),
        }
    }

    /// Sends the changes since the last upload, until the source that `view` shows is the source that was sent.
    ///
    /// # Errors
    /// An obstacle if the changes cannot be sent to this container. A fatal error if the source cannot be read or keeps
    /// changing, or the container does not accept the upload.
    pub fn settle(&mut self, view: &mut dyn SourceView) -> Result<(), PrepareError> {
        match &mut self.build_container {
            BuildContainer::WithShell(prepared) => prepared.settle(view),
            // Changes cannot be sent to this container, so they need a new one.
            BuildContainer::WithoutShell(filled) => match view.changes_since(filled.record().snapshot)? {
                Some(_) => Err(Obstacle::Replaced.into()),
                None => Ok(()),
            },
        }
    }

    /// Why there can be no standby for the next build, if this one shows that.
    pub fn cannot_wait(&self, cx: &BuildContext, images: &Images) -> Option<CannotWait> {
        cannot_wait(cx.job, images).or(match &self.build_container {
            BuildContainer::WithShell(prepared) => prepared.by_engine().then_some(CannotWait::Tar),
            BuildContainer::WithoutShell(_) => Some(CannotWait::Shell),
        })
    }

    /// Whether what `assemble` leaves of the source is removed, so that no image needs it.
    pub fn removes_source(&self) -> bool {
        match &self.build_container {
            BuildContainer::WithShell(prepared) => !prepared.upload.script.keep_source && !prepared.by_engine(),
            BuildContainer::WithoutShell(_) => false,
        }
    }

    /// Calls the listener once when the container has ended; never for a container that has not been started.
    pub fn when_ended(&self, listener: impl FnOnce() + Send + 'static) {
        if let BuildContainer::WithShell(prepared) = &self.build_container {
            prepared.session.when_ended(listener);
        }
    }

    /// The inputs that were read for this build.
    pub fn inputs(&self) -> &Inputs {
        self.record().inputs
    }

    /// What this build was made with, for the configuration of its image.
    pub fn record(&self) -> BuildRecord<'_> {
        match &self.build_container {
            BuildContainer::WithShell(prepared) => prepared.record(),
            BuildContainer::WithoutShell(filled) => filled.record(),
        }
    }

    /// The name of the container in which `assemble` runs.
    pub fn container(&self) -> &str {
        match &self.build_container {
            BuildContainer::WithShell(prepared) => prepared.session.container(),
            BuildContainer::WithoutShell(filled) => filled.container(),
        }
    }

    /// The second stage, if it has run.
    pub fn stage(&self) -> Option<&Stage> {
        self.stage.as_ref()
    }

    /// The name of the container that becomes the image.
    pub fn container_to_commit(&self) -> &str {
        self.stage.as_ref().map_or(self.container(), |stage| stage.session.container())
    }

    /// Runs `assemble` and shows its output.
    ///
    /// # Errors
    /// If the upload cannot be finished, `assemble` cannot be run or fails, its container ends unexpectedly, or work
    /// was cancelled.
    pub fn run_assemble(
        &mut self,
        cx: &BuildContext,
        images: &Images,
        progress: &mut Progress,
    ) -> Result<ScriptResult> {
        let script = Script::Assemble.name();
        cx.reporter.phase("assembling");
        match &mut self.build_container {
            BuildContainer::WithShell(prepared) => {
                prepared.finish_upload()?;
                let external = prepared.inputs.external_scripts.iter();
                let external = external.filter(|script| script.script == Script::Assemble);
                let external = external.map(|script| script.from.as_str()).next();
                let path = &prepared.scripts.assemble;
                let run = ScriptRun { script, path, external, move_error: injection_failed };
                let output = ScriptOutput::of_source(cx, &images.source_folders(), &prepared.upload.snapshot);
                follow_script(cx, &mut prepared.session, &run, output, progress)
            }
            BuildContainer::WithoutShell(filled) => {
                progress.assemble_started = true;
                let status = filled.run_assemble(cx, images)?;
                progress.assemble_status = Some(status);
                check_status(script, status)?;
                filled.report_remaining_source(cx, images)?;
                // The container has ended with `assemble`, so no process is left.
                Ok(ScriptResult { metadata: filled.metadata(cx)?, idle: true, in_place: false })
            }
        }
    }

    /// Copies artifacts from the build container into a container of the runtime image and runs `assemble-runtime`
    /// there.
    ///
    /// # Errors
    /// If the runtime container cannot be used, an artifact cannot be copied, the script fails, or work was cancelled.
    pub fn run_second_stage(
        &mut self,
        cx: &BuildContext,
        runtime: &RuntimeImage,
        progress: &mut Progress,
    ) -> Result<ScriptResult> {
        let (stage, assembled) = runtime.run_stage(cx, self.container(), self.inputs(), progress)?;
        self.stage = Some(stage);
        Ok(assembled)
    }

    /// Hands over the container of `save-artifacts`, which can be removed now.
    pub fn saver_leftovers(&mut self) -> Leftovers {
        match &mut self.build_container {
            BuildContainer::WithShell(prepared) => prepared.saver_leftovers(),
            BuildContainer::WithoutShell(_) => Leftovers::default(),
        }
    }

    /// Ends the build and hands over its containers, which can be removed now.
    pub fn into_leftovers(self) -> Leftovers {
        let mut leftovers = match self.build_container {
            BuildContainer::WithShell(prepared) => prepared.into_leftovers(),
            BuildContainer::WithoutShell(filled) => filled.into_leftovers(),
        };
        leftovers.containers.extend(self.stage.map(|stage| Container::into_name(stage.session.into_container())));
        leftovers
    }
}
