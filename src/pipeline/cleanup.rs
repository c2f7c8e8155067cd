//! Removing containers and superseded images without delaying a build: after it, in a background process that outlives
//! it; during it, the containers of dead runs.

use std::process::{Command, Stdio};

use anyhow::Result;

use crate::contract::labels;
use crate::engine::cli::Engine;
use crate::engine::image::{self, Image};
use crate::report::Reporter;
use crate::run_lock::RunLock;
use crate::settings::CLEANUP_COMMAND;

/// The containers and images of a build that are not needed any more.
#[derive(Clone, Debug, Default)]
pub struct Leftovers {
    /// Names.
    pub containers: Vec<String>,
    /// Ids of images that had the tag before and were built by minis2i.
    pub images: Vec<String>,
}

impl Leftovers {
    /// Starts a background process that removes everything, and does not wait for it. That process holds the lock of
    /// this run.
    ///
    /// # Errors
    /// If the process cannot be started. The next run then removes the containers.
    pub fn remove_in_background(&self, engine: &Engine, run_lock: &RunLock) -> Result<()> {
        if self.containers.is_empty() && self.images.is_empty() {
            return Ok(());
        }
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(CLEANUP_COMMAND).arg("--engine").arg(engine.program()).arg("--lock").arg(run_lock.path());
        command.arg("--parent").arg(std::process::id().to_string());
        for container in &self.containers {
            command.args(["--container", container]);
        }
        for image in &self.images {
            command.args(["--image", image]);
        }
        // A child that inherits the locked file keeps it locked after this process has ended.
        command.stdin(run_lock.as_stdin()?).stdout(Stdio::null()).stderr(Stdio::null());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.spawn()?;
        Ok(())
    }

    /// Removes everything now.
    ///
    /// # Errors
    /// If the engine's CLI cannot be started, the engine cannot inspect an image, or work was cancelled.
    pub fn remove(&self, engine: &Engine) -> Result<()> {
        remove_containers(engine, &self.containers)?;
        for image in &self.images {
            remove_superseded(engine, image)?;
        }
        Ok(())
    }
}

/// Removes the containers with these names, with their anonymous volumes. Returns whether the engine removed all of
/// them.
///
/// # Errors
/// If the engine's CLI cannot be started, or work was cancelled.
pub fn remove_containers(engine: &Engine, names: &[String]) -> Result<bool> {
    if names.is_empty() {
        return Ok(true);
    }
    let mut args = vec!["rm", "--force", "--volumes"];
    args.extend(names.iter().map(String::as_str));
    Ok(engine.call(&args)?.success)
}

/// Removes the image `id` unless it has a tag or a container uses it. Returns whether it does not exist any more.
///
/// # Errors
/// If the engine's CLI cannot be started, the engine cannot inspect the image, or work was cancelled.
pub fn remove_superseded(engine: &Engine, id: &str) -> Result<bool> {
    let [image] = image::inspect(engine, [id])?;
    let Some(image) = image else { return Ok(true) };
    let removed = remove_untagged(engine, &image)?;
    if removed && !image.config.shell.is_empty() {
        remove_intermediate(engine, image)?;
    }
    Ok(removed)
}

/// Removes an image that has no tag; returns whether the engine removed it.
fn remove_untagged(engine: &Engine, image: &Image) -> Result<bool> {
    // Removing an image by id also removes a single tag that it has, for example one that the user gave it meanwhile.
    if !image.repo_tags.is_empty() {
        return Ok(false);
    }
    // Parents without a tag, such as a builder that was rebuilt, belong to the user.
    Ok(engine.call(&["image", "rm", "--no-prune", &image.id])?.success)
}

/// Removes the intermediate images of `last`, a removed image that was committed and then built upon to set its SHELL.
/// They have the same digest label.
fn remove_intermediate(engine: &Engine, mut last: Image) -> Result<()> {
    while !last.parent.is_empty() {
        let [parent] = image::inspect(engine, [&last.parent])?;
        let digest = |image: &Image| image.config.labels.get(labels::DIGEST).cloned();
        match parent.filter(|parent| digest(parent).is_some() && digest(parent) == digest(&last)) {
            Some(parent) if remove_untagged(engine, &parent)? => last = parent,
            _ => break,
        }
    }
    Ok(())
}

/// Removes what dead runs left and notes the containers that were removed.
///
/// # Errors
/// If the engine does not answer, or work was cancelled.
pub fn sweep(engine: &Engine, run_lock: &RunLock, reporter: &Reporter) -> Result<()> {
    let removed = remove_dead(engine, run_lock)?;
    if !removed.is_empty() {
        let what = if removed.len() == 1 { "a container" } else { "containers" };
        reporter.note(&format!("removed {what} of a run that died: {}", removed.join(", ")));
    }
    run_lock.remove_dead_runs();
    Ok(())
}

/// Removes the containers of dead runs; returns their names.
///
/// # Errors
/// If the engine does not answer, or work was cancelled.
pub fn remove_dead(engine: &Engine, run_lock: &RunLock) -> Result<Vec<String>> {
    let filter = format!("name=^/?{}", run_lock.prefix());
    let listing = engine.demand(&["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"])?;
    let dead: Vec<&str> = listing.lines().filter(|name| run_lock.is_dead(name)).collect();
    if dead.is_empty() {
        return Ok(Vec::new());
    }
    let mut args = vec!["rm", "--force", "--volumes"];
    args.extend(&dead);
    // Some may already have been removed by another process; the CLI prints the names of those that it removed.
    let output = engine.call(&args)?;
    Ok(output.stdout.lines().map(str::to_owned).collect())
}
