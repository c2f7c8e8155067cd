//! Messages as data, and the one who prints them: text for people on stderr, or JSON lines on stdout.

mod escapes;
mod human;
mod json;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;

use crate::engine::Call;

/// How messages are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Human,
    Json,
}

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Errors, and the id.
    Quiet,
    Normal,
    /// Also every call of the engine's CLI.
    Verbose,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    Always,
    Never,
}

/// What is told.
pub enum Message<'a> {
    BuildStarted(&'a Started),
    /// What is going on right now; shown only where it can be taken back.
    Phase(&'static str),
    /// A line of a script's output, without its end.
    Output(&'a [u8]),
    Note(&'a str),
    Warning(&'a str),
    Call(&'a Call),
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

/// Prints messages. Clones print to the same place; a message is never torn by another.
#[derive(Clone)]
pub struct Reporter {
    printer: Arc<Mutex<Printer>>,
    level: Level,
    /// Notes that were told, where each is told once.
    told: Option<Arc<Mutex<HashSet<String>>>>,
    /// What goes on right now, and notes, are nobody's business.
    still: bool,
}

enum Printer {
    Human(human::Human),
    Json(json::Json),
}

impl Reporter {
    pub fn new(format: Format, level: Level, color: Color) -> Self {
        let printer = match format {
            Format::Human => Printer::Human(human::Human::new(level, color)),
            Format::Json => Printer::Json(json::Json::default()),
        };
        Self { printer: Arc::new(Mutex::new(printer)), level, told: None, still: false }
    }

    /// The same, which does not tell a note again that it told before.
    pub fn telling_once(&self) -> Self {
        Self { told: Some(Arc::default()), ..self.clone() }
    }

    /// The same for work beside what the user waits for, which does again what was told of before.
    pub fn still(self) -> Self {
        Self { still: true, ..self }
    }

    pub fn tell(&self, message: &Message) {
        let wanted = match message {
            Message::Error(_) => true,
            Message::BuildFinished(finished) => self.level > Level::Quiet || finished.outcome == Outcome::Ok,
            Message::Call(_) => self.level == Level::Verbose,
            Message::Phase(_) => !self.still && self.level > Level::Quiet,
            _ => self.level > Level::Quiet,
        };
        if !wanted {
            return;
        }
        match &mut *self.printer.lock().expect("printing does not panic") {
            Printer::Human(human) => human.print(message),
            Printer::Json(json) => json.print(message),
        }
    }

    pub fn note(&self, text: &str) {
        if !self.still && self.is_new(text) {
            self.tell(&Message::Note(text));
        }
    }

    /// A warning about something that stays as it is, so that telling it again says nothing.
    pub fn warn_once(&self, text: &str) {
        if self.is_new(text) {
            self.warn(text);
        }
    }

    /// Whether it is to be told: always, unless this reporter tells things once.
    fn is_new(&self, text: &str) -> bool {
        let insert = |told: &Mutex<HashSet<String>>| told.lock().is_ok_and(|mut told| told.insert(text.to_owned()));
        self.told.as_deref().is_none_or(insert)
    }

    pub fn warn(&self, text: &str) {
        self.tell(&Message::Warning(text));
    }

    pub fn phase(&self, name: &'static str) {
        self.tell(&Message::Phase(name));
    }
}
