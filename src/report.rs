//! Messages as data, and the one who prints them: text for people on stderr, or JSON lines on stdout.

mod escapes;
mod human;
mod json;

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
    pub standby: Option<Standby>,
    /// Phases in the order they came. They may overlap, so they need not add up to the total.
    pub phases: Vec<(&'static str, Duration)>,
}

/// What a build of a watch was built in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standby {
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
        Self { printer: Arc::new(Mutex::new(printer)), level }
    }

    pub fn tell(&self, message: &Message) {
        let wanted = match message {
            Message::Error(_) => true,
            Message::BuildFinished(finished) => self.level > Level::Quiet || finished.outcome == Outcome::Ok,
            Message::Call(_) => self.level == Level::Verbose,
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
        self.tell(&Message::Note(text));
    }

    pub fn warn(&self, text: &str) {
        self.tell(&Message::Warning(text));
    }

    pub fn phase(&self, name: &'static str) {
        self.tell(&Message::Phase(name));
    }
}
