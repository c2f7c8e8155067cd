//! Removing containers and superseded images without delaying a build: after it, in a background process that outlives
//! it; during it, the containers of dead runs.

pub mod containers;

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::context::BuildContext;
use crate::child;
use crate::contract::labels;
use crate::engine::cli::{Engine, LeftBehind};
use crate::engine::container::removal;
use crate::engine::image::{self, Image};
use crate::report::Reporter;
use crate::run_lock::{DeadRun, Handover, RunLock, SupersededImage, Unfinished};
use crate::settings::CLEANUP_COMMAND;
use crate::time_limits::{COMMIT_END, CONTAINER_REMOVAL};
use containers::DeadContainers;

/// The most images that a commit leaves: the committed one, and one of its layers with the configuration of the builder; one
/// more to see that none is left.
const IMAGES_OF_A_COMMIT: usize = 3;

/// How long a call may take while no interrupt has come: on a busy machine some take seconds. An interrupt ends it in time.
const UNHURRIED_CALL: Duration = Duration::from_secs(30);

/// The begin of an error message.
const NO_PROCESS: &str = "the process that cleans up cannot be started";

/// The containers and images of a build that are not needed any more.
#[derive(Clone, Debug, Default)]
pub struct Leftovers {
    /// Names.
    pub containers: Vec<String>,
    /// Images that had the tag before and were built by minis2i.
    pub images: Vec<SupersededImage>,
}

impl Leftovers {
    pub fn is_empty(&self) -> bool {
        self.containers.is_empty() && self.images.is_empty()
    }

    /// Has everything removed by a background process, without waiting for it. If the process cannot be started, a
    /// warning says so, and everything is removed now.
    pub fn remove_in_background(&self, cx: &BuildContext) {
        if self.is_empty() {
            return;
        }
        let Err(error) = self.start_process(&cx.engine, cx.run_lock) else { return };
        cx.reporter.warn(&format!("{error:#}; the build waits until everything is removed"));
        let engine = cx.engine.for_cleanup();
        if !containers::remove(&engine, &self.containers).unwrap_or(false) {
            self.containers.iter().for_each(|name| engine.leave_behind(LeftBehind::Container(name.clone())));
        }
        // Removed, or left, at the end of the run.
        self.images.iter().for_each(|image| engine.leave_behind(LeftBehind::Image(image.clone())));
    }

    /// Starts the process that removes everything. It holds the lock of this run.
    fn start_process(&self, engine: &Engine, run_lock: &RunLock) -> Result<()> {
        let mut command = Command::new(std::env::current_exe().context(NO_PROCESS)?);
        command.arg(CLEANUP_COMMAND).arg("--engine").arg(engine.program().path());
        command.args(["--podman", &engine.dialect().is_podman().to_string()]).arg("--lock").arg(run_lock.path());
        command.envs(engine.program().variables().iter().map(|(name, value)| (name, value)));
        for container in &self.containers {
            command.args(["--container", container]);
        }
        for image in &self.images {
            command.args(["--image", &image.text()]);
        }
        let (handover, theirs) = Handover::new().context(NO_PROCESS)?;
        // A child that inherits the locked file keeps it locked after this process has ended.
        command.stdin(run_lock.as_stdin().context(NO_PROCESS)?).stdout(theirs).stderr(Stdio::null());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        child::spawn(&mut command).with_context(|| {
            let program = command.get_program().display();
            format!("{NO_PROCESS}: `{program}`")
        })?;
        run_lock.hand_over(handover);
        Ok(())
    }

    /// Removes everything now. What fails does not keep it from the rest.
    ///
    /// # Errors
    /// If the engine's CLI cannot be started, the engine cannot inspect or remove an image, or work was cancelled.
    pub fn remove(&self, engine: &Engine) -> Result<()> {
        let containers = containers::remove(engine, &self.containers).map(drop);
        let images = self.images.iter().map(|image| remove_superseded(engine, image).map(drop));
        images.fold(containers, Result::and)
    }
}

/// What is needed to remove an image that another one supersedes.
pub fn superseded_image(image: &Image) -> SupersededImage {
    // For a SHELL an image is made of the layers of the one that was committed, with the same labels.
    let commit = image.config.labels.get(labels::COMMIT).filter(|_| !image.config.shell.is_empty()).cloned();
    SupersededImage { id: image.id.clone(), commit }
}

/// What became of an image that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It does not exist any more.
    Gone,
    /// It has a tag.
    Named,
    /// A container, or another image, uses it.
    Used,
}

/// Removes an image unless it has a tag or something uses it.
///
/// # Errors
/// If the engine's CLI cannot be started, the engine cannot inspect or remove the image, or work was cancelled.
pub fn remove_superseded(engine: &Engine, superseded: &SupersededImage) -> Result<Removal> {
    let [image] = image::inspect(engine, [&superseded.id])?;
    if image.as_ref().is_some_and(|image| !image.repo_tags.is_empty()) {
        return Ok(Removal::Named);
    }
    let mut commit = superseded.commit.clone();
    if let Some(image) = image {
        if !remove_untagged(engine, &image.id)? {
            return Ok(Removal::Used);
        }
        commit = commit.or(superseded_image(&image).commit);
    }
    if let Some(commit) = commit {
        remove_commit(engine, &commit)?;
    }
    Ok(Removal::Gone)
}

/// Removes an image that has no tag; one that has a single tag would lose it and be removed, too. Returns whether it does
/// not exist any more; a container, or another image, may use it.
fn remove_untagged(engine: &Engine, id: &str) -> Result<bool> {
    // Parents without a tag, such as a builder that was rebuilt, belong to the user.
    let args = ["image", "rm", "--no-prune", id];
    let output = engine.call(&args)?;
    match output.stderr {
        _ if output.success => Ok(true),
        stderr if image::says_missing(&stderr) => Ok(true),
        stderr if image::says_in_use(&stderr) => Ok(false),
        stderr => Err(engine.failed(&args, &stderr)),
    }
}

/// What is left of dead runs once it was swept.
pub struct Swept {
    /// Nothing else is left for certain; a commit whose run was killed may still come.
    pub all_gone: bool,
    /// Images that are to be looked at once more. One of a last commit may have a name: the engine may have moved the tag after
    /// the run was killed, so that a build under way takes it from an image that it does not know of. Another may be in use, by
    /// a container that the engine created after the run was killed.
    pub remaining: Vec<SupersededImage>,
}

/// Removes what dead runs left and notes the containers that were removed.
///
/// # Errors
/// If the engine does not answer or cannot remove an image, or work was cancelled.
pub fn sweep(engine: &Engine, run_lock: &RunLock, reporter: &Reporter) -> Result<Swept> {
    let dead_runs = run_lock.dead_runs();
    let DeadContainers { removed, all_gone } = containers::remove_dead(engine, run_lock)?;
    if !removed.is_empty() {
        let what = if removed.len() == 1 { "a container" } else { "containers" };
        reporter.note(&format!("removed {what} of a run that died: {}", removed.join(", ")));
    }
    let mut swept = Swept { all_gone, remaining: Vec::new() };
    if !all_gone {
        // An image that such a container uses would be taken for one of the user's.
        return Ok(swept);
    }
    for run in &dead_runs {
        if remove_unfinished(engine, run, &mut swept.remaining)? {
            // Should this run be killed as well, the next one is to know of them.
            swept.remaining.iter().try_for_each(|image| run_lock.note_superseded(image))?;
            run_lock.forget(run);
        } else {
            swept.all_gone = false;
        }
    }
    run_lock.remove_dead_clones();
    Ok(swept)
}

/// Removes the images that a dead run may have left, and adds those to `remaining` that are to be looked at once more. Returns
/// whether all others are gone for certain.
fn remove_unfinished(engine: &Engine, run: &DeadRun, remaining: &mut Vec<SupersededImage>) -> Result<bool> {
    let mut all_gone = true;
    // Commits come first: one that has just moved the tag took it from an image that is looked at then.
    for unfinished in &run.unfinished {
        if let Unfinished::Commit(name) = unfinished {
            all_gone &= match settle_commit(engine, name)? {
                Settled::Gone => true,
                Settled::Named(ids) => {
                    remaining.extend(ids.into_iter().map(|id| SupersededImage { id, commit: None }));
                    true
                }
                Settled::MayCome => !run.may_be_committing(),
            };
        }
    }
    for unfinished in &run.unfinished {
        if let Unfinished::Image(image) = unfinished {
            // One that has a name belongs to the user from now on.
            if remove_superseded(engine, image)? == Removal::Used {
                remaining.push(image.clone());
            }
        }
    }
    Ok(all_gone)
}

/// What became of a commit that was given up.
#[derive(Debug, PartialEq, Eq)]
pub enum Settled {
    /// Its image was removed.
    Gone,
    /// Its images with these ids have names.
    Named(Vec<String>),
    /// The engine has no such image, and may still make it.
    MayCome,
}

/// Removes the image of a commit that was given up, unless it has a name.
///
/// # Errors
/// If the engine does not answer in time, or cleaning up was cancelled.
pub fn settle_commit(engine: &Engine, name: &str) -> Result<Settled> {
    if remove_commit(engine, name)? > 0 {
        return Ok(Settled::Gone);
    }
    let named: Vec<String> =
        list_images(engine, name, &["--filter", "dangling=false"])?.lines().map(str::to_owned).collect();
    Ok(if named.is_empty() { Settled::MayCome } else { Settled::Named(named) })
}

/// Removes the images of a commit that have no name, unless a container uses them; returns how many there were.
///
/// # Errors
/// If the engine does not answer in time or does not remove them, or cleaning up was cancelled.
pub fn remove_commit(engine: &Engine, name: &str) -> Result<usize> {
    let mut removed = 0;
    // An image is listed once the image that was built upon it is gone.
    for _ in 0..IMAGES_OF_A_COMMIT {
        let listing = list_images(engine, name, &["--filter", "dangling=true"])?;
        let ids: Vec<&str> = listing.lines().collect();
        if ids.is_empty() {
            break;
        }
        let args: Vec<&str> = ["image", "rm", "--no-prune"].into_iter().chain(ids.iter().copied()).collect();
        let output = engine.clean_up_within(&args, call_limit(engine))?;
        if image::says_in_use(&output.stderr) {
            break;
        }
        // Another process may have removed some of them.
        if !output.success && !image::says_missing(&output.stderr) {
            return Err(engine.failed(&args, &output.stderr));
        }
        removed += ids.len();
    }
    Ok(removed)
}

/// How long a call may take that removes the image of a commit or looks for it.
fn call_limit(engine: &Engine) -> Duration {
    if engine.cancel().why().is_some() { COMMIT_END } else { UNHURRIED_CALL }
}

/// The ids of images of this commit, one a line.
fn list_images(engine: &Engine, commit: &str, options: &[&str]) -> Result<String> {
    let label = format!("label={}={commit}", labels::COMMIT);
    let args: Vec<&str> =
        ["images", "--quiet", "--no-trunc", "--filter", &label].into_iter().chain(options.iter().copied()).collect();
    let output = image::settled_list(|| engine.clean_up_within(&args, call_limit(engine)))?;
    if output.success { Ok(output.stdout) } else { Err(engine.failed(&args, &output.stderr)) }
}

/// Tries again to remove what may be left; returns whether it is gone for certain.
fn remove_again(engine: &Engine, left: &LeftBehind) -> bool {
    let cleanup = engine.for_cleanup();
    match left {
        LeftBehind::Container(name) => {
            let output = engine.clean_up_within(&removal(engine, [name.as_str()]), CONTAINER_REMOVAL);
            output.is_ok_and(|output| output.stdout.trim() == name)
        }
        LeftBehind::Image(image) => remove_superseded(&cleanup, image).is_ok(),
        LeftBehind::Commit(name) => settle_commit(engine, name).is_ok_and(|settled| settled != Settled::MayCome),
    }
}

/// Notes that nothing is left of this any more.
fn end_note(run_lock: &RunLock, gone: &LeftBehind) {
    // A note that stays only has the next run look again.
    let _ = match gone {
        LeftBehind::Container(_) => Ok(()),
        LeftBehind::Image(image) => run_lock.end_superseded(image),
        LeftBehind::Commit(name) => run_lock.end_commit(name),
    };
}

/// Says what the engine may still have of this run, if anything, and has the next run remove it. For the end of a run.
pub fn leave_rest_to_next_run(engine: &Engine, run_lock: &RunLock, reporter: &Reporter) {
    let (gone, left): (Vec<_>, Vec<_>) =
        engine.take_left_behind().into_iter().partition(|left| remove_again(engine, left));
    gone.iter().for_each(|gone| end_note(run_lock, gone));
    if left.is_empty() {
        return;
    }
    let images = left.iter().filter_map(|left| match left {
        LeftBehind::Image(image) => Some(image.clone()),
        LeftBehind::Container(_) | LeftBehind::Commit(_) => None,
    });
    let noted = run_lock.leave_to_next_run(images);
    let what: Vec<String> = left
        .iter()
        .map(|left| match left {
            LeftBehind::Container(name) => format!("the container {name}"),
            LeftBehind::Image(image) => format!("the image {}", image.id),
            LeftBehind::Commit(_) => "an image without a name".to_owned(),
        })
        .collect();
    reporter.warn(&format!(
        "`{}` did not confirm that this is removed: {}; the next run of minis2i removes it",
        engine.name(),
        what.join(", ")
    ));
    if let Err(error) = noted {
        reporter.warn(&format!("{error:#}; images that are left must be removed by hand"));
    }
}
