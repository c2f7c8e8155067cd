//! Containers that belong to this run: they have a name before they exist, and are removed when they are dropped.

use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::Instant;

use anyhow::Result;

use super::cli::{Engine, LeftBehind, Output};
use super::process::Process;
use crate::child;
use crate::time_limits::{CONTAINER_CREATION, CONTAINER_REMOVAL, REMOVAL_PAUSE};

/// A container that belongs to this run. Dropping it removes it, with its anonymous volumes.
pub struct Container {
    engine: Engine,
    name: String,
    /// Whether it is removed when this is dropped.
    owned: bool,
    /// Whether it is certain that the engine has created it.
    created: bool,
}

impl Container {
    /// Starts `docker run --name NAME OPTIONS`, where the options end with the image and its command. Returns the
    /// container and the CLI that is attached to it.
    ///
    /// # Errors
    /// When the CLI cannot be started, or work was cancelled. Errors of the engine are printed by the process.
    pub fn run(engine: &Engine, name: String, options: &[String], stdin: Stdio) -> Result<(Self, Process)> {
        let mut args = vec!["run".to_owned(), "--name".to_owned(), name.clone()];
        args.extend_from_slice(options);
        let process = engine.spawn_announced(&args, stdin)?;
        Ok((Self { engine: engine.clone(), name, owned: true, created: false }, process))
    }

    /// Creates a container that does not run yet: `docker create --name NAME OPTIONS`, where the options end with the
    /// image and its command.
    ///
    /// # Errors
    /// When the engine cannot create it, or work was cancelled.
    pub fn create(engine: &Engine, name: String, options: &[String]) -> Result<Self> {
        let mut args = vec!["create".to_owned(), "--name".to_owned(), name.clone()];
        args.extend_from_slice(options);
        // Owned before it exists, as the engine may create it after the CLI was killed.
        let mut container = Self { engine: engine.clone(), name, owned: true, created: false };
        engine.demand(&args)?;
        container.created = true;
        Ok(container)
    }

    /// Starts a container that was created; the returned process prints its output.
    ///
    /// # Errors
    /// When the CLI cannot be started, or work was cancelled.
    pub fn start(&self, engine: &Engine) -> Result<Process> {
        engine.spawn_announced(&["start", "--attach", &self.name], Stdio::null())
    }

    /// The name by which the engine knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Notes that the engine has created this container, so that its removal need not wait for it to appear.
    pub fn mark_created(&mut self) {
        self.created = true;
    }

    /// Leaves the removal to the caller; returns the name.
    pub fn into_name(mut self) -> String {
        self.owned = false;
        std::mem::take(&mut self.name)
    }
}

/// The call that kills and removes the containers with these names, with their anonymous volumes.
pub fn removal<'a>(engine: &Engine, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    engine.dialect().removal().iter().copied().chain(names).collect()
}

/// Has the engine kill and remove a container, without waiting for it: for an end of the process that must not wait.
pub fn remove_without_waiting(engine: &Engine, name: &str) {
    let mut command = engine.program().command();
    command.args(removal(engine, [name])).process_group(0);
    // What cannot be started is removed by the next run.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Ok(mut child) = child::spawn(&mut command) {
        // A child that is not waited for stays as a zombie.
        std::thread::spawn(move || child.wait());
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if !self.owned {
            return;
        }
        let begin = Instant::now();
        loop {
            let output = self.engine.clean_up_within(&removal(&self.engine, [self.name()]), CONTAINER_REMOVAL);
            // The CLI prints the names of removed containers; its exit status for a missing one differs by version.
            if output.as_ref().is_ok_and(|output| output.stdout.trim() == self.name) {
                return;
            }
            if self.created
                || begin.elapsed() > CONTAINER_CREATION
                || self.engine.for_cleanup().cancel().why().is_some()
            {
                if !output.is_ok_and(|output| is_missing(&output)) {
                    self.engine.leave_behind(LeftBehind::Container(self.name.clone()));
                }
                return;
            }
            std::thread::sleep(REMOVAL_PAUSE);
        }
    }
}

/// Whether the engine answered that there is no such container: with an error, or by doing nothing.
fn is_missing(removal: &Output) -> bool {
    removal.success || removal.stderr.to_lowercase().contains("no such container")
}
