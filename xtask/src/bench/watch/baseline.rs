//! The naive way to build on every save: `watchexec`, or a loop like it, runs a chain of CLI calls.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::child::{Complaints, end, is_alive, listen};
use super::edit::Edit;
#[cfg(target_os = "linux")]
use super::inotify_loop::Loop;
use super::save::Save;
use super::tag;
use super::trigger::Trigger;
use crate::bench::baseline_build;
use crate::bench::engine_api::Api;
use crate::bench::engine_objects::Traces;
use crate::bench::phases::{self, Phases};
use crate::{process, signals};

/// How long a build may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A source that is built on every save. Dropping it ends that.
pub struct Baseline {
    runner: Runner,
    reports: Receiver<(Instant, Value)>,
    complaints: Complaints,
    tag: String,
    edit: Edit,
}

enum Runner {
    Watchexec(Child),
    #[cfg(target_os = "linux")]
    Loop(Loop),
}

impl Baseline {
    /// Starts it, and waits for its first build.
    pub fn start(
        trigger: &Trigger,
        source: &Path,
        builder: &str,
        tag: &str,
        edit: Edit,
        traces: &Traces,
    ) -> Result<Self> {
        let program = std::env::current_exe()?;
        let container = traces.name("baseline-container");
        let mut line: Vec<&str> =
            vec![program.to_str().context("xtask's own path is not UTF-8")?, "bench", baseline_build::TASK];
        line.extend([source.to_str().context("TMPDIR is not UTF-8")?, builder, tag, &container, traces.label()]);
        let (sender, reports) = mpsc::channel();
        let complaints = Complaints::new()?;
        let runner = match trigger {
            Trigger::Watchexec { program, .. } => {
                let mut command = watchexec(program, source);
                let child = command.args(line).stderr(complaints.writer()?).spawn();
                let mut child = child.context("cannot start `watchexec`")?;
                let stdout = child.stdout.take().expect("stdout is piped");
                std::thread::spawn(move || listen(stdout, &sender));
                Runner::Watchexec(child)
            }
            #[cfg(target_os = "linux")]
            Trigger::Inotify => Runner::Loop(Loop::start(source, &line, sender)?),
            #[cfg(not(target_os = "linux"))]
            Trigger::Inotify => bail!("the baseline needs `watchexec` here; `--install` installs it"),
        };
        let mut baseline = Self { runner, reports, complaints, tag: tag.to_owned(), edit };
        baseline.report().context("the first build of the baseline did not end")?;
        Ok(baseline)
    }

    /// Saves, waits for the tag and the end of the build, and makes sure of the bytes.
    pub fn turn(&mut self, api: &mut Api) -> Result<Save> {
        let before = tag::tagged(api, &self.tag)?;
        let began = SystemTime::now();
        let begin = self.edit.save()?;
        let runner = &mut self.runner;
        let (image, moved) = tag::until_moved(api, &self.tag, Some(&before), || runner.is_alive())?;
        let report = self.report()?;
        let phases = phases(&report, began)?;
        self.edit.prove(&image)?;
        Ok(Save { whole: moved - begin, phases, image, standby: false })
    }

    fn report(&mut self) -> Result<Value> {
        let begin = Instant::now();
        loop {
            signals::check()?;
            self.runner.is_alive()?;
            if let Ok((_, report)) = self.reports.recv_timeout(Duration::from_millis(100)) {
                return Ok(report);
            }
            if begin.elapsed() > PATIENCE {
                bail!("the baseline did not build within {} s: {}", PATIENCE.as_secs(), self.complaints.read());
            }
        }
    }
}

impl Runner {
    fn is_alive(&mut self) -> Result<()> {
        match self {
            Self::Watchexec(child) => is_alive(child),
            #[cfg(target_os = "linux")]
            Self::Loop(inotify) => inotify.is_alive(),
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        match self {
            Self::Watchexec(child) => end(child),
            // Its own drop ends it.
            #[cfg(target_os = "linux")]
            Self::Loop(_) => {}
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
