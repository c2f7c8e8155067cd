//! Preparing a build with a builder that has a shell: the build container and `save-artifacts` are started, then
//! scripts, source and artifacts are sent; or first all but the artifacts, and those once the image that has them is there.
//! Running `assemble` is left to [`ReadyBuild`](super::ready::ReadyBuild).

use anyhow::Result;

use super::approach::{Approach, Obstacle, PrepareError};
use super::artifacts::plan::ArtifactPlan;
use super::artifacts::saver::Saver;
use super::cache::Mounted;
use super::cleanup::Leftovers;
use super::container::final_script::FinalScript;
use super::container::protocol::{Greeting, TarSupport};
use super::container::session::{NoGreeting, Session, Start};
use super::context::{BuildContext, Progress};
use super::image_config::BuildRecord;
use super::images::Images;
use super::inputs::Inputs;
use super::memory_mount::memory_options;
use super::removal_groups::removal_groups;
use super::requirements::{check_destination, memory_needs_tar};
use super::run_options::build_options;
use super::scripts::{self, ChosenScripts};
use super::upload::Upload;
use super::{source_notes, user_ids};
use crate::contract::image_path::join;
use crate::engine::container::Container;
use crate::error;
use crate::settings::{Job, Transfer};
use crate::source::snapshot::Snapshot;
use crate::source::view::SourceView;

/// A build whose container has received its upload except for the last bytes, and waits for them.
pub struct Prepared<'a> {
    pub session: Session,
    pub scripts: ChosenScripts,
    pub inputs: Inputs,
    caches: Mounted,
    /// The shell runs instead of the builder's ENTRYPOINT.
    pub bypassed: bool,
    /// What the container said when it began.
    greeting: Greeting,
    pub upload: Upload<'a>,
    /// The container of `save-artifacts`, which has ended.
    saver: Option<Container>,
}

impl<'a> Prepared<'a> {
    /// A container that was started in `session` and has received nothing yet.
    fn greeted(
        cx: &BuildContext<'a>,
        images: &Images,
        approach: &Approach,
        ((mut session, caches), inputs, snapshot): ((Session, Mounted), Inputs, Snapshot),
    ) -> Result<Self, PrepareError> {
        let (job, reporter) = (cx.job, cx.reporter);
        let greeting = wait_for_greeting(&mut session, approach, job)?;
        cx.caches.learn(cx, images, (&caches, &greeting.tools, greeting.tar == TarSupport::None))?;
        check_destination(&greeting, &images.contract, &job.builder)?;
        let scripts = scripts::choose_scripts(&images.contract, &greeting, &inputs.external_scripts, &job.builder)?;
        scripts.notes.iter().for_each(|note| reporter.note(note));
        source_notes::report_volumes(images, &scripts, reporter);
        let upload = Upload::new(job, snapshot, &greeting, final_script(job, images, &greeting, &scripts));
        Ok(Self { session, scripts, inputs, caches, bypassed: approach.bypass, greeting, upload, saver: None })
    }

    /// The engine unpacks the upload, and not the container.
    pub fn by_engine(&self) -> bool {
        self.greeting.tar == TarSupport::None
    }

    /// Starts `save-artifacts` in the network of this container, if that is possible.
    fn start_saver_beside(&self, cx: &BuildContext, plan: &ArtifactPlan) -> Result<Saver> {
        // While the engine unpacks into a container, no other container can join its network: starting it would never
        // return.
        let shares = plan.can_share_network() && !self.by_engine();
        start_saver(cx, plan, shares.then(|| self.session.container()))
    }

    /// Takes over the artifacts of the previous image, for a build that was [begun](begin) without them.
    ///
    /// # Errors
    /// An obstacle if artifacts are in the container that cannot be used. A fatal error if the saver cannot be started, the
    /// container does not accept them, or work was cancelled.
    pub fn take_artifacts(&mut self, cx: &BuildContext, images: &Images) -> Result<(), PrepareError> {
        let (approach, external) = (Approach::first(images), &self.inputs.external_scripts);
        let Some(plan) = ArtifactPlan::for_approach(cx.job, images, &approach, external) else { return Ok(()) };
        let saver = self.start_saver_beside(cx, &plan)?;
        self.relay_artifacts(cx, saver)
    }

    /// What the build is made with, for the configuration of its image.
    pub fn record(&self) -> BuildRecord<'_> {
        BuildRecord {
            snapshot: &self.upload.snapshot,
            scripts: &self.scripts,
            inputs: &self.inputs,
            bypassed: self.bypassed,
            copied: self.upload.copied,
            shell: true,
            source_in: "",
        }
    }

    /// Sends changes until the source that `view` shows is the source that was sent.
    ///
    /// # Errors
    /// An obstacle if a path changed its kind, which cannot be sent. A fatal error if the source cannot be read or
    /// keeps changing, or the container does not accept the upload.
    pub fn settle(&mut self, view: &mut dyn SourceView) -> Result<(), PrepareError> {
        match self.upload.settle(&mut self.session, view) {
            Err(PrepareError::Fatal(error)) => Err(upload_error(&mut self.session, error).into()),
            result => result,
        }
    }

    /// Ends the upload; the container then runs `assemble`.
    ///
    /// # Errors
    /// If the container does not accept it.
    pub fn finish_upload(&mut self) -> Result<()> {
        if !self.upload.script.keep_source {
            self.upload.script.removal_groups = removal_groups(&self.upload.snapshot);
        }
        match self.session.finish(&self.upload.script) {
            Err(error) if !error::is_classified(&error) => {
                Err(self.session.failure("the build container does not accept the source").context(error.to_string()))
            }
            result => result,
        }
    }

    /// Sends secrets, scripts and source, or has the engine unpack them.
    fn send_source(&mut self, cx: &BuildContext, images: &Images) -> Result<()> {
        let caches = cx.caches.opening(&self.caches, &self.greeting.tools, &self.inputs, &self.scripts);
        if let Err(error) = self.session.send_opening(&[self.inputs.secrets.opening(), caches].concat()) {
            return Err(upload_error(&mut self.session, error.into()));
        }
        if self.by_engine() {
            let owner = user_ids::ids_of_script_user(cx, images, self.session.container())?;
            self.session.unpack_by_engine(&images.contract.destination, owner)?;
        }
        let result = self.upload.send_all(&mut self.session, &self.inputs);
        let result = result.and_then(|()| Ok(self.session.flush_upload()?));
        result.map_err(|error| upload_error(&mut self.session, error))
    }

    /// Relays the artifacts from `save-artifacts` to the build container.
    fn relay_artifacts(&mut self, cx: &BuildContext, saver: Saver) -> Result<(), PrepareError> {
        cx.reporter.phase("taking over artifacts");
        let relayed = self.upload.relay_artifacts(cx, &mut self.session, saver);
        match relayed.and_then(|container| Ok(self.session.flush_upload().map(|()| container)?)) {
            Ok(container) => self.saver = Some(container),
            Err(error) => return Err(upload_error(&mut self.session, error).into()),
        }
        if !self.upload.artifacts_are_clean() && self.greeting.has_artifacts {
            return Err(Obstacle::Artifacts.into());
        }
        Ok(())
    }

    /// Hands over the container of `save-artifacts`, which can be removed now.
    pub fn saver_leftovers(&mut self) -> Leftovers {
        Leftovers { containers: self.saver.take().map(Container::into_name).into_iter().collect(), images: Vec::new() }
    }

    /// Ends the build and hands over its containers, which can be removed now.
    pub fn into_leftovers(self) -> Leftovers {
        let containers = std::iter::once(self.session.into_container()).chain(self.saver).map(Container::into_name);
        Leftovers { containers: containers.collect(), images: Vec::new() }
    }
}

/// Prepares a build: starts its containers and sends the source that `view` shows.
///
/// # Errors
/// An obstacle if another approach may work. A fatal error if inputs or source cannot be read, a container cannot be
/// started or used, or work was cancelled.
pub fn prepare_with_shell<'a>(
    cx: &BuildContext<'a>,
    images: &Images,
    approach: &Approach,
    view: &mut dyn SourceView,
    progress: &mut Progress,
) -> Result<Prepared<'a>, PrepareError> {
    let (job, reporter) = (cx.job, cx.reporter);
    reporter.phase("starting the build container");
    let inputs = Inputs::read(cx, &images.contract)?;
    let plan = ArtifactPlan::for_approach(job, images, approach, &inputs.external_scripts);
    let session = start_session(cx, images, approach, &inputs)?;
    // A saver that can share the network of the build container is started after it.
    let (sharing, alone): (Option<_>, Option<_>) = match plan {
        Some(plan) if plan.can_share_network() => (Some(plan), None),
        plan => (None, plan),
    };
    let saver = alone.map(|plan| start_saver(cx, &plan, None)).transpose()?;
    let snapshot = view.snapshot()?;
    if job.transfer != Transfer::Mount {
        source_notes::report_left_out(&job.source.path, &snapshot, reporter);
        source_notes::report_symlinks(job.selection.links, &snapshot, reporter);
    }
    let mut prepared = Prepared::greeted(cx, images, approach, (session, inputs, snapshot))?;
    let saver = sharing.map(|plan| prepared.start_saver_beside(cx, &plan)).transpose()?.or(saver);
    progress.note("start");
    reporter.phase("sending the source");
    prepared.send_source(cx, images)?;
    progress.note("source");
    if let Some(saver) = saver {
        prepared.relay_artifacts(cx, saver)?;
        progress.note("artifacts");
    }
    Ok(prepared)
}

/// Begins a build for which the previous image is not there yet: starts its container, calls `before_sending`, and sends the
/// source as `snapshot` has it. [`Prepared::take_artifacts`] has the rest.
///
/// # Errors
/// As [`prepare_with_shell`].
pub fn begin<'a>(
    cx: &BuildContext<'a>,
    images: &Images,
    approach: &Approach,
    snapshot: Snapshot,
    before_sending: impl FnOnce(),
) -> Result<Prepared<'a>, PrepareError> {
    let inputs = Inputs::read(cx, &images.contract)?;
    let session = start_session(cx, images, approach, &inputs)?;
    let mut prepared = Prepared::greeted(cx, images, approach, (session, inputs, snapshot))?;
    before_sending();
    prepared.send_source(cx, images)?;
    Ok(prepared)
}

/// Starts the build container.
fn start_session(
    cx: &BuildContext,
    images: &Images,
    approach: &Approach,
    inputs: &Inputs,
) -> Result<(Session, Mounted)> {
    let caches = cx.caches.mount(cx, images)?;
    let start = Start {
        name: cx.run_lock.container_name(),
        image: &images.builder.id,
        options: [
            memory_options(cx, images)?,
            caches.options(),
            build_options(cx.job, &images.builder, &images.contract, inputs),
        ]
        .concat(),
        destination: &images.contract.destination,
        search_path: images.builder.env("PATH").unwrap_or_default(),
        folders: &images.contract.folders,
        tools: cx.caches.tools_to_look_for(cx),
        bypass: approach.bypass,
    };
    Ok((Session::start(&cx.engine, start)?, caches))
}

/// Starts `save-artifacts`, in the network of the container `network_of` if that is given.
fn start_saver(cx: &BuildContext, plan: &ArtifactPlan, network_of: Option<&str>) -> Result<Saver> {
    Saver::start(&cx.engine, cx.run_lock.container_name(), plan, network_of, cx.reporter)
}

/// Waits for the container's greeting and checks that it has what the approach needs.
fn wait_for_greeting(session: &mut Session, approach: &Approach, job: &Job) -> Result<Greeting, PrepareError> {
    let greeting = match session.greeting() {
        Ok(greeting) => greeting,
        Err(NoGreeting::Entrypoint) if !approach.bypass => return Err(Obstacle::Entrypoint.into()),
        Err(NoGreeting::Entrypoint) => return Err(session.failure("the builder's `/bin/sh` does not run").into()),
        Err(NoGreeting::Shell) => return Err(Obstacle::Shell.into()),
        Err(NoGreeting::Error(error)) => return Err(error.into()),
    };
    if greeting.tar == TarSupport::None {
        if job.transfer == Transfer::Memory {
            return Err(memory_needs_tar(&job.builder).into());
        }
        if approach.waits {
            return Err(Obstacle::Tar.into());
        }
    }
    Ok(greeting)
}

/// The final script of an upload, without the parts that depend on what is sent.
fn final_script(job: &Job, images: &Images, greeting: &Greeting, scripts: &ChosenScripts) -> FinalScript {
    FinalScript {
        destination: images.contract.destination.clone(),
        assemble: scripts.assemble.clone(),
        keep_source: keeps_source(job, images, greeting, scripts),
        ..FinalScript::default()
    }
}

/// Whether the source that `assemble` leaves stays in the image: if the user wants that, if it is mounted and thus not
/// in the image, or if the image needs the folder.
fn keeps_source(job: &Job, images: &Images, greeting: &Greeting, scripts: &ChosenScripts) -> bool {
    let source = join(&images.contract.destination, "src");
    let inside = |path: &str| path == source || path.starts_with(&format!("{source}/"));
    job.keep_source
        || job.transfer == Transfer::Mount
        || greeting.has_source
        || inside(&scripts.run)
        || inside(&images.builder.config.working_dir)
}

/// The error for an upload that failed. An error about a file of the user is kept; otherwise the container or its CLI
/// ended, and their stderr says why.
fn upload_error(session: &mut Session, error: anyhow::Error) -> anyhow::Error {
    if error::is_classified(&error) {
        return error;
    }
    session.failure("cannot send the source to the build container")
}
