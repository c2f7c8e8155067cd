//! Cleaning up off the user's clock: after a build, by a process that outlives it; before one, after runs that died.

use std::process::{Command, Stdio};

use anyhow::Result;

use crate::contract::labels;
use crate::engine::cli::Engine;
use crate::engine::image::{self, Image};
use crate::report::Reporter;
use crate::run_lock::RunLock;
use crate::settings::CLEANUP_COMMAND;

/// What a build leaves to be removed.
#[derive(Clone, Debug, Default)]
pub struct Leftovers {
    pub containers: Vec<String>,
    /// The image that had the tag before, if it is one of ours.
    pub images: Vec<String>,
}

impl Leftovers {
    /// Has a process of its own remove it all, and goes on at once. That process keeps the lock of this run.
    ///
    /// # Errors
    /// When it can not be started; the next run finds the containers then.
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
        command.stdin(run_lock.as_stdin()?).stdout(Stdio::null()).stderr(Stdio::null());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.spawn()?;
        Ok(())
    }

    /// Removes it all now.
    ///
    /// # Errors
    /// When the engine's CLI can not be started, or work was cancelled.
    pub fn remove(&self, engine: &Engine) -> Result<()> {
        remove_containers(engine, &self.containers)?;
        for image in &self.images {
            remove_superseded(engine, image)?;
        }
        Ok(())
    }
}

/// Removes containers. Returns whether the engine says that all of them are gone.
///
/// # Errors
/// When the engine's CLI can not be started, or work was cancelled.
pub fn remove_containers(engine: &Engine, names: &[String]) -> Result<bool> {
    if names.is_empty() {
        return Ok(true);
    }
    let mut args = vec!["rm", "--force", "--volumes"];
    args.extend(names.iter().map(String::as_str));
    Ok(engine.call(&args)?.success)
}

/// Removes an image unless it has a tag or a container needs it. Returns whether it is gone.
///
/// # Errors
/// When the engine's CLI can not be started, or work was cancelled.
pub fn remove_superseded(engine: &Engine, id: &str) -> Result<bool> {
    let [image] = image::inspect(engine, [id])?;
    let Some(image) = image else { return Ok(true) };
    let gone = remove_unnamed(engine, &image)?;
    if gone && !image.config.shell.is_empty() {
        remove_steps(engine, image)?;
    }
    Ok(gone)
}

fn remove_unnamed(engine: &Engine, image: &Image) -> Result<bool> {
    // Removal by id would take away the only tag of an image that was tagged meanwhile.
    if !image.repo_tags.is_empty() {
        return Ok(false);
    }
    // Parents without a tag, such as a builder that was built anew, are not ours to remove.
    Ok(engine.call(&["image", "rm", "--no-prune", &image.id])?.success)
}

/// Removes the images between the builder and one that was made in steps, and is gone now: they have its digest.
fn remove_steps(engine: &Engine, mut last: Image) -> Result<()> {
    while !last.parent.is_empty() {
        let [parent] = image::inspect(engine, [&last.parent])?;
        let digest = |image: &Image| image.config.labels.get(labels::DIGEST).cloned();
        match parent.filter(|parent| digest(parent).is_some() && digest(parent) == digest(&last)) {
            Some(parent) if remove_unnamed(engine, &parent)? => last = parent,
            _ => break,
        }
    }
    Ok(())
}

/// Removes what runs left that died, and says so.
///
/// # Errors
/// When the engine does not answer, or work was cancelled.
pub fn sweep(engine: &Engine, run_lock: &RunLock, reporter: &Reporter) -> Result<()> {
    let removed = remove_dead(engine, run_lock)?;
    if !removed.is_empty() {
        let what = if removed.len() == 1 { "a container" } else { "containers" };
        reporter.note(&format!("removed {what} of a run that died: {}", removed.join(", ")));
    }
    run_lock.remove_dead_runs();
    Ok(())
}

/// Removes containers of runs that died; returns their names.
///
/// # Errors
/// When the engine does not answer, or work was cancelled.
pub fn remove_dead(engine: &Engine, run_lock: &RunLock) -> Result<Vec<String>> {
    let filter = format!("name=^/?{}", run_lock.prefix());
    let listing = engine.demand(&["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"])?;
    let dead: Vec<&str> = listing.lines().filter(|name| run_lock.is_dead(name)).collect();
    if dead.is_empty() {
        return Ok(Vec::new());
    }
    let mut args = vec!["rm", "--force", "--volumes"];
    args.extend(&dead);
    // Some may have been on their way out when they were listed: the CLI prints those that it removed.
    let output = engine.call(&args)?;
    Ok(output.stdout.lines().map(str::to_owned).collect())
}
