//! Reporting to the user: as text for people on stderr, or as JSON lines for programs on stdout. The only place that
//! prints; what is reported, and when, is up to the callers.

mod human;
mod json;
pub mod message;
mod recent_output;
mod strip_escapes;
pub mod style;
pub mod topic;

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::Result;

use message::{Message, Outcome};
use recent_output::RecentOutput;
use style::{Color, Format, Level};
use topic::{Reported, Topic};

/// Prints messages. Clones print to the same place, one message at a time.
#[derive(Clone)]
pub struct Reporter {
    printer: Arc<Mutex<Printer>>,
    level: Level,
    /// What notes and warnings were reported; `None` if each is reported as often as it comes.
    reported: Option<Arc<Mutex<Reported>>>,
    /// Whether phases and notes are left out.
    without_notes: bool,
}

struct Printer {
    format: FormatPrinter,
    /// What a build has printed that is shown only if it fails.
    unseen: RecentOutput,
}

enum FormatPrinter {
    Human(human::Human),
    Json(json::Json),
}

impl Printer {
    fn print(&mut self, message: &Message) {
        match &mut self.format {
            FormatPrinter::Human(human) => human.print(message),
            FormatPrinter::Json(json) => json.print(message),
        }
    }

    /// Prints the end of the output of a build that failed, which was not shown meanwhile.
    fn print_unseen(&mut self) {
        let unseen = std::mem::take(&mut self.unseen);
        match unseen.left_out {
            0 => {}
            1 => self.print(&Message::Note("1 line of output before these is not shown")),
            count => self.print(&Message::Note(&format!("{count} lines of output before these are not shown"))),
        }
        unseen.lines().for_each(|line| self.print(&Message::Output(line)));
    }
}

impl Reporter {
    /// A reporter that prints messages up to this level in this format.
    pub fn new(format: Format, level: Level, color: Color) -> Self {
        let format = match format {
            Format::Human => FormatPrinter::Human(human::Human::new(level, color)),
            Format::Json => FormatPrinter::Json(json::Json::default()),
        };
        let printer = Printer { format, unseen: RecentOutput::default() };
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

    /// Prints a message, if this reporter prints messages of its kind. A quiet one prints the end of the output of a build
    /// when that has failed.
    pub fn emit(&self, message: &Message) {
        let mut printer = self.printer.lock().expect("printing does not panic");
        if self.level == Level::Quiet {
            match message {
                Message::Output(line) => printer.unseen.add(line),
                Message::BuildFinished(finished) if finished.outcome == Outcome::Failed => printer.print_unseen(),
                Message::BuildStarted(_) | Message::BuildFinished(_) => printer.unseen = RecentOutput::default(),
                _ => {}
            }
        }
        if self.is_wanted(message) {
            printer.print(message);
        }
    }

    fn is_wanted(&self, message: &Message) -> bool {
        match message {
            Message::Error(_) => true,
            Message::BuildFinished(finished) => self.level > Level::Quiet || finished.outcome == Outcome::Ok,
            Message::Call(_) => self.level == Level::Verbose,
            Message::Phase(_) => !self.without_notes && self.level > Level::Quiet,
            _ => self.level > Level::Quiet,
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

    /// Notes the answer of a build to a question, if there is one. A reporter that reports each note only once reports it
    /// when it is another one than last time.
    pub fn note_about(&self, topic: Topic, answer: Option<&str>) {
        if !self.without_notes
            && let Some(text) = self.new_answer(topic, answer)
        {
            self.emit(&Message::Note(text));
        }
    }

    /// Like [`Reporter::note_about`], for something that may not be what the user wants.
    pub fn warn_about(&self, topic: Topic, answer: Option<&str>) {
        if let Some(text) = self.new_answer(topic, answer) {
            self.warn(text);
        }
    }

    fn is_new(&self, text: &str) -> bool {
        self.reported().is_none_or(|mut reported| reported.is_new_text(text))
    }

    fn new_answer<'t>(&self, topic: Topic, answer: Option<&'t str>) -> Option<&'t str> {
        let new = self.reported().is_none_or(|mut reported| reported.is_new_answer(topic, answer));
        answer.filter(|_| new)
    }

    fn reported(&self) -> Option<MutexGuard<'_, Reported>> {
        self.reported.as_ref().map(|reported| reported.lock().expect("no thread panics while it holds this lock"))
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
