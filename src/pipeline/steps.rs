//! The steps of a build, both for a single build and for a watch: prepare, assemble, commit. How a container is
//! prepared is left to the modules for builders with and without a shell.

use anyhow::{Result, bail};

use super::approach::{Approach, CannotWait, Obstacle, PrepareError, cannot_wait};
use super::commit::{self, CommitSource, Committed, TagMove};
use super::context::{BuildContext, Progress};
use super::image_config::{self, BuildRecord, ImageConfig};
use super::images::Images;
use super::ready::ReadyBuild;
use super::script_run::ScriptResult;
use super::source_in::{LayerBuild, SourceIn, SourceInDecider};
use super::{no_shell, prepare};
use crate::contract::labels;
use crate::error::{self, ErrorKind};
use crate::git::work_tree::RevisionQuery;
use crate::report::message::Outcome;
use crate::settings::{Job, Transfer};
use crate::source::snapshot::Snapshot;
use crate::source::view::SourceView;

/// How often a build is prepared before it fails: more often than there are kinds of [`Obstacle`], each of which should
/// occur once.
const MAX_ATTEMPTS: u32 = 7;

/// Prepares a build whose container has received the source as it is now. If an obstacle occurs, starts over with
/// another approach.
///
/// # Errors
/// If the inputs or the source cannot be read, the source keeps changing, the builder cannot be used, the engine fails,
/// or work was cancelled.
pub fn prepare_settled<'a>(
    cx: &BuildContext<'a>,
    images: &Images,
    view: &mut dyn SourceView,
    progress: &mut Progress,
) -> Result<ReadyBuild<'a>> {
    with_approaches(cx, Approach::first(images), progress, |approach, progress| {
        if !approach.shell {
            return Ok(ReadyBuild::without_shell(no_shell::prepare_without_shell(
                cx, images, approach, view, progress,
            )?));
        }
        let mut prepared = prepare::prepare_with_shell(cx, images, approach, view, progress)?;
        prepared.settle(view)?;
        Ok(ReadyBuild::with_shell(prepared))
    })
}

/// Prepares a standby: a build whose container waits for the last bytes of its upload.
///
/// # Errors
/// [`CannotWait`] if a build is possible but not a standby. Otherwise the errors of [`prepare_settled`].
pub fn prepare_waiting<'a>(
    cx: &BuildContext<'a>,
    images: &Images,
    view: &mut dyn SourceView,
    progress: &mut Progress,
) -> Result<ReadyBuild<'a>> {
    if let Some(why) = cannot_wait(cx.job, images) {
        return Err(why.into());
    }
    let first = Approach { waits: true, ..Approach::first(images) };
    with_approaches(cx, first, progress, |approach, progress| {
        match prepare::prepare_with_shell(cx, images, approach, view, progress) {
            Ok(prepared) => Ok(ReadyBuild::with_shell(prepared)),
            Err(PrepareError::Obstacle(Obstacle::Shell)) => Err(PrepareError::Fatal(CannotWait::Shell.into())),
            Err(PrepareError::Obstacle(Obstacle::Tar)) => Err(PrepareError::Fatal(CannotWait::Tar.into())),
            Err(error) => Err(error),
        }
    })
}

/// Begins a standby while the build before it still runs: a build whose container has the source of `snapshot` and waits for
/// the artifacts, which [`ReadyBuild::take_artifacts`] takes over. With `bypass`, the builder's ENTRYPOINT does not run;
/// `before_sending` is called when the container runs.
///
/// # Errors
/// If it cannot be begun in this way, or work was cancelled; [`prepare_waiting`] may find another one.
pub fn begin_waiting<'a>(
    cx: &BuildContext<'a>,
    images: &Images,
    snapshot: Snapshot,
    bypass: bool,
    before_sending: impl FnOnce(),
) -> Result<ReadyBuild<'a>, PrepareError> {
    let approach = Approach { bypass, incremental: false, shell: true, waits: true };
    Ok(ReadyBuild::with_shell(prepare::begin(cx, images, &approach, snapshot, before_sending)?))
}

/// Tries one approach after the other, each of which avoids the obstacle that the one before met.
fn with_approaches<'a>(
    cx: &BuildContext,
    mut approach: Approach,
    progress: &mut Progress,
    mut attempt: impl FnMut(&Approach, &mut Progress) -> Result<ReadyBuild<'a>, PrepareError>,
) -> Result<ReadyBuild<'a>> {
    for _ in 0..MAX_ATTEMPTS {
        match attempt(&approach, progress) {
            Ok(ready) => return Ok(ready),
            Err(PrepareError::Fatal(error)) => return Err(error),
            Err(PrepareError::Obstacle(obstacle)) => {
                progress.phases.clear();
                approach.avoid(obstacle, cx.reporter);
            }
        }
    }
    bail!("the build was started over too often")
}

/// Finishes the upload, runs `assemble` and then the second stage, if there is one, and shows their output.
///
/// # Errors
/// If a script fails, a container ends unexpectedly, the artifacts cannot be copied into the runtime image, or work was
/// cancelled.
pub fn assemble(
    cx: &BuildContext,
    images: &Images,
    ready: &mut ReadyBuild,
    progress: &mut Progress,
) -> Result<ScriptResult> {
    // The time of a phase that fails counts, too.
    let result = ready.run_assemble(cx, images, progress);
    if progress.assemble_started {
        progress.note_following("assemble", "clear");
    }
    let assembled = result?;
    let Some(runtime) = &images.runtime else { return Ok(assembled) };
    let result = ready.run_second_stage(cx, runtime, progress);
    progress.note("runtime");
    let runtime_result = result?;
    Ok(ScriptResult { metadata: runtime_result.metadata.or(assembled.metadata), ..runtime_result })
}

/// Notes what a build shows that went well up to its commit: where the source of the next one is better kept.
pub fn note_source_in(
    cx: &BuildContext,
    decider: &mut SourceInDecider,
    ready: &ReadyBuild,
    assembled: &ScriptResult,
    progress: &Progress,
) {
    let took = |phase| progress.took(phase).unwrap_or_default();
    match (cx.source_in, cx.job.transfer) {
        (SourceIn::Memory, _) => decider.built_in_memory(took("assemble")),
        (SourceIn::Layer, Transfer::Mount) => {}
        (SourceIn::Layer, _) => decider.built_in_layer(LayerBuild {
            in_place: assembled.in_place && ready.removes_source(),
            assemble: took("assemble"),
            removal: took("clear"),
        }),
    }
}

/// Whether a build that could not be prepared with the source in memory is prepared again with it in the layer.
pub fn prepares_again(cx: &BuildContext, error: &anyhow::Error) -> bool {
    left_to_us(cx) && error::kind(error) == ErrorKind::Engine
}

/// Whether a build whose `assemble` failed with the source in memory is made again with it in the layer, before it is called
/// failed.
pub fn assembles_again(
    cx: &BuildContext,
    decider: &SourceInDecider,
    error: &anyhow::Error,
    progress: &Progress,
) -> bool {
    let failed = matches!(error::kind(error), ErrorKind::Assemble(_));
    left_to_us(cx) && failed && decider.repeats_failure(progress.blames_memory)
}

/// Whether the source is in memory though no option asks for that.
pub fn is_in_memory_by_choice(cx: &BuildContext) -> bool {
    cx.source_in == SourceIn::Memory && cx.job.transfer == Transfer::Auto
}

/// The same, in a build that goes on.
fn left_to_us(cx: &BuildContext) -> bool {
    is_in_memory_by_choice(cx) && cx.engine.cancel().why().is_none()
}

/// The note for a build that is made again.
pub const ASSEMBLES_AGAIN: &str =
    "`assemble` failed with the source in memory, so it runs again with the source in the container's layer";

/// How a build is committed.
#[derive(Clone, Copy, Debug)]
pub struct CommitOptions {
    pub tag_move: TagMove,
    /// The image that loses the tag is kept.
    pub keep_superseded: bool,
    /// The value of the label that says where the source of the next build goes.
    pub source_in: &'static str,
}

/// Commits the container of the build and moves the tag to the new image.
///
/// # Errors
/// If the labels that `assemble` wrote cannot be used, the engine cannot commit or tag, or work was cancelled. The tag
/// then stays on the previous image.
pub fn commit(
    cx: &BuildContext,
    images: &Images,
    ready: &ReadyBuild,
    revision: RevisionQuery,
    assembled: ScriptResult,
    options: CommitOptions,
    progress: &mut Progress,
) -> Result<Committed> {
    cx.reporter.phase("committing");
    let record = BuildRecord { source_in: options.source_in, ..ready.record() };
    let metadata = assembled.metadata;
    let config = ImageConfig::of_build(cx.job, images, &record, ready.stage(), revision.wait(), metadata)?;
    let CommitOptions { tag_move, keep_superseded, .. } = options;
    let superseded = images.superseded().filter(|_| !keep_superseded);
    let source = CommitSource { container: ready.container_to_commit(), pause: !assembled.idle, tag_move, superseded };
    let result =
        commit::commit_container(&cx.engine, cx.run_lock, &source, &cx.job.tag, &config, images.tagged.as_ref());
    progress.note("commit");
    result
}

/// Whether the image that has the tag was built from exactly this source, builder and options.
pub fn is_current(job: &Job, images: &Images, ready: &ReadyBuild) -> bool {
    let tagged = images.tagged.as_ref().and_then(|image| image.config.labels.get(labels::DIGEST));
    tagged.is_some() && tagged == image_config::digest(job, images, &ready.record()).as_ref()
}

/// The outcome to report for the result of a build.
pub fn outcome<T>(result: &Result<T>) -> Outcome {
    match result.as_ref().map_err(error::kind) {
        Ok(_) => Outcome::Ok,
        Err(ErrorKind::Interrupted(_) | ErrorKind::Superseded) => Outcome::Cancelled,
        Err(_) => Outcome::Failed,
    }
}
