//! `minis2i watch` as a child process, and the JSON messages that it prints.

use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::child::{StderrFile, check_alive, forward_json, terminate};
use super::edit::Edit;
use super::tag;
use crate::bench::engine_api::EngineApi;
use crate::bench::engine_objects::EngineObjects;
use crate::bench::phases;
use crate::bench::save::Save;
use crate::{process, signals};

/// How long each message may take that is waited for. Chosen, not measured: it only ends a wait for a message that will
/// never come.
const WAIT_LIMIT: Duration = Duration::from_secs(120);

/// A watch of one source. Dropping it ends it.
pub struct WatchProcess {
    child: Child,
    messages: Receiver<(Instant, Value)>,
    stderr: StderrFile,
    started: Instant,
    /// The last build that ended.
    build: u64,
    pub tag: String,
    pub edit: Edit,
}

impl WatchProcess {
    /// Starts it. `more` are options for minis2i.
    pub fn start(
        source: &Path,
        builder: &str,
        tag: &str,
        edit: Edit,
        objects: &EngineObjects,
        more: &[&str],
    ) -> Result<Self> {
        let label = ["--", "--label", objects.label()];
        Self::start_with((source, builder, tag), edit, more, &label, None)
    }

    /// Starts it with the engine at the address `docker_host`. Its images have no label of the bench, as an option for that
    /// takes some calls at each commit; the caller removes the one that has the tag.
    pub fn start_at(docker_host: &str, what: (&Path, &str, &str), edit: Edit) -> Result<Self> {
        Self::start_with(what, edit, &[], &[], Some(docker_host))
    }

    fn start_with(
        (source, builder, tag): (&Path, &str, &str),
        edit: Edit,
        more: &[&str],
        engine_options: &[&str],
        docker_host: Option<&str>,
    ) -> Result<Self> {
        let source = source.to_str().context("TMPDIR is not UTF-8")?;
        let stderr = StderrFile::new()?;
        let mut command = process::command(&["target/release/minis2i", "watch", "--message-format", "json"]);
        command.args(more).args([source, builder, tag]).args(engine_options);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr.writer()?);
        command.envs(docker_host.map(|host| ("DOCKER_HOST", host)));
        let started = Instant::now();
        let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let stdout = child.stdout.take().expect("stdout is piped");
        let (sender, messages) = mpsc::channel();
        std::thread::spawn(move || forward_json(stdout, &sender));
        Ok(Self { child, messages, stderr, started, build: 0, tag: tag.to_owned(), edit })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it says that it watches; returns how long that took from its start.
    pub fn wait_until_watching(&mut self) -> Result<Duration> {
        let (at, _) = self.wait_for("watch-started")?;
        Ok(at - self.started)
    }

    /// Waits for the first build, and until all is ready for a save.
    pub fn wait_until_ready(&mut self) -> Result<()> {
        self.wait_until_watching()?;
        self.wait_for_build()?;
        self.wait_for_standby().map(drop)
    }

    /// Waits until the standby for the next build is ready; returns when that was.
    pub fn wait_for_standby(&mut self) -> Result<Instant> {
        loop {
            let (at, message) = self.wait_for("standby-ready")?;
            if message["build"].as_u64().is_none_or(|build| build > self.build) {
                return Ok(at);
            }
        }
    }

    /// Saves, and waits for the tag.
    pub fn save(&mut self, api: &mut EngineApi) -> Result<Save> {
        let before = tag::image(api, &self.tag)?;
        let begin = self.edit.save()?;
        let child = &mut self.child;
        let (image, moved) = tag::wait_until_moved(api, &self.tag, Some(&before), || check_alive(child))?;
        let finished = self.wait_for_build()?;
        ensure!(finished["image"] == image.as_str(), "the tag is on {image}, but minis2i says {}", finished["image"]);
        let phases = phases::times(&finished["phases"])?;
        Ok(Save { whole: moved - begin, phases, image, standby: used_standby(&finished) })
    }

    /// A whole turn: saves, waits for the next standby, and checks the bytes in the image.
    pub fn save_and_check(&mut self, api: &mut EngineApi) -> Result<Save> {
        let save = self.save(api)?;
        self.wait_for_standby()?;
        self.edit.check_image(&save.image)?;
        Ok(save)
    }

    /// Whether it already said that the standby is ready.
    pub fn standby_is_ready(&mut self) -> bool {
        self.messages.try_iter().any(|(_, message)| message["reason"] == "standby-ready")
    }

    /// Fails when it has ended.
    pub fn check_alive(&mut self) -> Result<()> {
        check_alive(&mut self.child)
    }

    /// Waits for the end of a build that was not cancelled.
    pub fn wait_for_build(&mut self) -> Result<Value> {
        loop {
            let (_, finished) = self.wait_for("build-finished")?;
            self.build = finished["build"].as_u64().unwrap_or(self.build);
            match finished["status"].as_str() {
                Some("ok") => return Ok(finished),
                Some("cancelled") => {}
                _ => bail!("a build of `{}` failed: {finished}", self.tag),
            }
        }
    }

    /// Waits for the end of a good build whose `assemble` prints this line.
    pub fn wait_for_build_that_prints(&mut self, text: &str) -> Result<()> {
        loop {
            let (_, output) = self.wait_for("output")?;
            if output["text"] != text {
                continue;
            }
            let (_, finished) = self.wait_for("build-finished")?;
            if finished["status"] == "ok" {
                return Ok(());
            }
        }
    }

    fn wait_for(&mut self, reason: &str) -> Result<(Instant, Value)> {
        let begin = Instant::now();
        loop {
            signals::check()?;
            match self.messages.recv_timeout(Duration::from_millis(100)) {
                Ok((at, message)) if message["reason"] == reason => return Ok((at, message)),
                Ok((_, message)) if message["reason"] == "error" => bail!("minis2i says {message}"),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) if begin.elapsed() < WAIT_LIMIT => {}
                Err(RecvTimeoutError::Timeout) => {
                    bail!("minis2i did not say `{reason}` within {} s", WAIT_LIMIT.as_secs())
                }
                Err(RecvTimeoutError::Disconnected) => bail!("minis2i ended early: {}", self.stderr.read()),
            }
        }
    }
}

impl Drop for WatchProcess {
    fn drop(&mut self) {
        terminate(&mut self.child);
    }
}

fn used_standby(finished: &Value) -> bool {
    let standby = &finished["standby"];
    standby == "used" || standby["used"] == true
}
