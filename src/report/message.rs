//! Messages as data: everything that can be reported, in types that know nothing of how it is shown.

use std::time::Duration;

use serde::Serialize;

/// What is reported.
pub enum Message<'a> {
    BuildStarted(&'a Started),
    /// What is going on right now; shown only where it can be taken back.
    Phase(&'static str),
    /// A line of a script's output, without its end.
    Output(&'a [u8]),
    Note(&'a str),
    Warning(&'a str),
    Call(&'a EngineCall),
    BuildFinished(&'a Finished),
    WatchStarted(&'a Watching),
    /// A container waits for the build of this number.
    StandbyReady(u64),
    /// Why there is no build though something happened.
    Skipped(&'a str),
    /// The screen is to be empty for what follows.
    Clear,
    WatchFinished(&'a Summary),
    Error(&'a anyhow::Error),
}

/// A call of the engine's CLI.
pub struct EngineCall {
    /// The command, quoted for a shell.
    pub command_line: String,
    /// How long it ran; `None` when it has only started.
    pub took: Option<Duration>,
    /// Whether its start was reported before.
    pub start_reported: bool,
}

/// The beginning of a build.
#[derive(Clone, Debug)]
pub struct Started {
    /// Counts builds of one run, from 1.
    pub build: u64,
    pub source: String,
    pub builder: String,
    pub tag: String,
    /// The image whose artifacts are taken over, if any.
    pub previous: Option<String>,
    /// Why it is made, in a watch.
    pub why: Option<Why>,
}

/// Why a build of a watch is made.
#[derive(Clone, Debug)]
pub struct Why {
    /// As the end of a sentence.
    pub text: String,
    /// Files that changed, the first few.
    pub changed: Vec<String>,
    /// How many more did.
    pub more: usize,
}

/// The beginning of a watch.
#[derive(Clone, Debug)]
pub struct Watching {
    pub source: String,
    pub builder: String,
    pub tag: String,
    /// Folders with a watch of their own.
    pub folders: usize,
    /// How often everything is looked at, where there are no events.
    pub poll: Option<Duration>,
    pub keys: bool,
}

/// What a watch did.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Times of the builds that succeeded.
    pub times: Vec<Duration>,
    pub failed: u64,
    pub cancelled: u64,
}

impl Summary {
    /// How many builds there were.
    pub fn builds(&self) -> u64 {
        self.times.len() as u64 + self.failed + self.cancelled
    }

    pub fn fastest(&self) -> Option<Duration> {
        self.times.iter().min().copied()
    }

    pub fn median(&self) -> Option<Duration> {
        let mut times = self.times.clone();
        times.sort_unstable();
        let middle = times.len() / 2;
        match times.len() {
            0 => None,
            odd if odd % 2 == 1 => Some(times[middle]),
            _ => Some((times[middle - 1] + times[middle]) / 2),
        }
    }
}

/// How a build ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Ok,
    Failed,
    Cancelled,
}

/// The end of a build.
#[derive(Clone, Debug)]
pub struct Finished {
    pub build: u64,
    pub outcome: Outcome,
    pub tag: String,
    /// The id of the new image, when there is one.
    pub image: Option<String>,
    /// The exit status of `assemble`, once it ended.
    pub assemble_status: Option<i32>,
    pub total: Duration,
    /// Whether a container was waiting for this build, in a watch.
    pub standby: Option<StandbyUse>,
    /// Phases in the order they came. They may overlap, so they need not add up to the total.
    pub phases: Vec<(&'static str, Duration)>,
}

/// What a build of a watch was built in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StandbyUse {
    /// The container that was waiting for it.
    Used,
    /// One of its own, for this reason.
    None(String),
}

/// The first twelve digits of an image's id, as people see it.
pub fn short_id(id: &str) -> &str {
    let digits = id.strip_prefix("sha256:").unwrap_or(id);
    digits.get(..12).unwrap_or(digits)
}

#[cfg(test)]
mod tests {
    use super::short_id;

    #[test]
    fn short_ids_have_twelve_digits() {
        assert_eq!(short_id("sha256:0123456789abcdef"), "0123456789ab");
        assert_eq!(short_id("0123"), "0123");
    }
}
