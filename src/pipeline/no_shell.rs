//! A build with an image that has no shell. No program there could unpack an upload or wait for it: the engine puts it into
//! a container that does not run yet, whose program is `assemble` itself, and the container is committed when that has
//! ended. Everything is sent anew in each build.

mod output;

use std::io::{Read, Write};
use std::path::PathBuf;

use anyhow::{Result, anyhow};

use super::approach::{Approach, Obstacle, Setback};
use super::artifacts::plan::ArtifactPlan;
use super::artifacts::saver::{Handover, Saver};
use super::cleanup::Leftovers;
use super::container::protocol::{Destination, Greeting, ScriptState, TarSupport};
use super::container::session::source_refused;
use super::context::{BuildContext, Progress};
use super::image_config::BuildRecord;
use super::images::Images;
use super::inputs::Inputs;
use super::requirements::{memory_needs_tar, no_destination, secrets_need_shell};
use super::run_options::build_options;
use super::scripts::{self, ChosenScripts};
use super::upload::{TRIES, never_rests, send_scripts, warn_without_artifacts};
use super::{source_notes, user_ids};
use crate::contract::labels;
use crate::contract::place::join;
use crate::contract::script::Script;
use crate::engine::container::Container;
use crate::engine::copy::{self, Delivered, Delivery};
use crate::error::{self, Error};
use crate::settings::Transfer;
use crate::source::entry::{Entry, Kind};
use crate::source::rules::LinkPolicy;
use crate::source::send::{SendOptions, Sent, hash_file, send_entry};
use crate::source::snapshot::Snapshot;
use crate::source::view::SourceView;
use crate::tar::writer::Writer;
use output::relay_output;

/// A container that has all of its upload and is not started yet.
pub struct Filled {
    container: Container,
    snapshot: Snapshot,
    scripts: ChosenScripts,
    inputs: Inputs,
    bypassed: bool,
    copied: bool,
    /// The container of `save-artifacts`, done.
    saver: Option<Container>,
}

/// What can be known of an image before anything runs.
struct BuilderView {
    greeting: Greeting,
    owner: (u32, u32),
}

/// Makes the container and sends all; again from the beginning when the source changed meanwhile, since nothing can be
/// removed there.
///
/// # Errors
/// What ends the build, or the obstacle that another approach can get around.
pub fn prepare(
    cx: &BuildContext,
    images: &Images,
    approach: &Approach,
    view: &mut dyn SourceView,
    progress: &mut Progress,
) -> Result<Filled, Setback> {
    let (job, reporter) = (cx.job, cx.reporter);
    reporter.phase("starting the build container");
    let inputs = Inputs::read(cx, &images.contract)?;
    if !inputs.secrets.is_empty() {
        return Err(secrets_need_shell(&job.builder).into());
    }
    if job.transfer == Transfer::Memory {
        return Err(memory_needs_tar(&job.builder).into());
    }
    let builder = view_builder(cx, images)?;
    let scripts = scripts::choose(&images.contract, &builder.greeting, &inputs.external_scripts, &job.builder)?;
    scripts.notes.iter().for_each(|note| reporter.note(note));
    source_notes::report_volumes(images, &scripts, reporter);
    let mut snapshot = view.snapshot()?;
    if job.transfer == Transfer::Upload {
        source_notes::report_left_out(&job.source.path, &snapshot, reporter);
        source_notes::report_symlinks(job.selection.links, &snapshot, reporter);
    }
    progress.note("start");
    let mut changing = PathBuf::new();
    for _ in 0..TRIES {
        let filling = Filling { cx, images, approach, owner: builder.owner, inputs: &inputs, scripts: &scripts };
        let filled = filling.fill(&mut snapshot, progress)?;
        let restless = filled.lately.iter().filter_map(|path| snapshot.find(path)).find(|entry| {
            let again = hash_file(&job.source.path.join(entry.path()), job.selection.links == LinkPolicy::Followed);
            again.is_ok_and(|hash| hash.as_ref() != entry.hash())
        });
        let news = view.changes_since(&snapshot)?;
        match (&news, restless) {
            (None, None) => {
                let Full { container, saver, copied, .. } = filled;
                let bypassed = approach.bypass;
                return Ok(Filled { container, snapshot, scripts, inputs, bypassed, copied, saver });
            }
            (Some(now), _) => {
                let written = now.since(&snapshot).written;
                changing = written.first().map(|index| now.entries[*index].path().to_owned()).unwrap_or_default();
            }
            (None, Some(entry)) => changing = entry.path().to_owned(),
        }
        snapshot = view.snapshot()?;
    }
    Err(never_rests(&changing).into())
}

/// Looks into a container that is never started.
fn view_builder(cx: &BuildContext, images: &Images) -> Result<BuilderView> {
    let args = [images.builder.id.clone(), "/minis2i".to_owned()];
    let container = Container::create(&cx.engine, cx.run_lock.container_name(), &args)?;
    let mut folders = Vec::new();
    for folder in &images.contract.folders {
        let mut found = [ScriptState::Missing, ScriptState::Missing, ScriptState::Missing];
        // With the dot the folder's content comes, also where the name is that of a link to it.
        copy::for_each_entry(&cx.engine, container.name(), &join(folder, "."), &mut |path, entry| {
            if let Some(place) = Script::ALL.iter().position(|script| script.name() == path) {
                found[place] = state(entry);
            }
        })?;
        folders.push(found);
    }
    let (destination, tar) = (Destination::Ok, TarSupport::None);
    let greeting = Greeting { has_source: false, has_artifacts: false, destination, tar, folders };
    Ok(BuilderView { greeting, owner: user_ids::of_scripts(cx, images, container.name())? })
}

fn state(entry: &::tar::Entry<&mut dyn Read>) -> ScriptState {
    let header = entry.header();
    let executable = header.mode().is_ok_and(|mode| mode & 0o111 != 0);
    // Where a link leads is for the engine to find out.
    if executable || header.entry_type().is_symlink() { ScriptState::Ok } else { ScriptState::NotExecutable }
}

/// What is needed for one try.
struct Filling<'a> {
    cx: &'a BuildContext<'a>,
    images: &'a Images,
    approach: &'a Approach,
    owner: (u32, u32),
    inputs: &'a Inputs,
    scripts: &'a ChosenScripts,
}

/// The outcome of one try.
struct Full {
    container: Container,
    saver: Option<Container>,
    copied: bool,
    /// Files that were read so soon after they changed that another change may have left no trace.
    lately: Vec<Box<[u8]>>,
}

impl Filling<'_> {
    fn fill(&self, snapshot: &mut Snapshot, progress: &mut Progress) -> Result<Full, Setback> {
        let Filling { cx, images, .. } = self;
        let external = &self.inputs.external_scripts;
        let plan = ArtifactPlan::for_approach(cx.job, images, self.approach, external);
        let saver = match &plan {
            Some(plan) => Some(Saver::start(&cx.engine, cx.run_lock.container_name(), plan, None, cx.reporter)?),
            None => None,
        };
        let container = Container::create(&cx.engine, cx.run_lock.container_name(), &self.arguments())?;
        let place = &images.contract.destination;
        let (delivery, stream) = Delivery::start(&cx.engine, container.name(), place)?;
        let mut upload = Writer::new(stream);
        upload.owner = self.owner;
        let sent = self.send(&mut upload, snapshot, saver, progress);
        // A refused upload breaks the stream, too; the engine says why.
        let ended = upload.finish().map(drop);
        match delivery.end(&cx.engine)? {
            Delivered::Refused(words) if copy::says_missing(&words) => {
                Err(no_destination(place, &cx.job.builder).into())
            }
            Delivered::Refused(words) if !is_classified(&sent) => Err(source_refused(&cx.engine, &words).into()),
            _ => {
                let Sending { saver, copied, lately } = sent?;
                ended?;
                Ok(Full { container, saver, copied, lately })
            }
        }
    }

    /// Options, image and command for `docker create`. The builder's ENTRYPOINT gets `assemble` to run.
    fn arguments(&self) -> Vec<String> {
        let Filling { cx, images, inputs, .. } = self;
        let mut args = build_options(cx.job, &images.contract, inputs);
        let (image, assemble) = (images.builder.id.clone(), self.scripts.assemble.clone());
        if self.approach.bypass {
            args.extend(["--entrypoint".to_owned(), assemble, image]);
        } else {
            args.extend([image, assemble]);
        }
        args
    }

    fn send<W: Write>(
        &self,
        upload: &mut Writer<W>,
        snapshot: &mut Snapshot,
        saver: Option<Saver>,
        progress: &mut Progress,
    ) -> Result<Sending, Setback> {
        let reporter = self.cx.reporter;
        reporter.phase("sending the source");
        send_scripts(upload, &self.inputs.external_scripts)?;
        let mut sending = Sending::default();
        if self.cx.job.transfer == Transfer::Upload {
            sending.lately = self.send_source(upload, snapshot)?;
        }
        progress.note("source");
        let Some(saver) = saver else { return Ok(sending) };
        reporter.phase("taking over artifacts");
        let (handover, container) = saver.pass_on(upload)?;
        sending.saver = Some(container);
        match handover {
            Handover::Delivered(_) | Handover::Nothing => {}
            Handover::Copied(_) => sending.copied = true,
            Handover::Failed(why) => {
                warn_without_artifacts(reporter, &why);
                // What has arrived can only be got rid of with the container.
                return Err(Obstacle::Artifacts.into());
            }
        }
        progress.note("artifacts");
        Ok(sending)
    }

    fn send_source<W: Write>(&self, upload: &mut Writer<W>, snapshot: &mut Snapshot) -> Result<Vec<Box<[u8]>>> {
        let root = &self.cx.job.source.path;
        let top = Entry::new(b"", Kind::Folder, &std::fs::metadata(root)?);
        upload.folder(b"src", top.mode | 0o700, top.mtime)?;
        let follow = self.cx.job.selection.links == LinkPolicy::Followed;
        let options = SendOptions { sparse: true, follow };
        let mut lately = Vec::new();
        for entry in &mut snapshot.entries {
            if send_entry(upload, root, b"src", entry, options)? == Sent::JustChanged {
                lately.push(entry.path.clone());
            }
        }
        Ok(lately)
    }
}

/// Whether what could not be sent is an error that speaks for itself, such as a file that can not be read.
fn is_classified(sent: &Result<Sending, Setback>) -> bool {
    matches!(sent, Err(Setback::Error(error)) if error::is_classified(error))
}

/// What came with an upload.
#[derive(Default)]
struct Sending {
    saver: Option<Container>,
    copied: bool,
    lately: Vec<Box<[u8]>>,
}

impl Filled {
    /// What the build is made with.
    pub fn record(&self) -> BuildRecord<'_> {
        BuildRecord {
            snapshot: &self.snapshot,
            scripts: &self.scripts,
            inputs: &self.inputs,
            bypassed: self.bypassed,
            copied: self.copied,
            shell: false,
        }
    }

    pub fn container(&self) -> &str {
        self.container.name()
    }

    /// Hands over the containers, which are of no use any more.
    pub fn into_leftovers(self) -> Leftovers {
        let containers = std::iter::once(self.container).chain(self.saver).map(Container::into_name);
        Leftovers { containers: containers.collect(), images: Vec::new() }
    }

    /// Runs `assemble` and shows what it says; returns its exit status.
    ///
    /// # Errors
    /// When it can not be started, or its end is not known.
    pub fn assemble(&self, cx: &BuildContext) -> Result<i32> {
        let process = self.container.start(&cx.engine)?;
        let output = relay_output(process, cx)?;
        let format = "{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}";
        let state = cx.engine.demand(&["container", "inspect", "--format", format, self.container.name()])?;
        let mut state = state.trim().splitn(3, ' ');
        match (state.next(), state.next(), state.next()) {
            (Some("exited"), Some(status), _) => match output.runtime_error(&self.scripts.assemble) {
                Some(why) if status != "0" => Err(self.not_started(why)),
                _ => Ok(status.parse()?),
            },
            (Some("created"), _, Some(why)) => Err(self.not_started(why)),
            _ => Err(cx.engine.error("the build container is gone before `assemble` was done", &output.words)),
        }
    }

    fn not_started(&self, why: &str) -> anyhow::Error {
        let external = self.inputs.external_scripts.iter().find(|external| external.script == Script::Assemble);
        let failed = match external {
            Some(external) => Error::usage(format!("cannot run the script `{}`", external.from)),
            None => Error::engine(format!("cannot run `{}`", self.scripts.assemble)),
        };
        failed
            .because(anyhow!(why.to_owned()))
            .hint("the image has no shell: there, `assemble` has to be a program that brings all it needs to run")
            .into()
    }

    /// The text of the metadata file, if `assemble` left one.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn metadata(&self, cx: &BuildContext) -> Result<Option<Vec<u8>>> {
        copy::read_file(&cx.engine, self.container.name(), labels::METADATA_FILE)
    }

    /// Notes when something of the source gets into the image unasked: without a shell, only `assemble` itself can remove
    /// it.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn report_what_is_left(&self, cx: &BuildContext, images: &Images) -> Result<()> {
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
