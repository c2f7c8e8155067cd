//! Asking a registry for the images of a build, where the user wants that.

use std::process::Stdio;

use anyhow::Result;

use super::container::lines::relay_lines;
use super::context::BuildContext;
use crate::engine::image::{self, Image};
use crate::error::Error;
use crate::settings::PullPolicy;

/// The builder and the image that has the tag, after what is to be pulled was pulled.
///
/// # Errors
/// A builder that can not be pulled. A previous image that can not is worth a warning: the first build has none.
pub fn inspect(cx: &BuildContext) -> Result<[Option<Image>; 2]> {
    let job = cx.job;
    let previous_policy = if job.incremental { job.pull.previous } else { PullPolicy::Never };
    if job.pull.builder == PullPolicy::Always {
        pull_needed(cx, &job.builder, "builder")?;
    }
    if previous_policy == PullPolicy::Always {
        pull_previous(cx)?;
    }
    let names = [job.builder.as_str(), job.tag.as_str()];
    let [builder, tagged] = image::inspect(&cx.engine, names)?;
    let need_builder = builder.is_none() && job.pull.builder == PullPolicy::IfNotPresent;
    let need_previous = tagged.is_none() && previous_policy == PullPolicy::IfNotPresent;
    if need_builder {
        pull_needed(cx, &job.builder, "builder")?;
    }
    if need_previous {
        pull_previous(cx)?;
    }
    if need_builder || need_previous { image::inspect(&cx.engine, names) } else { Ok([builder, tagged]) }
}

/// One image that has to be there, after it was pulled if it is to be.
///
/// # Errors
/// An image that can not be pulled.
pub fn inspect_one(cx: &BuildContext, name: &str, policy: PullPolicy) -> Result<Option<Image>> {
    if policy == PullPolicy::Always {
        pull_needed(cx, name, "runtime image")?;
    }
    let [found] = image::inspect(&cx.engine, [name])?;
    if found.is_some() || policy != PullPolicy::IfNotPresent {
        return Ok(found);
    }
    pull_needed(cx, name, "runtime image")?;
    let [found] = image::inspect(&cx.engine, [name])?;
    Ok(found)
}

fn pull_needed(cx: &BuildContext, name: &str, what: &str) -> Result<()> {
    let engine = cx.engine.name();
    let Some(words) = pull(cx, name)? else { return Ok(()) };
    Err(Error::engine(format!("cannot pull the {what} `{name}`"))
        .because(anyhow::anyhow!(words))
        .hint(format!(
            "see that the name is right and that `{engine} pull {name}` works (`{engine} login`?); with the policy \
             `never` the engine's own image is taken"
        ))
        .into())
}

fn pull_previous(cx: &BuildContext) -> Result<()> {
    let name = &cx.job.tag;
    if let Some(words) = pull(cx, name)? {
        let why = words.lines().last().unwrap_or_default().to_owned();
        cx.reporter.warn(&format!("cannot pull the previous image `{name}`, going on with what is here: {why}"));
    }
    Ok(())
}

/// Pulls an image and shows how far it is. The engine's words when it does not work.
fn pull(cx: &BuildContext, name: &str) -> Result<Option<String>> {
    cx.reporter.phase("pulling");
    cx.reporter.note(&format!("pulling `{name}`"));
    let mut process = cx.engine.spawn_announced(&["pull", name], Stdio::null())?;
    let words = process.collect_stderr();
    relay_lines(&mut process.stdout(), cx.reporter);
    let status = process.wait()?;
    cx.engine.cancel().check()?;
    Ok((status != 0).then(|| words.text()))
}
