//! The volumes of caches: their names and labels, and how they are made so that the user of `assemble` can write to them.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::engine::cli::Engine;
use crate::engine::container::Container;
use crate::engine::copy::{Delivered, Delivery};
use crate::engine::volume;
use crate::pipeline::context::BuildContext;
use crate::pipeline::images::Images;
use crate::pipeline::user_ids;
use crate::settings::cache::CacheFolder;
use crate::tar::writer::Writer;

/// What the name of each begins with.
const PREFIX: &str = "minis2i-cache-";

/// The label that each has: `auto`, or the path of the folder.
pub const LABEL: &str = "io.github.minis2i.cache";

/// The builder, in the full form of its name.
pub const BUILDER: &str = "io.github.minis2i.cache.builder";

/// The user that runs `assemble`, as the builder or an option names it.
pub const USER: &str = "io.github.minis2i.cache.user";

/// The tag of the only app that has it.
pub const APP: &str = "io.github.minis2i.cache.app";

/// A volume that is wanted.
pub struct Wanted {
    pub name: String,
    labels: Vec<(&'static str, String)>,
}

impl Wanted {
    /// The one of the tools, or of a folder. A rebuilt builder has the same name, and so the same caches.
    pub fn new(cx: &BuildContext, images: &Images, folder: Option<&CacheFolder>) -> Self {
        let typed = &cx.job.builder;
        let builder = images.builder.full_name_of(typed).unwrap_or_else(|| typed.clone());
        let user = user_ids::script_user(cx, images).to_owned();
        let what = folder.map_or("auto", |folder| folder.path.as_str());
        let app = folder.filter(|folder| !folder.shared).map(|_| images.builder.dialect.full_name(&cx.job.tag));
        let key = folder.map_or("auto", |folder| folder.id.as_deref().unwrap_or(&folder.path));
        let name = name(&builder, &user, key, app.as_deref());
        let mut labels = vec![(LABEL, what.to_owned()), (BUILDER, builder), (USER, user)];
        labels.extend(app.map(|app| (APP, app)));
        Self { name, labels }
    }
}

/// The name of a volume: words that say what it is for, and a hash of all that tells it from others.
fn name(builder: &str, user: &str, key: &str, app: Option<&str>) -> String {
    let digest = blake3::hash(format!("{builder}\0{user}\0{key}\0{}", app.unwrap_or_default()).as_bytes());
    let last = builder.rsplit('/').next().unwrap_or(builder);
    let last = last.split(['@', ':']).next().unwrap_or(last);
    let words: String =
        format!("{last}-{key}").chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let words: Vec<&str> = words.split('-').filter(|word| !word.is_empty()).collect();
    let words: String = words.join("-").chars().take(40).collect();
    format!("{PREFIX}{words}-{}", &digest.to_hex()[..8])
}

/// Makes those that do not exist, and lets everybody in the container write to them.
///
/// # Errors
/// If the engine cannot make one, or work was cancelled.
pub fn make(cx: &BuildContext, images: &Images, wanted: &[&Wanted]) -> Result<()> {
    for volume in wanted {
        volume::create(&cx.engine, &volume.name, &volume.labels)?;
    }
    // Podman gives a new volume to the user of the first container.
    if cx.engine.dialect().is_podman() || wanted.is_empty() {
        return Ok(());
    }
    let opened = open_to_all(cx, &images.builder.id, wanted);
    if opened.is_err() {
        // The next build would take them for usable.
        wanted.iter().for_each(|volume| drop(volume::remove(&cx.engine.for_cleanup(), &volume.name)));
    }
    opened
}

/// Sets the modes of new volumes. They belong to root, and only the engine can change that where the builder has no shell
/// or no rights; it does when it unpacks into a container, which need not run for that.
fn open_to_all(cx: &BuildContext, image: &str, wanted: &[&Wanted]) -> Result<()> {
    let engine: &Engine = &cx.engine;
    let folder = |number: usize| format!("minis2i-{number}");
    let mut options: Vec<String> = Vec::new();
    for (number, volume) in wanted.iter().enumerate() {
        options.push(format!("--volume={}:/dev/{}", volume.name, folder(number)));
    }
    options.extend(["--network=none".to_owned(), image.to_owned(), "/none".to_owned()]);
    let container = Container::create(engine, cx.run_lock.container_name(), &options)?;
    let (delivery, stream) = Delivery::start(engine, container.name(), "/dev")?;
    let mut tar = Writer::new(stream);
    let written = (0..wanted.len()).try_for_each(|number| tar.folder(folder(number).as_bytes(), 0o1777, (0, 0)));
    let written = written.and_then(|()| tar.finish().map(drop));
    if let Delivered::Refused(stderr) = delivery.end(engine)? {
        return Err(engine.error("cannot give the caches to the user of `assemble`", &stderr));
    }
    Ok(written?)
}

/// The names of those of these volumes that the engine has. One without a label was made by the engine itself, for a container
/// that was to have it when it had just been removed; it is removed, too, if nothing has it.
///
/// # Errors
/// If the engine does not answer, or work was cancelled.
pub fn existing(engine: &Engine, wanted: &[&Wanted]) -> Result<BTreeSet<String>> {
    let names: Vec<&str> = wanted.iter().map(|volume| volume.name.as_str()).collect();
    let (ours, strays): (Vec<_>, Vec<_>) =
        volume::inspect(engine, &names)?.into_iter().partition(|volume| volume.label(LABEL).is_some());
    for stray in strays {
        volume::remove(engine, &stray.name)?;
    }
    Ok(ours.into_iter().map(|volume| volume.name).collect())
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn a_name_says_what_it_is_for_and_differs_by_all_that_matters() {
        let builder = "docker.io/library/my_python:3.11";
        let auto = name(builder, "1001", "auto", None);
        assert!(auto.starts_with("minis2i-cache-my-python-auto-"), "{auto}");
        let others = [
            name(builder, "0", "auto", None),
            name("docker.io/library/my_python:3.12", "1001", "auto", None),
            name(builder, "1001", "/auto", None),
            name(builder, "1001", "auto", Some("app")),
        ];
        assert!(others.iter().all(|other| *other != auto), "{others:?}");
        assert!(name(builder, "", &"/x".repeat(100), None).len() < 70);
    }
}
