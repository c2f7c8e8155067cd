//! Inspecting the images of a build, and pulling them from a registry before that, as the pull policies say.

use std::process::Stdio;

use anyhow::Result;

use super::container::lines::relay_lines;
use super::context::BuildContext;
use crate::engine::image::{self, Image};
use crate::engine::reference::{registry, with_tag};
use crate::engine::registry_hints;
use crate::error::Error;
use crate::settings::PullPolicy;

/// Inspects the builder and the image that has the tag, in this order, after pulling them if their policies say so. An
/// image that the engine does not have is `None`.
///
/// # Errors
/// If the builder cannot be pulled, the engine does not answer, or work was cancelled. If the previous image cannot be
/// pulled, it only warns, since there is none before the first build.
pub fn inspect_images(cx: &BuildContext) -> Result<[Option<Image>; 2]> {
    let job = cx.job;
    let previous_policy = if job.incremental { job.pull.previous } else { PullPolicy::Never };
    if job.pull.builder == PullPolicy::Always {
        pull_required(cx, &job.builder, "builder")?;
    }
    if previous_policy == PullPolicy::Always {
        pull_previous(cx)?;
    }
    let tag = with_tag(&job.tag);
    let names = [job.builder.as_str(), tag.as_str()];
    let [builder, tagged] = image::inspect(&cx.engine, names)?;
    let need_builder = builder.is_none() && job.pull.builder == PullPolicy::IfNotPresent;
    let need_previous = tagged.is_none() && previous_policy == PullPolicy::IfNotPresent;
    if need_builder {
        pull_required(cx, &job.builder, "builder")?;
    }
    if need_previous {
        pull_previous(cx)?;
    }
    if need_builder || need_previous { image::inspect(&cx.engine, names) } else { Ok([builder, tagged]) }
}

/// Inspects the runtime image called `name`, after pulling it if `policy` says so; `None` if the engine does not have
/// it.
///
/// # Errors
/// If the image cannot be pulled, the engine does not answer, or work was cancelled.
pub fn inspect_runtime_image(cx: &BuildContext, name: &str, policy: PullPolicy) -> Result<Option<Image>> {
    if policy == PullPolicy::Always {
        pull_required(cx, name, "runtime image")?;
    }
    let [found] = image::inspect(&cx.engine, [name])?;
    if found.is_some() || policy != PullPolicy::IfNotPresent {
        return Ok(found);
    }
    pull_required(cx, name, "runtime image")?;
    let [found] = image::inspect(&cx.engine, [name])?;
    Ok(found)
}

/// Pulls an image that the build needs; `what` is its part in the build, for the error.
fn pull_required(cx: &BuildContext, name: &str, what: &str) -> Result<()> {
    let engine = cx.engine.name();
    let Some(stderr) = pull(cx, name)? else { return Ok(()) };
    let cure = registry_hints::cure(&stderr, &engine, &registry(name)).unwrap_or_else(|| {
        format!("see that the name is right and that `{engine} pull {name}` works (`{engine} login`?)")
    });
    Err(Error::engine(format!("cannot pull the {what} `{name}`"))
        .because(anyhow::anyhow!(stderr))
        .hint(format!("{cure}; with the policy `never` the engine's own image is taken"))
        .into())
}

/// Pulls the previous image, or warns if that fails.
fn pull_previous(cx: &BuildContext) -> Result<()> {
    let name = &cx.job.tag;
    if let Some(stderr) = pull(cx, name)? {
        let why = stderr.lines().last().unwrap_or_default().to_owned();
        cx.reporter.warn(&format!("cannot pull the previous image `{name}`, going on with what the engine has: {why}"));
    }
    Ok(())
}

/// Pulls an image and shows the CLI's progress. Returns the CLI's stderr if the pull fails, `None` if it succeeds.
fn pull(cx: &BuildContext, name: &str) -> Result<Option<String>> {
    cx.reporter.phase("pulling");
    cx.reporter.note(&format!("pulling `{name}`"));
    let mut process = cx.engine.spawn_announced(&["pull", name], Stdio::null())?;
    let stderr = process.collect_stderr();
    relay_lines(&mut process.stdout(), cx.reporter);
    let status = process.wait()?;
    cx.engine.cancel().check()?;
    Ok((status != 0).then(|| stderr.text()))
}
