//! Containers of ours: they have a name before they exist, and are removed when they are dropped.

use std::process::Stdio;
use std::time::Instant;

use anyhow::Result;

use super::cli::Engine;
use super::process::Process;
use crate::time_limits::{CONTAINER_CREATION, CONTAINER_REMOVAL, REMOVAL_PAUSE};

/// A container that belongs to us. Dropping it removes it, with its anonymous volumes.
pub struct Container {
    engine: Engine,
    name: String,
    owned: bool,
    /// The engine surely has it.
    created: bool,
}

impl Container {
    /// Starts `docker run --name NAME ARGS` and returns the container with the CLI that is attached to it.
    ///
    /// # Errors
    /// When the CLI can not be started; what the engine says comes from the process.
    pub fn run(engine: &Engine, name: String, options: &[String], stdin: Stdio) -> Result<(Self, Process)> {
        let mut args = vec!["run".to_owned(), "--name".to_owned(), name.clone()];
        args.extend_from_slice(options);
        let process = engine.spawn_announced(&args, stdin)?;
        Ok((Self { engine: engine.without_cancel(), name, owned: true, created: false }, process))
    }

    /// Makes a container that does not run yet: `docker create --name NAME ARGS`.
    ///
    /// # Errors
    /// When the engine can not do it, or work was cancelled.
    pub fn create(engine: &Engine, name: String, options: &[String]) -> Result<Self> {
        let mut args = vec!["create".to_owned(), "--name".to_owned(), name.clone()];
        args.extend_from_slice(options);
        // It is ours before it exists: the engine may make it after its CLI was killed.
        let mut container = Self { engine: engine.without_cancel(), name, owned: true, created: false };
        engine.demand(&args)?;
        container.created = true;
        Ok(container)
    }

    /// Starts a container that was made, attached: its output comes from the process.
    ///
    /// # Errors
    /// When the CLI can not be started.
    pub fn start(&self, engine: &Engine) -> Result<Process> {
        engine.spawn_announced(&["start", "--attach", &self.name], Stdio::null())
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Notes that the engine surely has this container, so that its removal need not wait for it to appear.
    pub fn mark_created(&mut self) {
        self.created = true;
    }

    /// Leaves the removal to the caller; returns the name.
    pub fn into_name(mut self) -> String {
        self.owned = false;
        std::mem::take(&mut self.name)
    }

    fn removal(&self) -> [&str; 4] {
        ["rm", "--force", "--volumes", &self.name]
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if !self.owned {
            return;
        }
        let begin = Instant::now();
        loop {
            // The CLI prints the name of what it removed; its exit status for a missing one differs by version.
            let removed = self
                .engine
                .call_within(&self.removal(), CONTAINER_REMOVAL)
                .is_ok_and(|output| output.stdout.trim() == self.name);
            if removed || self.created || begin.elapsed() > CONTAINER_CREATION {
                return;
            }
            std::thread::sleep(REMOVAL_PAUSE);
        }
    }
}
