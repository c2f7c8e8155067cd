//! What starts a build of the baseline on every save.

use anyhow::Result;

use crate::{process, workspace};

/// Where `--install` puts `watchexec`.
const TOOLS: &str = "target/bench/tools";

/// What starts the builds.
pub enum Trigger {
    Watchexec {
        program: String,
        version: String,
    },
    /// Where there is no `watchexec`: our own loop.
    Inotify,
}

impl Trigger {
    /// Looks for `watchexec`, and installs it if that is asked for.
    pub fn find(install: bool) -> Result<Self> {
        let own = workspace::root().join(TOOLS).join("bin/watchexec").display().to_string();
        let programs = ["watchexec".to_owned(), own];
        if install && !programs.iter().any(|program| process::succeeds(&[program, "--version"])) {
            process::echo_and_run(&["cargo", "install", "--locked", "--root", TOOLS, "watchexec-cli"])?;
        }
        let found = programs.into_iter().find_map(|program| {
            let version = process::output(&[&program, "--version"]).ok()?;
            let version = version.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
            Some(Self::Watchexec { program, version })
        });
        Ok(found.unwrap_or(Self::Inotify))
    }

    /// What to call it.
    pub fn name(&self) -> &str {
        match self {
            Self::Watchexec { version, .. } => version,
            Self::Inotify => "an inotify loop (50 ms)",
        }
    }
}
