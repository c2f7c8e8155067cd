//! Saving a file, and the moment its bytes are under the tag.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};

use crate::bench::engine_api::Api;
use crate::bench::turns::Start;
use crate::{process, signals};

/// How often the engine is asked. An answer costs it a third of a millisecond.
const LOOK: Duration = Duration::from_millis(2);

/// How long the tag may take to move.
const LIMIT: Duration = Duration::from_secs(120);

/// The least time between the end of a turn and the next save.
const PAUSE: Duration = Duration::from_secs(2);

/// Names and times of what a build did.
pub type Phases = Vec<(String, Duration)>;

/// What a save led to.
pub struct Save {
    /// From the rename of the saved file to the tag on the new image.
    pub whole: Duration,
    pub phases: Phases,
    pub image: String,
    /// A standby was used.
    pub standby: bool,
}

impl Save {
    /// The phase of that name; no time when there was none.
    pub fn phase(&self, name: &str) -> Duration {
        self.phases.iter().filter(|(known, _)| known == name).map(|(_, time)| *time).sum()
    }
}

/// A file that is saved again and again, as an editor does it, and where `assemble` puts it.
pub struct Edit {
    file: PathBuf,
    within: &'static str,
    size: usize,
    text: String,
}

impl Edit {
    /// The file will have that size.
    pub fn new(file: PathBuf, within: &'static str, size: usize) -> Self {
        Self { file, within, size, text: String::new() }
    }

    /// Saves new bytes, into a file beside it that is then renamed. Returns the time just before the rename.
    pub fn save(&mut self) -> Result<Instant> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut text = format!("saved at {}\n", now.as_nanos());
        text.extend(std::iter::repeat_n('x', self.size.saturating_sub(text.len() + 1)));
        text.push('\n');
        let beside = self.file.with_extension("new");
        fs::write(&beside, &text)?;
        self.text = text;
        let begin = Instant::now();
        fs::rename(&beside, &self.file)?;
        Ok(begin)
    }

    /// Makes sure that the image holds the bytes that were saved last.
    pub fn prove(&self, image: &str) -> Result<()> {
        let holds = process::output(&[
            "docker",
            "run",
            "--rm",
            "--network",
            "none",
            "--entrypoint",
            "cat",
            image,
            self.within,
        ])?;
        ensure!(holds == self.text.trim(), "the new image does not hold the bytes that were saved");
        Ok(())
    }
}

/// Waits until the tag is on another image than before. Returns its id, and when that was.
pub fn until_moved(
    api: &mut Api,
    tag: &str,
    before: Option<&str>,
    mut fine: impl FnMut() -> Result<()>,
) -> Result<(String, Instant)> {
    let begin = Instant::now();
    loop {
        let image = api.image(tag)?;
        let now = Instant::now();
        if let Some(id) = image.filter(|id| Some(id.as_str()) != before) {
            return Ok((id, now));
        }
        signals::check()?;
        fine()?;
        if begin.elapsed() > LIMIT {
            bail!("the tag did not move within {} s", LIMIT.as_secs());
        }
        std::thread::sleep(LOOK);
    }
}

/// Keeps saves apart from each other.
pub struct Pace(Instant);

impl Pace {
    pub fn new() -> Self {
        Self(Instant::now())
    }

    /// Takes a turn when there was quiet for long enough, and at the part of a second at which the round is to start.
    pub fn turn<T>(&mut self, start: Start, turn: impl FnOnce() -> Result<T>) -> Result<T> {
        sleep(PAUSE.saturating_sub(self.0.elapsed()))?;
        start.wait();
        let result = turn();
        self.0 = Instant::now();
        result
    }
}

/// Sleeps, unless interrupted.
pub fn sleep(time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    loop {
        signals::check()?;
        let rest = end.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return Ok(());
        }
        std::thread::sleep(rest.min(Duration::from_millis(100)));
    }
}

/// The image that the tag is on.
pub fn tagged(api: &mut Api, tag: &str) -> Result<String> {
    api.image(tag)?.with_context(|| format!("there is no image `{tag}`"))
}
