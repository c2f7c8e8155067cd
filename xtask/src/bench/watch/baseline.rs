//! The naive way to build on every save: `watchexec`, or a loop like it, runs a chain of CLI calls.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

#[cfg(target_os = "linux")]
use super::inotify_loop::Loop;
use super::save::{self, Edit, Save};
use super::watch_process::{Complaints, end, is_alive, listen};
use crate::bench::cli_chain::Naive;
use crate::bench::engine_api::Api;
use crate::bench::engine_objects::Traces;
use crate::{process, signals, workspace};

/// The hidden bench that is one build of the naive way.
pub const TASK: &str = "baseline-build";

/// Where `--install` puts `watchexec`.
const TOOLS: &str = "target/bench/tools";

/// How long a build may take.
const PATIENCE: Duration = Duration::from_secs(120);

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
            process::show(&["cargo", "install", "--locked", "--root", TOOLS, "watchexec-cli"])?;
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
        let mut line: Vec<&str> = vec![program.to_str().context("xtask's own path is not UTF-8")?, "bench", TASK];
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
        let before = save::tagged(api, &self.tag)?;
        let began = SystemTime::now();
        let begin = self.edit.save()?;
        let runner = &mut self.runner;
        let (image, moved) = save::until_moved(api, &self.tag, Some(&before), || runner.is_alive())?;
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
fn phases(report: &Value, saved: SystemTime) -> Result<save::Phases> {
    let saved = saved.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let started = report["started"].as_f64().context("a report has no start")?;
    let mut phases = crate::bench::phases::times(&report["phases"])?;
    phases.retain(|(name, _)| name != "remove");
    phases.push(("settle".to_owned(), Duration::from_secs_f64((started - saved).max(0.0))));
    Ok(phases)
}

/// The hidden bench: one build, and a line about it.
pub fn build(args: &[String]) -> Result<()> {
    let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let [source, builder, tag, container, label] = args else {
        bail!("`bench {TASK}` takes a source, a builder, a tag, the name of a container and a label");
    };
    let chain = Naive { source: Path::new(source), builder, tag, container, label }.build()?;
    let phases: serde_json::Map<String, Value> =
        chain.phases.iter().map(|(name, time)| ((*name).to_owned(), json!(time.as_secs_f64()))).collect();
    println!("{}", json!({"started": started, "phases": phases}));
    Ok(())
}
