//! Everything before `assemble` in a container that has a shell: containers started, artifacts passed on, the source sent.

use anyhow::Result;

use super::approach::{Approach, Obstacle, Setback};
use super::artifacts::plan::ArtifactPlan;
use super::artifacts::saver::Saver;
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
use crate::source::view::SourceView;

/// A build whose container has all but the last bytes of its upload.
pub struct Prepared<'a> {
    pub session: Session,
    pub scripts: ChosenScripts,
    pub inputs: Inputs,
    pub bypassed: bool,
    /// The engine unpacks the upload.
    pub by_engine: bool,
    upload: Upload<'a>,
    /// The container of `save-artifacts`, done.
    saver: Option<Container>,
}

impl Prepared<'_> {
    /// What the build is made with.
    pub fn record(&self) -> BuildRecord<'_> {
        BuildRecord {
            snapshot: &self.upload.snapshot,
            scripts: &self.scripts,
            inputs: &self.inputs,
            bypassed: self.bypassed,
            copied: self.upload.copied,
            shell: true,
        }
    }

    /// Sends what changed since, until what was sent is what the view sees.
    ///
    /// # Errors
    /// A path that changed its kind, which can not be sent any more, is an obstacle; a file that never rests, named; a
    /// container that does not take it.
    pub fn settle(&mut self, view: &mut dyn SourceView) -> Result<(), Setback> {
        match self.upload.settle(&mut self.session, view) {
            Err(Setback::Error(error)) => Err(upload_error(&mut self.session, error).into()),
            settled => settled,
        }
    }

    /// Ends the upload, so that the container runs `assemble`.
    ///
    /// # Errors
    /// When the container does not take it.
    pub fn finish_upload(&mut self) -> Result<()> {
        if !self.upload.script.keep_source {
            self.upload.script.removal_groups = removal_groups(&self.upload.snapshot);
        }
        match self.session.finish(&self.upload.script) {
            Err(error) if !error::is_classified(&error) => {
                Err(self.session.lost("the build container does not take the source").context(error.to_string()))
            }
            sent => sent,
        }
    }

    /// Sends scripts and source.
    fn send_source(&mut self, cx: &BuildContext, images: &Images) -> Result<()> {
        if let Err(error) = self.session.open(&self.inputs.secrets.opening()) {
            return Err(upload_error(&mut self.session, error.into()));
        }
        if self.by_engine {
            let owner = user_ids::of_scripts(cx, images, self.session.container())?;
            self.session.have_it_unpacked(&images.contract.destination, owner)?;
        }
        let sent = self.upload.send_all(&mut self.session, &self.inputs);
        sent.map_err(|error| upload_error(&mut self.session, error))
    }

    /// Passes on what `save-artifacts` hands over.
    fn pass_artifacts_on(&mut self, cx: &BuildContext, saver: Saver, greeting: &Greeting) -> Result<(), Setback> {
        cx.reporter.phase("taking over artifacts");
        match self.upload.pass_artifacts_on(&mut self.session, saver, cx.reporter) {
            Ok(container) => self.saver = Some(container),
            Err(error) => return Err(upload_error(&mut self.session, error).into()),
        }
        if !self.upload.artifacts_are_clean() && greeting.has_artifacts {
            return Err(Obstacle::Artifacts.into());
        }
        Ok(())
    }

    /// Hands over the container of `save-artifacts`, which is of no use any more.
    pub fn saver_leftovers(&mut self) -> Leftovers {
        Leftovers { containers: self.saver.take().map(Container::into_name).into_iter().collect(), images: Vec::new() }
    }

    /// Hands over the containers, which are of no use any more.
    pub fn into_leftovers(self) -> Leftovers {
        let containers = std::iter::once(self.session.into_container()).chain(self.saver).map(Container::into_name);
        Leftovers { containers: containers.collect(), images: Vec::new() }
    }
}

/// Prepares a build.
///
/// # Errors
/// What ends the build, or the obstacle that another approach can get around.
pub fn prepare<'a>(
    cx: &BuildContext<'a>,
    images: &Images,
    approach: &Approach,
    view: &mut dyn SourceView,
    progress: &mut Progress,
) -> Result<Prepared<'a>, Setback> {
    let (job, reporter) = (cx.job, cx.reporter);
    reporter.phase("starting the build container");
    let inputs = Inputs::read(cx, &images.contract)?;
    let plan = ArtifactPlan::for_approach(job, images, approach, &inputs.external_scripts);
    let mut session = start_session(cx, images, approach, &inputs)?;
    // A saver that can share the network of the build container waits for it.
    let shares = plan.as_ref().is_some_and(ArtifactPlan::can_share_network);
    let saver = if shares { None } else { start_saver(cx, plan.as_ref(), None)? };
    let snapshot = view.snapshot()?;
    if job.transfer != Transfer::Mount {
        source_notes::report_left_out(&job.source.path, &snapshot, reporter);
        source_notes::report_symlinks(job.selection.links, &snapshot, reporter);
    }
    let greeting = greet(&mut session, approach, job)?;
    check_destination(&greeting, &images.contract, &job.builder)?;
    let scripts = scripts::choose(&images.contract, &greeting, &inputs.external_scripts, &job.builder)?;
    scripts.notes.iter().for_each(|note| reporter.note(note));
    source_notes::report_volumes(images, &scripts, reporter);
    // While the engine unpacks into a container, no other one can join its network.
    let beside = Some(session.container()).filter(|_| greeting.tar != TarSupport::None);
    let saver = if shares { start_saver(cx, plan.as_ref(), beside)? } else { saver };
    progress.note("start");
    reporter.phase("sending the source");
    let upload = Upload::new(job, snapshot, &greeting, final_script(job, images, &greeting, &scripts));
    let by_engine = greeting.tar == TarSupport::None;
    let bypassed = approach.bypass;
    let mut prepared = Prepared { session, scripts, inputs, bypassed, by_engine, upload, saver: None };
    prepared.send_source(cx, images)?;
    progress.note("source");
    if let Some(saver) = saver {
        prepared.pass_artifacts_on(cx, saver, &greeting)?;
        progress.note("artifacts");
    }
    Ok(prepared)
}

fn start_session(cx: &BuildContext, images: &Images, approach: &Approach, inputs: &Inputs) -> Result<Session> {
    let start = Start {
        name: cx.run_lock.container_name(),
        image: &images.builder.id,
        options: [memory_options(cx, images)?, build_options(cx.job, &images.contract, inputs)].concat(),
        destination: &images.contract.destination,
        folders: &images.contract.folders,
        bypass: approach.bypass,
    };
    Session::start(&cx.engine, start)
}

/// Starts `save-artifacts`, if there is a plan for it, in the network of the container `beside`, if one is named.
fn start_saver(cx: &BuildContext, plan: Option<&ArtifactPlan>, beside: Option<&str>) -> Result<Option<Saver>> {
    let start = |plan| Saver::start(&cx.engine, cx.run_lock.container_name(), plan, beside, cx.reporter);
    plan.map(start).transpose()
}

/// Waits for the container's greeting.
///
/// # Errors
/// A container that does not greet, or lacks what this approach needs.
fn greet(session: &mut Session, approach: &Approach, job: &Job) -> Result<Greeting, Setback> {
    let greeting = match session.greeting() {
        Ok(greeting) => greeting,
        Err(NoGreeting::Entrypoint) if !approach.bypass => return Err(Obstacle::Entrypoint.into()),
        Err(NoGreeting::Entrypoint) => return Err(session.lost("the builder's `/bin/sh` does not run").into()),
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

fn final_script(job: &Job, images: &Images, greeting: &Greeting, scripts: &ChosenScripts) -> FinalScript {
    FinalScript {
        destination: images.contract.destination.clone(),
        assemble: scripts.assemble.clone(),
        keep_source: keeps_source(job, images, greeting, scripts),
        ..FinalScript::default()
    }
}

/// Whether what `assemble` leaves of the source belongs into the image.
fn keeps_source(job: &Job, images: &Images, greeting: &Greeting, scripts: &ChosenScripts) -> bool {
    let source = join(&images.contract.destination, "src");
    let inside = |path: &str| path == source || path.starts_with(&format!("{source}/"));
    job.keep_source
        || job.transfer == Transfer::Mount
        || greeting.has_source
        || inside(&scripts.run)
        || inside(&images.builder.config.working_dir)
}

/// The container went away while it was written to: why is known on the other side. The user's own files speak for
/// themselves.
fn upload_error(session: &mut Session, error: anyhow::Error) -> anyhow::Error {
    if error::is_classified(&error) {
        return error;
    }
    session.lost("cannot send the source to the build container")
}
