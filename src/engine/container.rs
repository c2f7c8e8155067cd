//! Containers of ours: they have a name before they exist, and nobody forgets to remove them.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Engine, Process};

/// How long removing a container may hold up our own end.
const REMOVAL_LIMIT: Duration = Duration::from_millis(1500);

/// How long a container may take to appear after its CLI was killed in the middle of creating it.
const BIRTH_LIMIT: Duration = Duration::from_millis(800);

/// A container that belongs to us. Dropping it removes it, with its anonymous volumes.
pub struct Container {
    engine: Engine,
    name: String,
    owned: bool,
    born: bool,
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
        Ok((Self { engine: engine.steady(), name, owned: true, born: false }, process))
    }

    /// Makes a container that does not run yet: `docker create --name NAME ARGS`.
    ///
    /// # Errors
    /// When the engine can not do it, or work was cancelled.
    pub fn create(engine: &Engine, name: String, options: &[String]) -> Result<Self> {
        let mut args = vec!["create".to_owned(), "--name".to_owned(), name.clone()];
        args.extend_from_slice(options);
        // It is ours before it exists: the engine may make it after its CLI was killed.
        let mut container = Self { engine: engine.steady(), name, owned: true, born: false };
        engine.demand(&args)?;
        container.born = true;
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
    pub fn is_born(&mut self) {
        self.born = true;
    }

    /// Leaves the removal to somebody else; returns the name.
    pub fn leave(mut self) -> String {
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
                .call_within(&self.removal(), REMOVAL_LIMIT)
                .is_ok_and(|output| output.stdout.trim() == self.name);
            if removed || self.born || begin.elapsed() > BIRTH_LIMIT {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
