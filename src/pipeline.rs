//! One build, from the settings to the tag. [`build`] runs a single build; the watch calls the functions in [`steps`]
//! itself, since it prepares a build long before it finishes it. When to build is left to the callers.

pub mod allowed_uids;
pub mod approach;
pub mod artifacts;
pub mod cache;
pub mod callback;
pub mod cleanup;
pub mod commit;
pub mod container;
pub mod context;
pub mod image_config;
pub mod images;
pub mod inputs;
pub mod memory_mount;
mod no_shell;
mod prepare;
pub mod pull;
pub mod push;
pub mod ready;
mod reconfigure;
mod removal_groups;
mod requirements;
mod run_options;
mod runtime_image;
mod script_output;
pub mod script_run;
mod scripts;
mod secrets;
pub mod source_in;
mod source_notes;
pub mod steps;
mod upload;
mod user_ids;

use std::time::Instant;

use anyhow::Result;

use crate::engine::cli::LeftBehind;
use crate::git::work_tree::RevisionQuery;
use crate::report::Reporter;
use crate::report::message::{Finished, Message, Started, UpToDate};
use crate::source::view::DiskView;
use cleanup::Leftovers;
use commit::TagMove;
use context::{BuildContext, Progress};
use images::Images;
use source_in::{SourceIn, SourceInDecider};
use steps::CommitOptions;

/// Builds once, reports the start and the end, and has a background process remove the leftovers. With `if_changed`, an image
/// that has the tag and is made of the same source, builder and options is kept.
///
/// # Errors
/// If the build fails or is interrupted. Printing the error is left to the caller.
pub fn build(cx: &BuildContext, if_changed: bool) -> Result<()> {
    let begin = Instant::now();
    cx.reporter.phase("looking at the images");
    let images = Images::find(cx)?;
    let started = Started {
        build: 1,
        source: cx.job.source.typed.clone(),
        builder: cx.job.builder.clone(),
        tag: cx.job.tag.clone(),
        previous: images.previous.as_ref().map(|image| image.id.clone()),
        why: None,
    };
    let mut announcement = Announcement { reporter: cx.reporter, started: Some(started) };
    if !if_changed {
        announcement.make();
    }
    let mut progress = Progress::since(begin);
    let (result, remaining) = std::thread::scope(|scope| {
        let sweep = || cleanup::sweep(&cx.engine, cx.run_lock, cx.reporter);
        let sweep = cx.run_lock.has_dead_runs().then(|| scope.spawn(sweep));
        let result = run_steps(cx, &images, &mut announcement, &mut progress);
        let swept = sweep.and_then(|sweep| sweep.join().ok()?.ok());
        (result, swept.map(|swept| swept.remaining).unwrap_or_default())
    });
    match &result {
        Ok((id, _)) if announcement.started.is_some() => report_kept(cx, id),
        _ => {
            announcement.make();
            cx.reporter.emit(&Message::BuildFinished(&Finished {
                build: 1,
                outcome: steps::outcome(&result),
                tag: cx.job.tag.clone(),
                image: result.as_ref().ok().map(|(id, _)| id.clone()),
                assemble_status: progress.assemble_status,
                total: begin.elapsed(),
                phases: progress.phases,
                standby: None,
            }));
        }
    }
    match result {
        Ok((_, mut leftovers)) => {
            leftovers.images.extend(remaining);
            leftovers.remove_in_background(cx);
        }
        Err(error) => {
            // The tag may have moved though the build failed.
            let superseded = images.superseded().filter(|image| cx.run_lock.is_superseded(image));
            let images = remaining.into_iter().chain(superseded);
            images.for_each(|image| cx.engine.leave_behind(LeftBehind::Image(image)));
            return Err(error);
        }
    }
    Ok(())
}

/// The message that a build starts, which is made once.
struct Announcement<'a> {
    reporter: &'a Reporter,
    /// The message, until it is made.
    started: Option<Started>,
}

impl Announcement<'_> {
    fn make(&mut self) {
        if let Some(started) = self.started.take() {
            self.reporter.emit(&Message::BuildStarted(&started));
        }
    }
}

/// Reports that the image with the tag is kept.
fn report_kept(cx: &BuildContext, image: &str) {
    let tag = cx.job.tag.clone();
    cx.reporter.emit(&Message::Skipped(&format!("{tag} is an image of this source already")));
    cx.reporter.emit(&Message::UpToDate(&UpToDate { tag, image: image.to_owned(), references: Vec::new() }));
}

/// Makes the image, unless its start was not announced yet and the image with the tag is such an image. The id of the image.
fn run_steps(
    cx: &BuildContext,
    images: &Images,
    announcement: &mut Announcement,
    progress: &mut Progress,
) -> Result<(String, Leftovers)> {
    let revision = RevisionQuery::start(&cx.job.source.path, cx.engine.cancel());
    let mut view = DiskView::new(&cx.job.source.path, &cx.job.selection, cx.engine.cancel().clone())?;
    let mut decider = SourceInDecider::default();
    images.tell(&mut decider);
    let mut cx = BuildContext { source_in: memory_mount::choose(cx, images, &decider, || true), ..cx.clone() };
    let mut repeated = false;
    let (ready, assembled) = loop {
        let mut ready = match steps::prepare_settled(&cx, images, &mut view, progress) {
            Err(error) if steps::prepares_again(&cx, &error) => {
                decider.not_in_memory();
                cx.source_in = SourceIn::Layer;
                continue;
            }
            ready => ready?,
        };
        if let (Some(tagged), Some(_)) = (&images.tagged, &announcement.started)
            && steps::is_current(cx.job, images, &ready)
        {
            return Ok((tagged.id.clone(), ready.into_leftovers()));
        }
        announcement.make();
        let mut assembled = steps::assemble(&cx, images, &mut ready, progress);
        if let Some(retry) = cx.caches.retry(&cx, &assembled, progress) {
            // The second try has nothing that may be at fault.
            repeated |= steps::is_in_memory_by_choice(&cx);
            cx.source_in = if repeated { SourceIn::Layer } else { cx.source_in };
            ready = steps::prepare_settled(&cx, images, &mut view, progress)?;
            assembled = steps::assemble(&cx, images, &mut ready, progress);
            retry.ended(&cx, &assembled);
        }
        match assembled {
            Ok(assembled) => break (ready, assembled),
            Err(error) if steps::assembles_again(&cx, &decider, &error, progress) => {
                cx.reporter.note(steps::ASSEMBLES_AGAIN);
                cx.source_in = SourceIn::Layer;
                repeated = true;
            }
            Err(error) => return Err(error),
        }
    };
    if repeated {
        decider.repeated(true);
    }
    steps::note_source_in(&cx, &mut decider, &ready, &assembled, progress);
    let options = CommitOptions { tag_move: TagMove::Separate, keep_superseded: false, source_in: decider.label() };
    let id = steps::commit(&cx, images, &ready, revision, assembled, options, progress)?.id;
    let mut leftovers = ready.into_leftovers();
    leftovers.images = images.superseded_by(&id).into_iter().collect();
    Ok((id, leftovers))
}
