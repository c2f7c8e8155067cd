//! Reporting to the user: as text for people on stderr, or as JSON lines for programs on stdout. The only place that
//! prints; what is reported, and when, is up to the callers.

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

/// Prints messages. Clones print to the same place, one message at a time.
#[derive(Clone)]
pub struct Reporter {
    printer: Arc<Mutex<Printer>>,
    level: Level,
    /// The notes that were reported; `None` if each is reported as often as it comes.
    reported: Option<Arc<Mutex<HashSet<String>>>>,
    /// Whether phases and notes are left out.
    without_notes: bool,
}

enum Printer {
    Human(human::Human),
    Json(json::Json),
}

impl Reporter {
    /// A reporter that prints messages up to this level in this format.
    pub fn new(format: Format, level: Level, color: Color) -> Self {
        let printer = match format {
            Format::Human => Printer::Human(human::Human::new(level, color)),
            Format::Json => Printer::Json(json::Json::default()),
        };
        Self { printer: Arc::new(Mutex::new(printer)), level, reported: None, without_notes: false }
    }

    /// The same reporter, which reports each note only once.
    pub fn with_notes_once(&self) -> Self {
        Self { reported: Some(Arc::default()), ..self.clone() }
    }

    /// The same reporter without phases and notes: for work that the user does not wait for, such as preparing the next
    /// build, which would only repeat the notes of the last one.
    pub fn without_notes(self) -> Self {
        Self { without_notes: true, ..self }
    }

    /// Prints a message, if this reporter prints messages of its kind.
    pub fn emit(&self, message: &Message) {
        let wanted = match message {
            Message::Error(_) => true,
            Message::BuildFinished(finished) => self.level > Level::Quiet || finished.outcome == Outcome::Ok,
            Message::Call(_) => self.level == Level::Verbose,
            Message::Phase(_) => !self.without_notes && self.level > Level::Quiet,
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

    /// Reports something that is worth knowing, but needs no action.
    pub fn note(&self, text: &str) {
        if !self.without_notes && self.is_new(text) {
            self.emit(&Message::Note(text));
        }
    }

    /// Reports a warning, but only once if this reporter reports each note only once: for what does not change from build
    /// to build.
    pub fn warn_once(&self, text: &str) {
        if self.is_new(text) {
            self.warn(text);
        }
    }

    /// Whether a note or warning has to be reported, as it was not reported before or repetitions are wanted.
    fn is_new(&self, text: &str) -> bool {
        let insert = |known: &Mutex<HashSet<String>>| known.lock().is_ok_and(|mut known| known.insert(text.to_owned()));
        self.reported.as_deref().is_none_or(insert)
    }

    /// Reports something that may not be what the user wants.
    pub fn warn(&self, text: &str) {
        self.emit(&Message::Warning(text));
    }

    /// Shows what is done right now.
    pub fn phase(&self, name: &'static str) {
        self.emit(&Message::Phase(name));
    }
}

/// Prints the result of a command to standard output. A broken pipe is not an error.
///
/// # Errors
/// When standard output cannot be written to for another reason, such as a full disk.
pub fn print_result(text: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
