//! `minis2i watch`, run and listened to.

use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::child::{Complaints, end, is_alive, listen};
use super::edit::Edit;
use super::save::Save;
use super::tag;
use crate::bench::engine_api::Api;
use crate::bench::engine_objects::Traces;
use crate::bench::phases;
use crate::{process, signals};

/// How long anything that is waited for may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A watch of one source. Dropping it ends it.
pub struct Watch {
    child: Child,
    said: Receiver<(Instant, Value)>,
    complaints: Complaints,
    begun: Instant,
    /// The last build that ended.
    build: u64,
    pub tag: String,
    pub edit: Edit,
}

impl Watch {
    /// Starts it. `more` are options for minis2i.
    pub fn start(source: &Path, builder: &str, tag: &str, edit: Edit, traces: &Traces, more: &[&str]) -> Result<Self> {
        let source = source.to_str().context("TMPDIR is not UTF-8")?;
        let complaints = Complaints::new()?;
        let mut command = process::command(&["target/release/minis2i", "watch", "--message-format", "json"]);
        command.args(more).args([source, builder, tag, "--", "--label", traces.label()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(complaints.writer()?);
        let begun = Instant::now();
        let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let stdout = child.stdout.take().expect("stdout is piped");
        let (sender, said) = mpsc::channel();
        std::thread::spawn(move || listen(stdout, &sender));
        Ok(Self { child, said, complaints, begun, build: 0, tag: tag.to_owned(), edit })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it says that it watches; returns how long that took from its start.
    pub fn watching(&mut self) -> Result<Duration> {
        let (at, _) = self.expect("watch-started")?;
        Ok(at - self.begun)
    }

    /// Waits for the first build, and until all is ready for a save.
    pub fn ready(&mut self) -> Result<()> {
        self.watching()?;
        self.finished()?;
        self.rest().map(drop)
    }

    /// Waits until the standby for the next build is ready; returns when that was.
    pub fn rest(&mut self) -> Result<Instant> {
        loop {
            let (at, said) = self.expect("standby-ready")?;
            if said["build"].as_u64().is_none_or(|build| build > self.build) {
                return Ok(at);
            }
        }
    }

    /// Saves, and waits for the tag.
    pub fn save(&mut self, api: &mut Api) -> Result<Save> {
        let before = tag::tagged(api, &self.tag)?;
        let begin = self.edit.save()?;
        let child = &mut self.child;
        let (image, moved) = tag::until_moved(api, &self.tag, Some(&before), || is_alive(child))?;
        let finished = self.finished()?;
        ensure!(finished["image"] == image.as_str(), "the tag is on {image}, but minis2i says {}", finished["image"]);
        let phases = phases::times(&finished["phases"])?;
        Ok(Save { whole: moved - begin, phases, image, standby: used_standby(&finished) })
    }

    /// A whole turn: saves, waits until all is at rest again, and makes sure of the bytes.
    pub fn turn(&mut self, api: &mut Api) -> Result<Save> {
        let save = self.save(api)?;
        self.rest()?;
        self.edit.prove(&save.image)?;
        Ok(save)
    }

    /// Whether it already said that the standby is ready.
    pub fn is_ready(&mut self) -> bool {
        self.said.try_iter().any(|(_, said)| said["reason"] == "standby-ready")
    }

    /// Waits for the end of a build that was not cancelled.
    fn finished(&mut self) -> Result<Value> {
        loop {
            let (_, finished) = self.expect("build-finished")?;
            self.build = finished["build"].as_u64().unwrap_or(self.build);
            match finished["status"].as_str() {
                Some("ok") => return Ok(finished),
                Some("cancelled") => {}
                _ => bail!("a build of `{}` failed: {finished}", self.tag),
            }
        }
    }

    fn expect(&mut self, reason: &str) -> Result<(Instant, Value)> {
        let begin = Instant::now();
        loop {
            signals::check()?;
            match self.said.recv_timeout(Duration::from_millis(100)) {
                Ok((at, said)) if said["reason"] == reason => return Ok((at, said)),
                Ok((_, said)) if said["reason"] == "error" => bail!("minis2i says {said}"),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) if begin.elapsed() < PATIENCE => {}
                Err(RecvTimeoutError::Timeout) => {
                    bail!("minis2i did not say `{reason}` within {} s", PATIENCE.as_secs())
                }
                Err(RecvTimeoutError::Disconnected) => bail!("minis2i ended early: {}", self.complaints.read()),
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn used_standby(finished: &Value) -> bool {
    let standby = &finished["standby"];
    standby == "used" || standby["used"] == true
}
