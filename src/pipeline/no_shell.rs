//! A build with a builder that has no shell, so that no program in it could unpack an upload or wait for it. The engine
//! unpacks the upload into a container that has been created but not started and whose program is `assemble`; the
//! container is committed when it has ended. Each build sends everything again.

mod output;

use std::io::{Read, Write};
use std::path::PathBuf;

use anyhow::{Result, anyhow};

use super::approach::{Approach, Obstacle, PrepareError};
use super::artifacts::plan::ArtifactPlan;
use super::artifacts::saver::{SavedArtifacts, Saver};
use super::cleanup::Leftovers;
use super::container::protocol::{Destination, Greeting, ScriptState, TarSupport};
use super::container::session::source_refused;
use super::context::{BuildContext, Progress};
use super::image_config::BuildRecord;
use super::images::Images;
use super::inputs::Inputs;
use super::requirements::{memory_needs_tar, no_destination, secrets_need_shell};
use super::run_options::build_options;
use super::script_output::ScriptOutput;
use super::scripts::{self, ChosenScripts};
use super::upload::{MAX_ATTEMPTS, keeps_changing, send_scripts, warn_about_artifacts};
use super::{source_notes, user_ids};
use crate::contract::image_path::join;
use crate::contract::labels;
use crate::contract::script::Script;
use crate::engine::container::Container;
use crate::engine::copy::{self, Delivered, Delivery};
use crate::error::{self, Error};
use crate::report::Reporter;
use crate::settings::{Job, Transfer};
use crate::source::entry::{Entry, Kind};
use crate::source::rules::LinkPolicy;
use crate::source::send::{SendOptions, Sent, hash_file, send_entry};
use crate::source::snapshot::Snapshot;
use crate::source::view::SourceView;
use crate::tar::writer::Writer;
use output::relay_output;

/// A container that has received its whole upload and is not started yet, or has run `assemble`.
pub struct FilledContainer {
    container: Container,
    snapshot: Snapshot,
    scripts: ChosenScripts,
    inputs: Inputs,
    /// `assemble` runs instead of the builder's ENTRYPOINT, and not as its argument.
    bypassed: bool,
    /// The artifacts are files that `save-artifacts` copied.
    copied: bool,
    /// The container of `save-artifacts`, which has ended.
    saver: Option<Container>,
}

/// What the files of a builder show without running it.
struct BuilderFiles {
    /// What the container of a builder with a shell would report.
    greeting: Greeting,
    /// The user id and group id that scripts run with.
    owner: (u32, u32),
}

/// Creates the container and sends everything to it. If the source changes meanwhile, starts over with a new container,
/// since nothing can be removed from one that does not run.
///
/// # Errors
/// An obstacle if another approach may work. A fatal error if the job needs a shell, inputs or source cannot be read,
/// the source keeps changing, the engine fails, or work was cancelled.
pub fn prepare_without_shell(
    cx: &BuildContext,
    images: &Images,
    approach: &Approach,
    view: &mut dyn SourceView,
    progress: &mut Progress,
) -> Result<FilledContainer, PrepareError> {
    let (job, reporter) = (cx.job, cx.reporter);
    reporter.phase("starting the build container");
    let inputs = Inputs::read(cx, &images.contract)?;
    check_options(job, &inputs, cx.reporter)?;
    let builder = read_builder_files(cx, images)?;
    let scripts = scripts::choose_scripts(&images.contract, &builder.greeting, &inputs.external_scripts, &job.builder)?;
    scripts.notes.iter().for_each(|note| reporter.note(note));
    source_notes::report_volumes(images, &scripts, reporter);
    let mut snapshot = view.snapshot()?;
    if job.transfer != Transfer::Mount {
        source_notes::report_left_out(&job.source.path, &snapshot, reporter);
        source_notes::report_symlinks(job.selection.links, &snapshot, reporter);
    }
    progress.note("start");
    let mut changed = PathBuf::new();
    for _ in 0..MAX_ATTEMPTS {
        let attempt = FillAttempt { cx, images, approach, owner: builder.owner, inputs: &inputs, scripts: &scripts };
        let FillResult { container, sent } = attempt.fill(&mut snapshot, progress)?;
        match changed_path(job, &snapshot, &sent.recently_changed, view)? {
            None => {
                let SendResult { saver, copied, .. } = sent;
                let bypassed = approach.bypass;
                return Ok(FilledContainer { container, snapshot, scripts, inputs, bypassed, copied, saver });
            }
            Some(path) => changed = path,
        }
        snapshot = view.snapshot()?;
    }
    Err(keeps_changing(&changed).into())
}

/// Refuses options for which the builder would need a shell.
fn check_options(job: &Job, inputs: &Inputs, reporter: &Reporter) -> Result<()> {
    if job.caches.are_typed() {
        reporter.note("no caches are used: the builder has no shell");
    }
    if !inputs.secrets.is_empty() {
        return Err(secrets_need_shell(&job.builder));
    }
    if job.transfer == Transfer::Memory {
        return Err(memory_needs_tar(&job.builder));
    }
    Ok(())
}

/// The path of an entry of the source that changed after it was sent; empty if entries were only removed.
fn changed_path(
    job: &Job,
    sent: &Snapshot,
    recently_changed: &[Box<[u8]>],
    view: &mut dyn SourceView,
) -> Result<Option<PathBuf>> {
    // A file that is written twice within one step of the file system clock has the same metadata both times.
    let unseen = recently_changed.iter().filter_map(|path| sent.find(path)).find(|entry| {
        let hash = hash_file(&job.source.path.join(entry.path()), job.selection.links == LinkPolicy::Followed);
        hash.is_ok_and(|hash| hash.as_ref() != entry.hash())
    });
    match view.changes_since(sent)? {
        Some(now) => {
            let written = now.since(sent).written;
            Ok(Some(written.first().map(|index| now.entries[*index].path().to_owned()).unwrap_or_default()))
        }
        None => Ok(unseen.map(|entry| entry.path().to_owned())),
    }
}

/// Reads the files of a container of the builder that is never started.
fn read_builder_files(cx: &BuildContext, images: &Images) -> Result<BuilderFiles> {
    let args = [images.builder.id.clone(), "/minis2i".to_owned()];
    let container = Container::create(&cx.engine, cx.run_lock.container_name(), &args)?;
    let mut folders = Vec::new();
    for folder in &images.contract.folders {
        let mut found = [ScriptState::Missing, ScriptState::Missing, ScriptState::Missing];
        // With the dot, the archive holds the content of the folder even if its path is a symlink.
        copy::for_each_entry(&cx.engine, container.name(), &join(folder, "."), &mut |path, entry| {
            if let Some(index) = Script::ALL.iter().position(|script| script.name() == path) {
                found[index] = script_state(entry);
            }
        })?;
        folders.push(found);
    }
    let (destination, tar) = (Destination::Ok, TarSupport::None);
    let greeting = Greeting { has_source: false, has_artifacts: false, destination, tar, folders, tools: Vec::new() };
    Ok(BuilderFiles { greeting, owner: user_ids::ids_of_script_user(cx, images, container.name())? })
}

/// The state of a script, from its entry in an archive.
fn script_state(entry: &::tar::Entry<&mut dyn Read>) -> ScriptState {
    let header = entry.header();
    let executable = header.mode().is_ok_and(|mode| mode & 0o111 != 0);
    // The target of a symlink is not in the archive; the engine reports it when it starts the script.
    if executable || header.entry_type().is_symlink() { ScriptState::Ok } else { ScriptState::NotExecutable }
}

/// One attempt to create a container and send everything to it.
struct FillAttempt<'a> {
    cx: &'a BuildContext<'a>,
    images: &'a Images,
    approach: &'a Approach,
    owner: (u32, u32),
    inputs: &'a Inputs,
    scripts: &'a ChosenScripts,
}

/// The result of one attempt.
struct FillResult {
    container: Container,
    sent: SendResult,
}

/// The result of sending an upload.
#[derive(Default)]
struct SendResult {
    /// The container of `save-artifacts`, which has ended.
    saver: Option<Container>,
    /// The artifacts are files that `save-artifacts` copied.
    copied: bool,
    /// Paths of files that were sent so soon after they changed that a further change may not show in their metadata.
    recently_changed: Vec<Box<[u8]>>,
}

impl FillAttempt<'_> {
    /// Creates the container and has the engine unpack scripts, source and artifacts in it.
    fn fill(&self, snapshot: &mut Snapshot, progress: &mut Progress) -> Result<FillResult, PrepareError> {
        let FillAttempt { cx, images, .. } = self;
        let external = &self.inputs.external_scripts;
        let plan = ArtifactPlan::for_approach(cx.job, images, self.approach, external);
        let saver = match &plan {
            Some(plan) => Some(Saver::start(&cx.engine, cx.run_lock.container_name(), plan, None, cx.reporter)?),
            None => None,
        };
        let container = Container::create(&cx.engine, cx.run_lock.container_name(), &self.create_arguments())?;
        let destination = &images.contract.destination;
        let (delivery, stream) = Delivery::start(&cx.engine, container.name(), destination)?;
        let mut upload = Writer::new(stream);
        upload.owner = self.owner;
        let sent = self.send_upload(&mut upload, snapshot, saver, progress);
        // If the engine refuses the upload, writing to the stream fails too, but the stderr of the CLI has the reason.
        let finished = upload.finish().map(drop);
        match delivery.end(&cx.engine)? {
            Delivered::Refused(stderr) if copy::says_missing(&stderr) => {
                Err(no_destination(destination, &cx.job.builder).into())
            }
            Delivered::Refused(stderr) if !is_classified(&sent) => Err(source_refused(&cx.engine, &stderr).into()),
            _ => {
                let sent = sent?;
                finished?;
                Ok(FillResult { container, sent })
            }
        }
    }

    /// Options, image and command for `docker create`. `assemble` is the command, or the ENTRYPOINT if that is
    /// bypassed.
    fn create_arguments(&self) -> Vec<String> {
        let FillAttempt { cx, images, inputs, .. } = self;
        let mut args = build_options(cx.job, &images.builder, &images.contract, inputs);
        let (image, assemble) = (images.builder.id.clone(), self.scripts.assemble.clone());
        if self.approach.bypass {
            args.extend(["--entrypoint".to_owned(), assemble, image]);
        } else {
            args.extend([image, assemble]);
        }
        args
    }

    /// Sends scripts and source, then relays the artifacts.
    fn send_upload<W: Write>(
        &self,
        upload: &mut Writer<W>,
        snapshot: &mut Snapshot,
        saver: Option<Saver>,
        progress: &mut Progress,
    ) -> Result<SendResult, PrepareError> {
        let reporter = self.cx.reporter;
        reporter.phase("sending the source");
        send_scripts(upload, &self.inputs.external_scripts)?;
        let mut sent = SendResult::default();
        if self.cx.job.transfer != Transfer::Mount {
            sent.recently_changed = self.send_source(upload, snapshot)?;
        }
        progress.note("source");
        let Some(saver) = saver else { return Ok(sent) };
        reporter.phase("taking over artifacts");
        let (saved, container) = saver.relay_to(upload, &|| self.cx.run_lock.container_name())?;
        warn_about_artifacts(reporter, &saved);
        sent.saver = Some(container);
        match saved {
            SavedArtifacts::Streamed(_) | SavedArtifacts::Nothing => {}
            SavedArtifacts::Copied(_) => sent.copied = true,
            // Artifacts that were already sent can only be removed together with the container.
            SavedArtifacts::Failed(_) => return Err(Obstacle::Artifacts.into()),
        }
        progress.note("artifacts");
        Ok(sent)
    }

    /// Sends the entries of the snapshot; returns the paths of those that changed recently.
    fn send_source<W: Write>(&self, upload: &mut Writer<W>, snapshot: &mut Snapshot) -> Result<Vec<Box<[u8]>>> {
        let root = &self.cx.job.source.path;
        let top = Entry::new(b"", Kind::Folder, &std::fs::metadata(root)?);
        upload.folder(b"src", top.mode | 0o700, top.mtime)?;
        let follow = self.cx.job.selection.links == LinkPolicy::Followed;
        let options = SendOptions { sparse: true, follow };
        let mut recently_changed = Vec::new();
        for entry in &mut snapshot.entries {
            if send_entry(upload, root, b"src", entry, options)? == Sent::JustChanged {
                recently_changed.push(entry.path.clone());
            }
        }
        Ok(recently_changed)
    }
}

/// Whether sending failed with an error that has its own cause and hint, such as a file that cannot be read.
fn is_classified(sent: &Result<SendResult, PrepareError>) -> bool {
    matches!(sent, Err(PrepareError::Fatal(error)) if error::is_classified(error))
}

impl FilledContainer {
    /// What the build is made with, for the configuration of its image.
    pub fn record(&self) -> BuildRecord<'_> {
        BuildRecord {
            snapshot: &self.snapshot,
            scripts: &self.scripts,
            inputs: &self.inputs,
            bypassed: self.bypassed,
            copied: self.copied,
            shell: false,
            source_in: "",
        }
    }

    /// The name of the container.
    pub fn container(&self) -> &str {
        self.container.name()
    }

    /// Ends the build and hands over its containers, which can be removed now.
    pub fn into_leftovers(self) -> Leftovers {
        let containers = std::iter::once(self.container).chain(self.saver).map(Container::into_name);
        Leftovers { containers: containers.collect(), images: Vec::new() }
    }

    /// Starts the container, shows the output of `assemble` and returns its exit status. If that is not 0, the problems in
    /// the output are reported.
    ///
    /// # Errors
    /// If `assemble` cannot be started, the container disappears, the engine does not answer, or work was cancelled.
    pub fn run_assemble(&self, cx: &BuildContext, images: &Images) -> Result<i32> {
        let process = self.container.start(&cx.engine)?;
        let mut shown = ScriptOutput::of_source(cx, &images.source_folders(), &self.snapshot);
        let output = relay_output(process, cx, &mut shown)?;
        let format = "{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}";
        let state = cx.engine.demand(&["container", "inspect", "--format", format, self.container.name()])?;
        let mut state = state.trim().splitn(3, ' ');
        match (state.next(), state.next(), state.next()) {
            (Some("exited"), Some(status), _) => match output.runtime_error(&self.scripts.assemble) {
                Some(why) if status != "0" => Err(self.start_failed(why)),
                _ => {
                    let status = status.parse()?;
                    if status != 0 {
                        shown.report_problems();
                    }
                    Ok(status)
                }
            },
            (Some("created"), _, Some(why)) => Err(self.start_failed(why)),
            _ => Err(cx.engine.error("the build container ended before `assemble` was done", &output.stderr)),
        }
    }

    /// The error for an `assemble` that the engine could not start; `why` is the message of the engine.
    fn start_failed(&self, why: &str) -> anyhow::Error {
        let external = self.inputs.external_scripts.iter().find(|external| external.script == Script::Assemble);
        let failed = match external {
            Some(external) => Error::usage(format!("cannot run the script `{}`", external.from)),
            None => Error::engine(format!("cannot run `{}`", self.scripts.assemble)),
        };
        failed
            .because(anyhow!(why.to_owned()))
            .hint("the image has no shell, so `assemble` has to be a self-contained program")
            .into()
    }

    /// The content of the metadata file, if `assemble` wrote one.
    ///
    /// # Errors
    /// If the engine does not answer, or work was cancelled.
    pub fn metadata(&self, cx: &BuildContext) -> Result<Option<Vec<u8>>> {
        copy::read_file(&cx.engine, self.container.name(), labels::METADATA_FILE)
    }

    /// Notes that the source stays in the image, if it does and the user did not ask for that: without a shell, only
    /// `assemble` itself can remove it.
    ///
    /// # Errors
    /// If the engine does not answer, or work was cancelled.
    pub fn report_remaining_source(&self, cx: &BuildContext, images: &Images) -> Result<()> {
        let source = join(&images.contract.destination, "src");
        if cx.job.keep_source
            || cx.job.transfer == Transfer::Mount
            || images.builder.volume(&source).is_some()
            || !copy::exists(&cx.engine, self.container.name(), &source)?
        {
            return Ok(());
        }
        cx.reporter.note(&format!(
            "what `assemble` left of the source stays in the image, in {source}: the builder has no shell to remove it \
             with; `assemble` can, or `--mount` shows it the source without sending it"
        ));
        Ok(())
    }
}
