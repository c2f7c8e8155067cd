//! The naive way to build on every save: `watchexec`, or a loop like it, runs a chain of CLI calls.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::child::{StderrFile, check_alive, forward_json, terminate};
use super::edit::Edit;
#[cfg(target_os = "linux")]
use super::inotify_loop::InotifyLoop;
use super::tag;
use super::trigger::Trigger;
use crate::bench::baseline_build;
use crate::bench::engine_api::EngineApi;
use crate::bench::engine_objects::EngineObjects;
use crate::bench::phases::{self, Phases};
use crate::bench::save::Save;
use crate::{process, signals};

/// How long a build may take. Chosen, not measured: it only ends a wait for a build that will never end.
const BUILD_LIMIT: Duration = Duration::from_secs(120);

/// A source that is built on every save. Dropping it ends that.
pub struct Baseline {
    runner: Runner,
    reports: Receiver<(Instant, Value)>,
    stderr: StderrFile,
    tag: String,
    edit: Edit,
}

enum Runner {
    Watchexec(Child),
    #[cfg(target_os = "linux")]
    Inotify(InotifyLoop),
}

impl Baseline {
    /// Starts it, and waits for its first build.
    pub fn start(
        trigger: &Trigger,
        source: &Path,
        builder: &str,
        tag: &str,
        edit: Edit,
        objects: &EngineObjects,
    ) -> Result<Self> {
        let program = std::env::current_exe()?;
        let container = objects.name("baseline-container");
        let mut line: Vec<&str> =
            vec![program.to_str().context("xtask's own path is not UTF-8")?, "bench", baseline_build::TASK];
        line.extend([source.to_str().context("TMPDIR is not UTF-8")?, builder, tag, &container, objects.label()]);
        let (sender, reports) = mpsc::channel();
        let stderr = StderrFile::new()?;
        let runner = match trigger {
            Trigger::Watchexec { program, .. } => {
                let mut command = watchexec(program, source);
                let child = command.args(line).stderr(stderr.writer()?).spawn();
                let mut child = child.context("cannot start `watchexec`")?;
                let stdout = child.stdout.take().expect("stdout is piped");
                std::thread::spawn(move || forward_json(stdout, &sender));
                Runner::Watchexec(child)
            }
            #[cfg(target_os = "linux")]
            Trigger::Inotify => Runner::Inotify(InotifyLoop::start(source, &line, sender)?),
            #[cfg(not(target_os = "linux"))]
            Trigger::Inotify => bail!("the baseline needs `watchexec` here; `--install` installs it"),
        };
        let mut baseline = Self { runner, reports, stderr, tag: tag.to_owned(), edit };
        baseline.wait_for_report().context("the first build of the baseline did not end")?;
        Ok(baseline)
    }

    /// Saves, waits for the tag and the end of the build, and makes sure of the bytes.
    pub fn save_and_check(&mut self, api: &mut EngineApi) -> Result<Save> {
        let before = tag::image(api, &self.tag)?;
        let began = SystemTime::now();
        let begin = self.edit.save()?;
        let runner = &mut self.runner;
        let (image, moved) = tag::wait_until_moved(api, &self.tag, Some(&before), || runner.check_alive())?;
        let report = self.wait_for_report()?;
        let phases = phases(&report, began)?;
        self.edit.check_image(&image)?;
        Ok(Save { whole: moved - begin, phases, image, standby: false })
    }

    fn wait_for_report(&mut self) -> Result<Value> {
        let begin = Instant::now();
        loop {
            signals::check()?;
            self.runner.check_alive()?;
            if let Ok((_, report)) = self.reports.recv_timeout(Duration::from_millis(100)) {
                return Ok(report);
            }
            if begin.elapsed() > BUILD_LIMIT {
                bail!("the baseline did not build within {} s: {}", BUILD_LIMIT.as_secs(), self.stderr.read());
            }
        }
    }
}

impl Runner {
    fn check_alive(&mut self) -> Result<()> {
        match self {
            Self::Watchexec(child) => check_alive(child),
            #[cfg(target_os = "linux")]
            Self::Inotify(inotify) => inotify.check_alive(),
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

fn watchexec(program: &str, source: &Path) -> Command {
    let mut command = process::command(&[program, "--quiet", "--shell", "none", "--debounce", "50ms"]);
    command.args(["--on-busy-update", "queue", "--watch"]).arg(source).arg("--");
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// The phases up to the tag; before the first there is what passed between the save and the start of the build.
fn phases(report: &Value, saved: SystemTime) -> Result<Phases> {
    let saved = saved.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let started = report["started"].as_f64().context("a report has no start")?;
    let mut phases = phases::times(&report["phases"])?;
    phases.retain(|(name, _)| name != "remove");
    phases.push(("settle".to_owned(), Duration::from_secs_f64((started - saved).max(0.0))));
    Ok(phases)
}
