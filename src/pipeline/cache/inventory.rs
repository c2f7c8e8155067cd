//! Which caches there are: their sizes, whose they are, when they were used.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;

use super::mounted::USED;
use super::volumes::{APP, BUILDER, LABEL, USER};
use crate::engine::cli::Engine;
use crate::engine::container::Container;
use crate::engine::volume::{self, Volume};
use crate::engine::{copy, image};
use crate::run_lock::RunLock;

/// How often an image is looked for.
const TRIES: u32 = 3;

/// One cache.
#[derive(Clone, Debug)]
pub struct Cache {
    /// The name of its volume.
    pub name: String,
    /// `auto`, or the path of the folder.
    pub what: String,
    pub builder: String,
    pub user: String,
    /// The tag of the only app that has it.
    pub app: Option<String>,
    /// As the engine words it.
    pub size: Option<String>,
    pub created: Option<Timestamp>,
    /// When a build last had it.
    pub used: Option<Timestamp>,
}

impl Cache {
    fn of(volume: Volume, sizes: &BTreeMap<String, String>) -> Self {
        let label = |name| volume.label(name).unwrap_or_default().to_owned();
        Self {
            what: label(LABEL),
            builder: label(BUILDER),
            user: label(USER),
            app: volume.label(APP).map(str::to_owned),
            size: sizes.get(&volume.name).cloned(),
            created: volume.created_at.parse().ok(),
            used: None,
            name: volume.name,
        }
    }

    /// Whether it was not used for so long, as far as that is known.
    pub fn is_unused_for(&self, time: Duration, now: Timestamp) -> bool {
        let last = self.used.or(self.created);
        last.is_some_and(|last| Duration::try_from(now.duration_since(last)).is_ok_and(|since| since >= time))
    }
}

/// All caches of the engine, by name.
///
/// # Errors
/// If the engine does not answer, or work was cancelled.
pub fn all(engine: &Engine, run_lock: &RunLock) -> Result<Vec<Cache>> {
    let volumes = volume::with_label(engine, LABEL)?;
    if volumes.is_empty() {
        return Ok(Vec::new());
    }
    let sizes = volume::sizes(engine)?;
    let mut caches: Vec<Cache> = volumes.into_iter().map(|volume| Cache::of(volume, &sizes)).collect();
    caches.sort_by(|one, other| one.name.cmp(&other.name));
    read_last_uses(engine, run_lock, &mut caches)?;
    Ok(caches)
}

/// The names of those that are to be removed: of builders that are gone, or unused for so long.
///
/// # Errors
/// If the engine does not answer, or work was cancelled.
pub fn outdated(engine: &Engine, caches: &[Cache], unused_for: Duration, now: Timestamp) -> Result<Vec<String>> {
    let mut is_gone: BTreeMap<&str, bool> = BTreeMap::new();
    let mut names = Vec::new();
    for cache in caches {
        let gone = match is_gone.get(cache.builder.as_str()) {
            Some(gone) => *gone,
            None => {
                let [found] = image::inspect(engine, [&cache.builder])?;
                is_gone.insert(&cache.builder, found.is_none());
                found.is_none()
            }
        };
        if gone || cache.is_unused_for(unused_for, now) {
            names.push(cache.name.clone());
        }
    }
    Ok(names)
}

/// Reads when each was used, in a container that has all of them and never runs. It can be of any image.
fn read_last_uses(engine: &Engine, run_lock: &RunLock, caches: &mut [Cache]) -> Result<()> {
    let folder = |number: usize| format!("/dev/minis2i-{number}");
    let mut options: Vec<String> = vec!["--network=none".to_owned()];
    for (number, cache) in caches.iter().enumerate() {
        options.push(format!("--volume={}:{}:ro", cache.name, folder(number)));
    }
    let Some(container) = container_of_any_image(engine, run_lock, &options)? else { return Ok(()) };
    for (number, cache) in caches.iter_mut().enumerate() {
        let path = format!("{}/{USED}", folder(number));
        copy::for_each_entry(engine, container.name(), &path, &mut |_, entry| {
            let seconds = entry.header().mtime().ok().and_then(|seconds| i64::try_from(seconds).ok());
            cache.used = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
        })?;
    }
    Ok(())
}

/// A container with these options that never runs; `None` if there is no image for it. The image may be removed just when it was
/// found, so that there are several tries.
fn container_of_any_image(engine: &Engine, run_lock: &RunLock, options: &[String]) -> Result<Option<Container>> {
    let mut refused = None;
    for _ in 0..TRIES {
        let Some(image) = image::list(engine, &[])?.into_iter().next() else { return Ok(None) };
        let options = [options, &[image, "/none".to_owned()]].concat();
        match Container::create(engine, run_lock.container_name(), &options) {
            Ok(container) => return Ok(Some(container)),
            Err(error) => refused = Some(error),
        }
        engine.cancel().check()?;
    }
    refused.map_or(Ok(None), Err)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::Cache;

    #[test]
    fn the_last_use_counts_and_not_when_it_was_made() {
        let at = |seconds| Timestamp::from_second(seconds).ok();
        let cache = |created, used| Cache {
            name: String::new(),
            what: String::new(),
            builder: String::new(),
            user: String::new(),
            app: None,
            size: None,
            created,
            used,
        };
        let day = Duration::from_secs(100);
        let is_unused = |created, used| cache(created, used).is_unused_for(day, at(1000).unwrap());
        assert!(is_unused(at(0), at(900)) && is_unused(at(0), None) && !is_unused(at(0), at(901)));
        assert!(!is_unused(None, None));
    }
}
