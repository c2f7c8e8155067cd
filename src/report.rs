//! Reporting to the user: the only place that prints, as text for people on stderr or as JSON lines on stdout.

mod human;
mod json;
pub mod message;
mod strip_escapes;
pub mod style;

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use anyhow::Result;

use message::{Message, Outcome};
use style::{Color, Format, Level};

/// Prints messages. Clones print to the same place; a message is never torn by another.
#[derive(Clone)]
pub struct Reporter {
    printer: Arc<Mutex<Printer>>,
    level: Level,
    /// Notes that were reported, where each is reported once.
    reported: Option<Arc<Mutex<HashSet<String>>>>,
    /// Phases and notes are kept back.
    silent: bool,
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
        Self { printer: Arc::new(Mutex::new(printer)), level, reported: None, silent: false }
    }

    /// The same, which reports each note once.
    pub fn with_notes_once(&self) -> Self {
        Self { reported: Some(Arc::default()), ..self.clone() }
    }

    /// The same without phases and notes: for work that the user does not wait for, such as preparing the next build, which
    /// would only repeat the notes of the last one.
    pub fn without_notes(self) -> Self {
        Self { silent: true, ..self }
    }

    /// Shows a message, if this reporter shows messages of its kind.
    pub fn emit(&self, message: &Message) {
        let wanted = match message {
            Message::Error(_) => true,
            Message::BuildFinished(finished) => self.level > Level::Quiet || finished.outcome == Outcome::Ok,
            Message::Call(_) => self.level == Level::Verbose,
            Message::Phase(_) => !self.silent && self.level > Level::Quiet,
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
        if !self.silent && self.is_new(text) {
            self.emit(&Message::Note(text));
        }
    }

    /// A warning about something that stays as it is, so that a second one would say nothing new.
    pub fn warn_once(&self, text: &str) {
        if self.is_new(text) {
            self.warn(text);
        }
    }

    /// Whether a note is to be reported: always, unless this reporter reports each once.
    fn is_new(&self, text: &str) -> bool {
        let insert = |known: &Mutex<HashSet<String>>| known.lock().is_ok_and(|mut known| known.insert(text.to_owned()));
        self.reported.as_deref().is_none_or(insert)
    }

    pub fn warn(&self, text: &str) {
        self.emit(&Message::Warning(text));
    }

    pub fn phase(&self, name: &'static str) {
        self.emit(&Message::Phase(name));
    }
}

/// Prints what a command was asked for to standard output. A reader that went away is no error.
///
/// # Errors
/// When standard output can not be written to for another reason, such as a full disk.
pub fn print_result(text: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
