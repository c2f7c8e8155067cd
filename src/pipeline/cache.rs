//! Caches: named volumes that are mounted in build containers, so that `assemble` finds again what it downloaded for the
//! build before. They are in no image. Which tools have one is left to [`tools`], listing and removing them to
//! [`inventory`].

pub mod inventory;
mod mounted;
mod script;
pub mod state;
pub mod tools;
pub mod trust;
pub mod volumes;

use anyhow::Result;

use super::approach::Obstacle;
use super::context::{BuildContext, Progress};
use super::images::Images;
use super::inputs::Inputs;
use super::scripts::ChosenScripts;
use crate::error::{self, ErrorKind};
pub use mounted::Mounted;
use script::{Facts, Mode};
use state::{Builder, Caches};
use trust::{Use, Verdict};
use volumes::Wanted;

impl Caches {
    /// The volumes for a container that is about to start; those that do not exist are made. A cache that cannot be had is no
    /// reason to fail: a warning says so.
    ///
    /// # Errors
    /// If work was cancelled.
    pub fn mount(&self, cx: &BuildContext, images: &Images) -> Result<Mounted> {
        let options = &cx.job.caches;
        let known = self.state().builders.get(&images.builder.id).cloned();
        let is_usable = self.state().trust.allows() && !matches!(known, Some(Builder::Unusable));
        if options.is_off() || !is_usable || mounts_over(&cx.job.run_options) {
            return Ok(Mounted::default());
        }
        let tools = match known {
            Some(Builder::Tools(tools)) => Some(!tools.is_empty()),
            _ => None,
        };
        match find(cx, images, tools) {
            Ok(mounted) => Ok(mounted),
            Err(error) => {
                cx.engine.cancel().check()?;
                let cause = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
                cx.reporter.warn(&format!("builds go on without caches: {cause}"));
                self.state().builders.insert(images.builder.id.clone(), Builder::Unusable);
                Ok(Mounted::default())
            }
        }
    }

    /// The tools that a container is to look for, as words for its program: none where none would have a cache.
    pub fn tools_to_look_for(&self, cx: &BuildContext) -> String {
        if cx.job.caches.auto() { tools::known_words() } else { String::new() }
    }

    /// Takes in which tools a container of the builder has. `by_engine` is whether the engine unpacks the upload.
    ///
    /// # Errors
    /// An obstacle if the container has not the volumes that it should have.
    pub fn learn(
        &self,
        cx: &BuildContext,
        images: &Images,
        (mounted, tools, by_engine): (&Mounted, &[String], bool),
    ) -> Result<(), Obstacle> {
        if cx.job.caches.is_off() {
            return Ok(());
        }
        let mut state = self.state();
        let id = images.builder.id.clone();
        if by_engine {
            // The engine would leave the mount points in the image.
            state.builders.insert(id, Builder::Unusable);
            drop(state);
            if cx.job.caches.are_typed() {
                cx.reporter.note("no caches are used: the builder has no `tar` that can unpack the source");
            }
            return if mounted.is_empty() { Ok(()) } else { Err(Obstacle::Cache) };
        }
        let first = !matches!(state.builders.get(&id), Some(Builder::Unusable | Builder::Tools(_)));
        if first {
            state.builders.insert(id, Builder::Tools(tools.to_vec()));
        }
        let lacks_volume = cx.job.caches.auto() && !mounted.has_auto() && !tools.is_empty();
        if first && lacks_volume && state.trust.allows() { Err(Obstacle::Cache) } else { Ok(()) }
    }

    /// The shell text for a container with these volumes, which runs before the upload.
    pub fn opening(
        &self,
        mounted: &Mounted,
        tools: &[String],
        inputs: &Inputs,
        scripts: &ChosenScripts,
    ) -> Vec<Vec<u8>> {
        let facts = Facts {
            tools,
            mode: self.state().mode,
            set_by_user: inputs.variables.iter().map(|(name, _)| name.as_str()).chain(inputs.secrets.names()).collect(),
            keeps_its_own: scripts.save_artifacts.is_some(),
            run: &scripts.run,
        };
        script::opening(mounted, &facts)
    }

    /// Takes in what a container says before `assemble`: how filled its caches are, and the names of the tools and the numbers of
    /// the folders that have one.
    pub fn used(&self, cx: &BuildContext, words: &str, progress: &mut Progress) {
        let mut words = words.split_whitespace();
        progress.caches = if words.next() == Some("filled") { Use::Filled } else { Use::Empty };
        let names: Vec<&str> = words
            .map(|word| {
                word.parse()
                    .ok()
                    .and_then(|number: usize| Some(cx.job.caches.folders.get(number)?.path.as_str()))
                    .unwrap_or(word)
            })
            .collect();
        if !std::mem::replace(&mut self.state().told, true) {
            cx.reporter.note(&format!("kept from build to build: {} (`minis2i cache ls`)", names.join(", ")));
        }
    }

    /// Reports a folder that has no cache, from the words of a container: its number, and why.
    pub fn report_unused(&self, cx: &BuildContext, words: &str) {
        let (number, why) = words.split_once(' ').unwrap_or((words, ""));
        let folder = number.parse().ok().and_then(|number: usize| cx.job.caches.folders.get(number));
        let Some(folder) = folder else { return };
        let path = &folder.path;
        let why = match why {
            "content" => {
                "the image has something there, which it would hide: name another folder, and tell the tool so with `--build-env`"
            }
            "lock" => {
                "the builder has no `flock`, by which builds at the same time keep apart: add it in the builder's Dockerfile"
            }
            "closed" => {
                "its volume belongs to another user: `minis2i cache rm` removes it (`minis2i cache ls` has its name)"
            }
            _ => {
                "the user of `assemble` may not write there: make the folder above it theirs in the builder's Dockerfile"
            }
        };
        cx.reporter.warn_once(&format!("`--cache {path}` is not used: {why}"));
    }

    /// A second try without caches for a build that ended so, if that is sensible; a note says so. Containers that start while
    /// it exists do not use their caches.
    pub fn retry<T>(&self, cx: &BuildContext, result: &Result<T>, progress: &mut Progress) -> Option<Retry<'_>> {
        let failure = error::kind(result.as_ref().err()?);
        let used = std::mem::replace(&mut progress.caches, Use::Nothing);
        let mut state = self.state();
        if matches!(failure, ErrorKind::Interrupted(_) | ErrorKind::Superseded) {
            state.trust.interrupted(used);
        }
        if !state.trust.wants_retry(failure, used) {
            return None;
        }
        state.mode = if used == Use::Filled { Mode::Empty } else { Mode::Avoid };
        cx.reporter.note(&format!("{:#}; once more without caches", result.as_ref().err()?));
        Some(Retry { caches: self, used })
    }
}

/// A second try without caches. Dropping it ends it.
pub struct Retry<'a> {
    caches: &'a Caches,
    used: Use,
}

impl Retry<'_> {
    /// Takes in how it ended.
    pub fn ended<T>(self, cx: &BuildContext, result: &Result<T>) {
        let succeeded = match result {
            Ok(_) => true,
            Err(error) if matches!(error::kind(error), ErrorKind::Assemble(_)) => false,
            Err(_) => return,
        };
        match self.caches.state().trust.judge(succeeded, self.used) {
            Verdict::Innocent => {}
            Verdict::Corrupt => cx.reporter.warn("`assemble` succeeded without the caches, which are empty now"),
            Verdict::Unusable => cx.reporter.warn("`assemble` succeeded without caches, so that none are used from now on; `--cache off` says so from the start"),
        }
    }
}

impl Drop for Retry<'_> {
    fn drop(&mut self) {
        self.caches.state().mode = Mode::Use;
    }
}

/// The volumes that are wanted, made where they do not exist. `tools` is whether the builder has any, if that is known: a volume
/// for tools that it has not would be of no use.
fn find(cx: &BuildContext, images: &Images, tools: Option<bool>) -> Result<Mounted> {
    let options = &cx.job.caches;
    let auto = (options.auto() && tools != Some(false)).then(|| Wanted::new(cx, images, None));
    let folders: Vec<Wanted> = options.folders.iter().map(|folder| Wanted::new(cx, images, Some(folder))).collect();
    let all: Vec<&Wanted> = auto.iter().chain(&folders).collect();
    let existing = volumes::existing(&cx.engine, &all)?;
    let is_known = tools.is_some();
    let auto = auto.filter(|volume| is_known || existing.contains(&volume.name));
    let mut missing: Vec<&Wanted> = Vec::new();
    for volume in auto.iter().chain(&folders).filter(|volume| !existing.contains(&volume.name)) {
        // Two folders may have the same one.
        if missing.iter().all(|known| known.name != volume.name) {
            missing.push(volume);
        }
    }
    volumes::make(cx, images, &missing)?;
    let folders = options.folders.iter().cloned().zip(folders).map(|(folder, volume)| (folder, Some(volume.name)));
    Ok(Mounted { auto: auto.map(|volume| volume.name), folders: folders.collect() })
}

/// Whether the user mounts something on all of `/dev`, in which the engine would then make our mount points.
fn mounts_over(run_options: &[String]) -> bool {
    let is_dev = |target: &str| target.trim_end_matches('/') == "/dev";
    run_options.iter().any(|word| {
        let volume = word.split(':').skip(1).any(is_dev);
        let fields = word.split(',').filter_map(|field| field.rsplit_once('=')).any(|(_, value)| is_dev(value));
        volume || fields
    })
}

#[cfg(test)]
mod tests {
    use super::mounts_over;

    #[test]
    fn a_folder_of_the_machine_that_is_dev_gets_no_mount_points() {
        let mounts = |words: &[&str]| mounts_over(&words.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        assert!(mounts(&["--volume=/dev:/dev"]) && mounts(&["-v", "/dev:/dev/:ro"]));
        assert!(mounts(&["--mount", "type=bind,source=/dev,target=/dev"]));
        assert!(!mounts(&["-v", "x:/dev/shm", "--device", "/dev/fuse", "--memory=1g"]));
    }
}
