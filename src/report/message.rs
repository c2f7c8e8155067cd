//! Messages as data: everything that can be reported. How it is printed is left to the printers.

pub mod app;
mod outcome;
mod output_line;
mod problem;
pub mod push;
mod source_path;
pub mod timings;
mod up_to_date;

use std::time::Duration;

use app::AppMessage;
pub use outcome::Outcome;
pub use output_line::OutputLine;
pub use problem::{Problem, ProblemStyle};
use push::PushMessage;
pub use source_path::SourcePath;
use timings::TimingsWritten;
pub use up_to_date::UpToDate;

/// Something to report.
pub enum Message<'a> {
    BuildStarted(&'a Started),
    /// What is done right now; only shown on a terminal, where it can be erased.
    Phase(&'static str),
    /// The same, of a program that may ask something on the terminal: nothing may be drawn over that.
    AskingPhase(&'static str),
    /// A line of a script's output.
    Output(OutputLine<'a>),
    /// A line of the output of the build with this number, which the user wants to see again.
    OutputAgain(u64, OutputLine<'a>),
    /// A line that a hook of this build printed.
    HookOutput(u64, OutputLine<'a>),
    Note(&'a str),
    /// The answer to a key; a note that a quiet run prints, too.
    Answer(&'a str),
    Warning(&'a str),
    Call(&'a EngineCall),
    /// An error in the source that the output of a failed build names.
    Problem(&'a Problem, &'a ProblemStyle),
    BuildFinished(&'a Finished),
    WatchStarted(&'a Watching),
    /// The standby for the build with this number is ready.
    StandbyReady(u64),
    /// Why there is no build although something happened.
    Skipped(&'a str),
    /// What was asked for has its image.
    UpToDate(&'a UpToDate),
    /// Clears the screen.
    Clear,
    WatchFinished(&'a Summary),
    TimingsWritten(&'a TimingsWritten),
    App(AppMessage<'a>),
    Push(PushMessage<'a>),
    Error(&'a anyhow::Error),
}

/// A call of the engine's CLI.
pub struct EngineCall {
    /// The command, quoted for a shell.
    pub command_line: String,
    pub state: CallState,
}

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallState {
    Started,
    /// It has run for this long, although such a call usually takes milliseconds.
    Slow(Duration),
    Ended {
        took: Duration,
        /// Whether its start was reported before.
        start_reported: bool,
    },
}

impl EngineCall {
    /// What is said about a call that takes unusually long.
    pub fn slow_note(&self) -> Option<String> {
        let CallState::Slow(time) = self.state else { return None };
        let words: Vec<_> = self.command_line.split(' ').take(3).collect();
        Some(format!(
            "`{}` has not answered for {} s; if it waits for a password or the like, end this (Ctrl-C) and log in first",
            words.join(" "),
            time.as_secs()
        ))
    }
}

/// The beginning of a build.
#[derive(Clone, Debug)]
pub struct Started {
    /// The number of the build in its run, from 1.
    pub build: u64,
    pub source: String,
    pub builder: String,
    pub tag: String,
    /// The id of the image whose artifacts are taken over, if any are.
    pub previous: Option<String>,
    /// Why it was started; only in a watch.
    pub why: Option<Why>,
}

/// Why a build of a watch was started.
#[derive(Clone, Debug)]
pub struct Why {
    /// The reason, as the end of a sentence.
    pub text: String,
    /// The paths of the first few files that changed.
    pub changed: Vec<String>,
    /// How many more files changed.
    pub more: usize,
}

/// The beginning of a watch.
#[derive(Clone, Debug)]
pub struct Watching {
    pub source: String,
    pub builder: String,
    pub tag: String,
    /// How many folders are watched.
    pub folders: usize,
    /// How often the whole source is looked at, if there are no events.
    pub poll: Option<Duration>,
    /// Whether keys are read from the terminal.
    pub keys: bool,
}

/// The builds of a watch.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// How long the builds took that succeeded.
    pub times: Vec<Duration>,
    pub failed: u64,
    pub cancelled: u64,
}

impl Summary {
    /// The number of all builds.
    pub fn builds(&self) -> u64 {
        self.times.len() as u64 + self.failed + self.cancelled
    }

    /// The time of the fastest build that succeeded, if one did.
    pub fn fastest(&self) -> Option<Duration> {
        self.times.iter().min().copied()
    }

    /// The median of the times of the builds that succeeded, if one did.
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

/// The end of a build.
#[derive(Clone, Debug)]
pub struct Finished {
    pub build: u64,
    pub outcome: Outcome,
    pub tag: String,
    /// The id of the new image, if there is one.
    pub image: Option<String>,
    /// The exit status of `assemble`, if it ended.
    pub assemble_status: Option<i32>,
    /// How long it took; in a watch, since the save.
    pub total: Duration,
    /// Whether a standby was used; only in a watch.
    pub standby: Option<StandbyUse>,
    /// The names of phases and how long they took, in their order. Phases may overlap, so their sum may not be the total.
    pub phases: Vec<(&'static str, Duration)>,
}

/// In which container a build of a watch ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StandbyUse {
    /// In the standby.
    Used,
    /// In a new container, for this reason.
    None(String),
}

/// The first twelve digits of an image's id, as docker shows it.
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
