//! Asking a registry for the images of a build, where the user wants that.

use std::io::Read;
use std::process::Stdio;

use anyhow::Result;

use super::Workshop;
use super::protocol::Lines;
use crate::cli::options::PullPolicy;
use crate::engine::image::{self, Image};
use crate::failure::Failure;
use crate::report::Message;

/// The builder and the image that has the tag, after what is to be pulled was pulled.
///
/// # Errors
/// A builder that can not be pulled. A previous image that can not is worth a warning: the first build has none.
pub fn inspect(shop: &Workshop) -> Result<[Option<Image>; 2]> {
    let job = shop.job;
    let previous_policy = if job.incremental { job.pull.previous } else { PullPolicy::Never };
    if job.pull.builder == PullPolicy::Always {
        pull_needed(shop, &job.builder, "builder")?;
    }
    if previous_policy == PullPolicy::Always {
        pull_previous(shop)?;
    }
    let names = [job.builder.as_str(), job.tag.as_str()];
    let [builder, tagged] = image::inspect(&shop.engine, names)?;
    let need_builder = builder.is_none() && job.pull.builder == PullPolicy::IfNotPresent;
    let need_previous = tagged.is_none() && previous_policy == PullPolicy::IfNotPresent;
    if need_builder {
        pull_needed(shop, &job.builder, "builder")?;
    }
    if need_previous {
        pull_previous(shop)?;
    }
    if need_builder || need_previous { image::inspect(&shop.engine, names) } else { Ok([builder, tagged]) }
}

/// One image that has to be there, after it was pulled if it is to be.
///
/// # Errors
/// An image that can not be pulled.
pub fn inspect_one(shop: &Workshop, name: &str, policy: PullPolicy) -> Result<Option<Image>> {
    if policy == PullPolicy::Always {
        pull_needed(shop, name, "runtime image")?;
    }
    let [found] = image::inspect(&shop.engine, [name])?;
    if found.is_some() || policy != PullPolicy::IfNotPresent {
        return Ok(found);
    }
    pull_needed(shop, name, "runtime image")?;
    let [found] = image::inspect(&shop.engine, [name])?;
    Ok(found)
}

fn pull_needed(shop: &Workshop, name: &str, what: &str) -> Result<()> {
    let engine = shop.engine.name();
    let Some(words) = pull(shop, name)? else { return Ok(()) };
    Err(Failure::engine(format!("cannot pull the {what} `{name}`"))
        .because(anyhow::anyhow!(words))
        .hint(format!(
            "see that the name is right and that `{engine} pull {name}` works (`{engine} login`?); with the policy \
             `never` the engine's own image is taken"
        ))
        .into())
}

fn pull_previous(shop: &Workshop) -> Result<()> {
    let name = &shop.job.tag;
    if let Some(words) = pull(shop, name)? {
        let why = words.lines().last().unwrap_or_default().to_owned();
        shop.reporter.warn(&format!("cannot pull the previous image `{name}`, going on with what is here: {why}"));
    }
    Ok(())
}

/// Pulls an image and shows how far it is. The engine's words when it does not work.
fn pull(shop: &Workshop, name: &str) -> Result<Option<String>> {
    shop.reporter.phase("pulling");
    shop.reporter.note(&format!("pulling `{name}`"));
    let mut process = shop.engine.spawn_announced(&["pull", name], Stdio::null())?;
    let (mut out, mut err) = (process.stdout(), process.stderr());
    let words = std::thread::scope(|scope| {
        let words = scope.spawn(move || {
            let mut words = Vec::new();
            let _ = err.read_to_end(&mut words);
            String::from_utf8_lossy(&words).trim().to_owned()
        });
        let mut lines = Lines::default();
        let mut buffer = [0; 4096];
        let show = |line: &[u8]| shop.reporter.tell(&Message::Output(line));
        while let Ok(got @ 1..) = out.read(&mut buffer) {
            lines.feed(&buffer[..got], show);
        }
        lines.flush(show);
        words.join().unwrap_or_default()
    });
    let status = process.wait()?;
    shop.engine.cancel().check()?;
    Ok((status != 0).then_some(words))
}
