//! The steps of a build, for a single one and for a watch: prepare, assemble, commit.

use anyhow::{Result, bail};

use super::approach::{Approach, CannotWait, Obstacle, Setback, cannot_wait};
use super::commit::{self, CommitSource, TagMove};
use super::context::{BuildContext, Progress};
use super::image_config::{self, ImageConfig};
use super::images::Images;
use super::ready::ReadyBuild;
use super::script_run::Assembled;
use super::{no_shell, prepare};
use crate::contract::labels;
use crate::error::{self, ErrorKind};
use crate::git::work_tree::RevisionQuery;
use crate::report::message::Outcome;
use crate::settings::Job;
use crate::source::view::SourceView;

/// How often a build is started over: more often than there are obstacles, each of which is met once.
const TRIES: u32 = 6;

/// Prepares a build with all of the source as it is now; where something stands in the way, goes around it.
///
/// # Errors
/// What ends the build.
pub fn prepare_settled<'a>(
    cx: &BuildContext<'a>,
    images: &Images,
    view: &mut dyn SourceView,
    progress: &mut Progress,
) -> Result<ReadyBuild<'a>> {
    with_approaches(cx, Approach::first(images), progress, |approach, progress| {
        if !approach.shell {
            return Ok(ReadyBuild::filled(no_shell::prepare(cx, images, approach, view, progress)?));
        }
        let mut prepared = prepare::prepare(cx, images, approach, view, progress)?;
        prepared.settle(view)?;
        Ok(ReadyBuild::waiting(prepared))
    })
}

/// Prepares a build whose container can wait for the last bytes of its upload.
///
/// # Errors
/// What would end a build; [`CannotWait`], where a build is possible but not such a container.
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
        match prepare::prepare(cx, images, approach, view, progress) {
            Ok(prepared) => Ok(ReadyBuild::waiting(prepared)),
            Err(Setback::Obstacle(Obstacle::Shell)) => Err(Setback::Error(CannotWait::Shell.into())),
            Err(Setback::Obstacle(Obstacle::Tar)) => Err(Setback::Error(CannotWait::Tar.into())),
            Err(setback) => Err(setback),
        }
    })
}

/// Tries one approach after the other, each around the obstacle that the one before met.
fn with_approaches<'a>(
    cx: &BuildContext,
    mut approach: Approach,
    progress: &mut Progress,
    mut attempt: impl FnMut(&Approach, &mut Progress) -> Result<ReadyBuild<'a>, Setback>,
) -> Result<ReadyBuild<'a>> {
    for _ in 0..TRIES {
        match attempt(&approach, progress) {
            Ok(ready) => return Ok(ready),
            Err(Setback::Error(error)) => return Err(error),
            Err(Setback::Obstacle(obstacle)) => {
                progress.phases.clear();
                approach.avoid(obstacle, cx.reporter);
            }
        }
    }
    bail!("the build had to be started over too often")
}

/// Runs `assemble`, then what a second stage needs, and shows what they print.
///
/// # Errors
/// When a script fails, or its container is lost.
pub fn assemble(
    cx: &BuildContext,
    images: &Images,
    ready: &mut ReadyBuild,
    progress: &mut Progress,
) -> Result<Assembled> {
    let assembled = ready.assemble(cx, images, progress)?;
    progress.note_rest("assemble", "clear");
    let Some(runtime) = &images.runtime else { return Ok(assembled) };
    let second = ready.run_second_stage(cx, runtime, progress)?;
    progress.note("runtime");
    Ok(Assembled { metadata: second.metadata.or(assembled.metadata), alone: second.alone })
}

/// Makes the image of what was assembled, and moves the tag to it; returns its id.
///
/// # Errors
/// When the engine can not do it, or work was cancelled.
pub fn commit(
    cx: &BuildContext,
    images: &Images,
    ready: &ReadyBuild,
    revision: RevisionQuery,
    assembled: Assembled,
    tag_move: TagMove,
    progress: &mut Progress,
) -> Result<String> {
    cx.reporter.phase("committing");
    let (record, metadata) = (ready.record(), assembled.metadata);
    let config = ImageConfig::of_build(cx.job, images, &record, ready.stage(), revision.wait(), metadata)?;
    let source = CommitSource { container: ready.result(), pause: !assembled.alone, tag_move };
    let id = commit::commit(&cx.engine, &source, &cx.job.tag, &config, images.tagged.as_ref())?;
    progress.note("commit");
    Ok(id)
}

/// Whether the tag is already on an image of exactly this source, builder and options.
pub fn is_current(job: &Job, images: &Images, ready: &ReadyBuild) -> bool {
    let known = images.tagged.as_ref().and_then(|image| image.config.labels.get(labels::DIGEST));
    known.is_some() && known == image_config::digest(job, images, &ready.record()).as_ref()
}

/// How a build ended, in a word.
pub fn outcome<T>(result: &Result<T>) -> Outcome {
    match result.as_ref().map_err(error::kind) {
        Ok(_) => Outcome::Ok,
        Err(ErrorKind::Interrupted(_) | ErrorKind::Superseded) => Outcome::Cancelled,
        Err(_) => Outcome::Failed,
    }
}
