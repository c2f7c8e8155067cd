//! A command that is run on every save of a source, by `watchexec` or a loop like it.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::child::{StderrFile, check_alive, forward_json, terminate};
#[cfg(target_os = "linux")]
use super::inotify_loop::InotifyLoop;
use super::trigger::Trigger;
use crate::{process, signals};

/// How long a run may take. Chosen, not measured: it only ends a wait for one that will never end.
const RUN_LIMIT: Duration = Duration::from_secs(120);

/// The command and what runs it. Dropping it ends that.
pub struct OnSave {
    runner: Runner,
    reports: Receiver<(Instant, Value)>,
    stderr: StderrFile,
}

enum Runner {
    Watchexec(Child),
    #[cfg(target_os = "linux")]
    Inotify(InotifyLoop),
}

impl OnSave {
    /// Has the command run, at once and on every save in this folder. Each time it prints one JSON value.
    pub fn start(trigger: &Trigger, folder: &Path, line: &[&str]) -> Result<Self> {
        let (sender, reports) = mpsc::channel();
        let stderr = StderrFile::new()?;
        let runner = match trigger {
            Trigger::Watchexec { program, .. } => {
                let mut command = watchexec(program, folder);
                let child = command.args(line).stderr(stderr.writer()?).spawn();
                let mut child = child.context("cannot start `watchexec`")?;
                let stdout = child.stdout.take().expect("stdout is piped");
                std::thread::spawn(move || forward_json(stdout, &sender));
                Runner::Watchexec(child)
            }
            #[cfg(target_os = "linux")]
            Trigger::Inotify => Runner::Inotify(InotifyLoop::start(folder, line, sender)?),
            #[cfg(not(target_os = "linux"))]
            Trigger::Inotify => bail!("the baseline needs `watchexec` here; `--install` installs it"),
        };
        Ok(Self { runner, reports, stderr })
    }

    /// Waits until the command has run; returns what it printed.
    pub fn wait_for_report(&mut self) -> Result<Value> {
        let begin = Instant::now();
        loop {
            signals::check()?;
            self.check_alive()?;
            if let Ok((_, report)) = self.reports.recv_timeout(Duration::from_millis(100)) {
                return Ok(report);
            }
            if begin.elapsed() > RUN_LIMIT {
                bail!("the baseline did not end within {} s: {}", RUN_LIMIT.as_secs(), self.stderr.read());
            }
        }
    }

    /// Fails when what runs the command has ended.
    pub fn check_alive(&mut self) -> Result<()> {
        match &mut self.runner {
            Runner::Watchexec(child) => check_alive(child),
            #[cfg(target_os = "linux")]
            Runner::Inotify(inotify) => inotify.check_alive(),
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        match self {
            Self::Watchexec(child) => terminate(child),
            // Its own drop ends it.
            #[cfg(target_os = "linux")]
            Self::Inotify(_) => {}
        }
    }
}

fn watchexec(program: &str, folder: &Path) -> Command {
    let mut command = process::command(&[program, "--quiet", "--shell", "none", "--debounce", "50ms"]);
    command.args(["--on-busy-update", "queue", "--watch"]).arg(folder).arg("--");
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}
