//! Reporting to the user: as text for people on stderr, or as JSON lines for programs on stdout. The only place that
//! prints; what is reported, and when, is up to the callers.

pub mod escape;
pub mod human;
mod json;
pub mod message;
pub mod notification;
mod queue;
pub mod recent_output;
mod spinner;
mod stream;
pub mod strip_escapes;
pub mod style;
mod terminal;
pub mod topic;

use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use anyhow::{Result, anyhow};

use crate::error::{Error, ErrorKind};
use message::app::AppMessage;
use message::push::PushMessage;
use message::{CallState, Message, Outcome};
use notification::TerminalKind;
use queue::{Piece, PrintQueue, Unwritten};
use recent_output::RecentOutput;
use spinner::Spinner;
use stream::Stream;
use style::{Color, Format, Level};
use topic::{Reported, Topic};

/// How much of a result is printed at once, in bytes.
const RESULT_PART: usize = 64 * 1024;

/// Prints messages. Clones print to the same place, one message at a time. A message waits while the reader does; what ends
/// the run has to [`stop_waiting`](Self::stop_waiting).
#[derive(Clone)]
pub struct Reporter {
    printer: Arc<Mutex<Printer>>,
    queue: PrintQueue,
    level: Level,
    /// What notes and warnings were reported; `None` if each is reported as often as it comes.
    reported: Option<Arc<Mutex<Reported>>>,
    /// Whether phases and notes are left out.
    without_notes: bool,
    /// Gets each message first, whether it is printed or not.
    observer: Option<Arc<Observer>>,
}

/// Something that takes note of messages.
type Observer = dyn Fn(&Message) + Send + Sync;

struct Printer {
    format: FormatPrinter,
    queue: PrintQueue,
    /// What a build has printed that is shown only if it fails.
    unseen: RecentOutput,
}

enum FormatPrinter {
    Human(human::Human),
    Json(json::Json),
}

impl Printer {
    fn print(&mut self, message: &Message) {
        // Before the message is made, so that there are not two long ones at once.
        let is_output = matches!(
            message,
            Message::Output(_)
                | Message::OutputAgain(..)
                | Message::HookOutput(..)
                | Message::Push(PushMessage::Output(..))
                | Message::App(AppMessage::Output(_))
        );
        if !self.queue.wait_for_room() && is_output {
            return;
        }
        let pieces = match &mut self.format {
            FormatPrinter::Human(human) => human.print(message),
            FormatPrinter::Json(json) => json.print(message),
        };
        pieces.into_iter().for_each(|piece| self.queue.add(piece));
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
        let (format, spinner) = match format {
            Format::Human => {
                let human = human::Human::new(level, color);
                let spinner = human.spinner();
                (FormatPrinter::Human(human), spinner)
            }
            Format::Json => (FormatPrinter::Json(json::Json::default()), Spinner::new(false, false)),
        };
        let queue = PrintQueue::start(spinner);
        let printer = Printer { format, queue: queue.clone(), unseen: RecentOutput::default() };
        let printer = Arc::new(Mutex::new(printer));
        Self { printer, queue, level, reported: None, without_notes: false, observer: None }
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

    /// The same reporter, which shows each message to the observer, after those that it has, before it prints it.
    pub fn observed_by(&self, observer: impl Fn(&Message) + Send + Sync + 'static) -> Self {
        let before = self.observer.clone();
        let observer = move |message: &Message| {
            before.iter().for_each(|before| before(message));
            observer(message);
        };
        Self { observer: Some(Arc::new(observer)), ..self.clone() }
    }

    /// Prints a message, if this reporter prints messages of its kind. A quiet one prints the end of the output of a build
    /// when that has failed.
    pub fn emit(&self, message: &Message) {
        if let Some(observer) = &self.observer {
            observer(message);
        }
        let mut printer = self.printer();
        if self.level == Level::Quiet {
            match message {
                Message::Output(line) => printer.unseen.add(line),
                Message::BuildFinished(finished) if finished.outcome == Outcome::Failed => printer.print_unseen(),
                // The build has failed: its output comes first.
                Message::Problem(..) => printer.print_unseen(),
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
            Message::Error(_) | Message::Problem(..) | Message::UpToDate(_) => true,
            // What a key asks for.
            Message::Answer(_) | Message::OutputAgain(..) => true,
            Message::TimingsWritten(written) => written.asked || self.level > Level::Quiet,
            Message::BuildFinished(finished) => self.level > Level::Quiet || finished.outcome == Outcome::Ok,
            Message::Call(call) if matches!(call.state, CallState::Slow(_)) => self.level > Level::Quiet,
            Message::Call(_) => self.level == Level::Verbose,
            Message::Push(PushMessage::Layers(..)) => self.level > Level::Quiet,
            Message::Push(PushMessage::Output(..)) => self.level == Level::Verbose,
            Message::Push(PushMessage::Finished(_, end)) if end.outcome == Outcome::Failed => true,
            Message::Phase(_) | Message::AskingPhase(_) => !self.without_notes && self.level > Level::Quiet,
            Message::App(AppMessage::Failed(_) | AppMessage::Exited(_)) => true,
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

    /// Shows what is done from now on, by a program that may ask something on the terminal.
    pub fn asking_phase(&self, name: &'static str) {
        self.emit(&Message::AskingPhase(name));
        self.queue.flush();
    }

    /// Notifies the desktop through the user's terminal, which is of this kind; in no stream that another program reads.
    pub fn notify(&self, text: &str, kind: TerminalKind) {
        self.queue.add(Piece::Terminal(notification::sequences(text, kind)));
    }

    /// Whether there is a terminal for [`notify`](Self::notify).
    pub fn has_terminal(&self) -> bool {
        terminal::is_there()
    }

    /// Prints the result of a command to standard output, as it is.
    pub fn print_result(&self, text: &[u8]) {
        for part in text.chunks(RESULT_PART) {
            if !self.queue.wait_for_room() {
                return;
            }
            self.queue.add(Piece::Text(Stream::Out, part.to_vec()));
        }
    }

    /// Nothing waits for the reader from now on: output that finds no room is lost, and [`finish`](Self::finish) is short.
    pub fn stop_waiting(&self, why: ErrorKind) {
        self.queue.interrupt(why);
    }

    /// Waits until all is written that was printed.
    ///
    /// # Errors
    /// When something could not be written, for example since the disk is full, or was not, since the run was interrupted
    /// while the reader waited. A reader that is gone is no error.
    pub fn finish(&self) -> Result<()> {
        match self.queue.finish() {
            // It was asked to end, not interrupted.
            Ok(()) | Err(Unwritten::Interrupted(ErrorKind::Superseded)) => Ok(()),
            Err(Unwritten::Interrupted(why)) => {
                Err(Error::new(why, "interrupted before all of the output was read").into())
            }
            Err(Unwritten::Error(stream, error)) => {
                Err(anyhow!(error).context(format!("cannot write to {}", stream.name())))
            }
        }
    }

    /// Calls the listener once, from another thread, when what is printed has no reader any more or cannot be written. A
    /// reader that goes away is noticed at once.
    pub fn when_unread(&self, listener: impl FnOnce() + Send + 'static) {
        self.queue.when_unwritable(listener);
        let streams: &[Stream] = if self.is_json() { &[Stream::Out] } else { &[Stream::Out, Stream::Err] };
        for stream in streams.iter().copied() {
            let queue = self.queue.clone();
            thread::spawn(move || {
                if stream.wait_until_gone() {
                    queue.note_gone(stream);
                }
            });
        }
    }

    /// Whether messages are printed for programs, as JSON.
    pub fn is_json(&self) -> bool {
        matches!(self.printer().format, FormatPrinter::Json(_))
    }

    fn printer(&self) -> MutexGuard<'_, Printer> {
        self.printer.lock().expect("printing does not panic")
    }
}

/// Whether messages go to a terminal.
pub fn is_terminal() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stderr())
}

/// What a program that prints its own answer, such as its help, says about writing it.
///
/// # Errors
/// When it could not be written, but for a reader that is gone.
pub fn answer_printed(printed: std::io::Result<()>) -> Result<()> {
    match printed {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(anyhow!(error).context(format!("cannot write to {}", Stream::Out.name())))
        }
        _ => Ok(()),
    }
}
