//! Cleaning up off the user's clock: after a build, by a process that outlives it; before one, after runs that died.

use std::process::{Command, Stdio};

use anyhow::Result;

use crate::cli::{TIDY, TidyArgs};
use crate::contract::labels;
use crate::engine::image::{self, Image};
use crate::engine::{Cancel, Engine};
use crate::lease::Lease;
use crate::report::Reporter;

/// What a build leaves to be removed.
#[derive(Clone, Debug, Default)]
pub struct Leftovers {
    pub containers: Vec<String>,
    /// The image that had the tag before, if it is one of ours.
    pub images: Vec<String>,
}

impl Leftovers {
    /// Has a process of its own remove it all, and goes on at once. That process keeps the lease alive.
    ///
    /// # Errors
    /// When it can not be started; the next run finds the containers then.
    pub fn leave(&self, engine: &Engine, lease: &Lease) -> Result<()> {
        if self.containers.is_empty() && self.images.is_empty() {
            return Ok(());
        }
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(TIDY).arg("--engine").arg(engine.program()).arg("--lock").arg(lease.path());
        command.arg("--parent").arg(std::process::id().to_string());
        for container in &self.containers {
            command.args(["--container", container]);
        }
        for image in &self.images {
            command.args(["--image", image]);
        }
        command.stdin(lease.as_stdin()?).stdout(Stdio::null()).stderr(Stdio::null());
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

/// The process that a build leaves behind.
///
/// # Errors
/// When the engine's CLI can not be started.
pub fn run(args: TidyArgs) -> Result<()> {
    let engine = Engine::new(args.engine, Cancel::default(), |_| {});
    let lease = Lease::inherit(&args.lock)?;
    Leftovers { containers: args.container, images: args.image }.remove(&engine)?;
    // What no lock tells of any more: runs that died with another engine, or whose locks somebody removed.
    let swept = remove_dead(&engine, &lease).map(drop);
    // A run that goes on, with the container that it made of its image, is known by its lock.
    if rustix::process::getppid().is_none_or(|parent| parent.as_raw_nonzero().get() != args.parent) {
        lease.give_up();
    }
    swept
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
    // Removal by id would take away the only tag of an image that somebody tagged meanwhile.
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
pub fn sweep(engine: &Engine, lease: &Lease, reporter: &Reporter) -> Result<()> {
    let removed = remove_dead(engine, lease)?;
    if !removed.is_empty() {
        let what = if removed.len() == 1 { "a container" } else { "containers" };
        reporter.note(&format!("removed {what} of a run that died: {}", removed.join(", ")));
    }
    lease.forget_the_dead();
    Ok(())
}

/// Removes containers of runs that died; returns their names.
fn remove_dead(engine: &Engine, lease: &Lease) -> Result<Vec<String>> {
    let filter = format!("name=^/?{}", lease.prefix());
    let listing = engine.demand(&["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"])?;
    let dead: Vec<&str> = listing.lines().filter(|name| lease.is_dead(name)).collect();
    if dead.is_empty() {
        return Ok(Vec::new());
    }
    let mut args = vec!["rm", "--force", "--volumes"];
    args.extend(&dead);
    // Some may have been on their way out when they were listed: the CLI prints those that it removed.
    let output = engine.call(&args)?;
    Ok(output.stdout.lines().map(str::to_owned).collect())
}
