//! Messages as text for people, on stderr. Only the id of a new image is printed to stdout.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::message::{EngineCall, Finished, Message, Outcome, StandbyUse, Started, Summary, Watching, short_id};
use super::strip_escapes::without_escapes;
use super::style::{Color, Level};
use crate::error;

/// How lines about builds and watches begin. Other programs may match on these texts, so they do not change.
const STARTED: &str = "minis2i: build started:";
const OK: &str = "minis2i: build ok:";
const FAILED: &str = "minis2i: build failed:";
const CANCELLED: &str = "minis2i: build cancelled:";
const WATCHING: &str = "minis2i: watching:";
const SKIPPED: &str = "minis2i: no build:";
const READY: &str = "minis2i: standby ready:";
const ENDED: &str = "minis2i: watch ended:";

/// The end of a part of a line that is too long for one message.
const LINE_CUT: &[u8] = b" [the line goes on]\n";

/// How often the spinner moves: chosen so that it visibly moves.
const SPINNER_TICK: Duration = Duration::from_millis(100);

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WARN: Style = AnsiColor::Yellow.on_default().bold();
const SOFT: Style = AnsiColor::Cyan.on_default().bold();
const FAINT: Style = Style::new().dimmed();

/// The printer of text.
pub struct Human {
    err: AutoStream<io::Stderr>,
    level: Level,
    colored: bool,
    spinner: ProgressBar,
}

impl Human {
    /// A printer for messages up to this level.
    pub fn new(level: Level, color: Color) -> Self {
        let choice = match color {
            Color::Auto => AutoStream::choice(&io::stderr()),
            Color::Always => ColorChoice::AlwaysAnsi,
            Color::Never => ColorChoice::Never,
        };
        let shown = level > Level::Quiet && io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let spinner = ProgressBar::with_draw_target(None, target);
        let template = if choice == ColorChoice::Never { "{spinner} {msg}" } else { "{spinner:.cyan} {msg}" };
        spinner.set_style(ProgressStyle::with_template(template).expect("the template is well formed"));
        Self { err: AutoStream::new(io::stderr(), choice), level, colored: choice != ColorChoice::Never, spinner }
    }

    /// Prints one message. A broken pipe is not an error.
    pub fn print(&mut self, message: &Message) {
        if let Message::Phase(name) = message {
            self.spin(name);
            return;
        }
        if matches!(message, Message::BuildFinished(_) | Message::StandbyReady(_) | Message::Error(_)) {
            self.spinner.finish_and_clear();
        }
        let spinner = self.spinner.clone();
        let _ = spinner.suspend(|| self.write(message));
    }

    /// Shows the name of a phase beside the spinner, on a terminal.
    fn spin(&mut self, name: &'static str) {
        if self.spinner.is_hidden() {
            return;
        }
        if self.spinner.is_finished() {
            self.spinner.reset();
        }
        self.spinner.set_message(name);
        self.spinner.enable_steady_tick(SPINNER_TICK);
    }

    fn write(&mut self, message: &Message) -> io::Result<()> {
        let err = &mut self.err;
        match message {
            Message::BuildStarted(started) => writeln!(err, "{SOFT}{STARTED}{SOFT:#} {}", build_text(started))?,
            Message::Phase(_) => {}
            Message::Output(line) => {
                // Not printed through `err`, which removes escape sequences as well: there, an escape sequence without an
                // end would swallow the following lines, and bytes that are not UTF-8 would be lost.
                let text = if self.colored { Cow::Borrowed(line.text) } else { Cow::Owned(without_escapes(line.text)) };
                let mut text = text.into_owned();
                text.extend_from_slice(if line.more { LINE_CUT } else { b"\n" });
                return io::stderr().write_all(&text);
            }
            Message::Note(text) => writeln!(err, "{SOFT}note:{SOFT:#} {text}")?,
            Message::Warning(text) => writeln!(err, "{WARN}warning:{WARN:#} {text}")?,
            Message::Call(call) => write_call(err, call)?,
            Message::BuildFinished(finished) => return self.write_finished(finished),
            Message::WatchStarted(watching) => writeln!(err, "{SOFT}{WATCHING}{SOFT:#} {}", watch_text(watching))?,
            Message::StandbyReady(build) if self.level == Level::Verbose => {
                writeln!(err, "{FAINT}{READY} for build {build}{FAINT:#}")?;
            }
            Message::StandbyReady(_) => {}
            Message::Skipped(why) => writeln!(err, "{FAINT}{SKIPPED} {why}{FAINT:#}")?,
            Message::Clear if io::stderr().is_terminal() => write!(err, "\x1b[2J\x1b[3J\x1b[H")?,
            Message::Clear => {}
            Message::WatchFinished(summary) => writeln!(err, "{SOFT}{ENDED}{SOFT:#} {}", summary_text(summary))?,
            Message::Error(error) => self.write_error(error)?,
        }
        self.err.flush()
    }

    fn write_finished(&mut self, finished: &Finished) -> io::Result<()> {
        let (style, beginning) = match finished.outcome {
            Outcome::Ok => (GOOD, OK),
            Outcome::Failed => (BAD, FAILED),
            Outcome::Cancelled => (WARN, CANCELLED),
        };
        let what = match &finished.image {
            Some(id) => format!("{} is {}", finished.tag, short_id(id)),
            None => format!("{} stays as it was", finished.tag),
        };
        let phases: Vec<_> =
            finished.phases.iter().map(|(name, took)| format!("{name} {:.2}", took.as_secs_f64())).collect();
        let standby = match &finished.standby {
            Some(StandbyUse::None(why)) => format!("; no standby: {why}"),
            Some(StandbyUse::Used) => "; standby".to_owned(),
            None => String::new(),
        };
        let phases = if phases.is_empty() { String::new() } else { format!(" ({}{standby})", phases.join(", ")) };
        if self.level > Level::Quiet {
            let total = finished.total.as_secs_f64();
            writeln!(self.err, "{style}{beginning}{style:#} {what}, {total:.2} s{phases}")?;
            self.err.flush()?;
        }
        if let Some(id) = &finished.image {
            let mut out = io::stdout().lock();
            writeln!(out, "{id}")?;
            out.flush()?;
        }
        Ok(())
    }

    fn write_error(&mut self, error: &anyhow::Error) -> io::Result<()> {
        writeln!(self.err, "{BAD}error:{BAD:#} {error}")?;
        for cause in error.chain().skip(1) {
            writeln!(self.err, "  caused by: {}", cause.to_string().trim().replace('\n', "\n    "))?;
        }
        if let Some(hint) = error::hint(error) {
            writeln!(self.err, "\n{SOFT}hint:{SOFT:#} {hint}")?;
        }
        Ok(())
    }
}

/// Writes a call of the engine's CLI, so that it can be pasted into a shell.
fn write_call(err: &mut impl Write, call: &EngineCall) -> io::Result<()> {
    let seconds = call.took.map(|took| format!("{:.3} s", took.as_secs_f64()));
    match seconds {
        // The whole command was shown when it started.
        Some(seconds) if call.start_reported => {
            let beginning: Vec<_> = call.command_line.split(' ').take(4).collect();
            writeln!(err, "{FAINT}# {} took {seconds}{FAINT:#}", beginning.join(" "))
        }
        Some(seconds) => writeln!(err, "{FAINT}$ {}  # {seconds}{FAINT:#}", call.command_line),
        None => writeln!(err, "{FAINT}$ {}{FAINT:#}", call.command_line),
    }
}

/// The text about a build that starts.
fn build_text(started: &Started) -> String {
    let how = match &started.previous {
        Some(id) => format!("incremental, on the artifacts of {}", short_id(id)),
        None => "clean".to_owned(),
    };
    let why = started.why.as_ref().map(|why| format!(": {}", why.text)).unwrap_or_default();
    format!("{} from {} with {} ({how}){why}", started.tag, started.source, started.builder)
}

/// The text about a watch that starts.
fn watch_text(watching: &Watching) -> String {
    let how = match watching.poll {
        Some(every) => format!("polling every {:.1} s", every.as_secs_f64()),
        None if watching.folders == 1 => "1 folder".to_owned(),
        None => format!("{} folders", watching.folders),
    };
    let keys = if watching.keys { ", `?` lists keys" } else { "" };
    format!("{} for {} with {} ({how}{keys})", watching.source, watching.tag, watching.builder)
}

/// The text about a watch that has ended.
fn summary_text(summary: &Summary) -> String {
    let builds = summary.builds();
    let mut text = if builds == 1 { "1 build".to_owned() } else { format!("{builds} builds") };
    text += &format!(", {} failed, {} cancelled", summary.failed, summary.cancelled);
    if let (Some(fastest), Some(median)) = (summary.fastest(), summary.median()) {
        text += &format!(", fastest {:.2} s, median {:.2} s", fastest.as_secs_f64(), median.as_secs_f64());
    }
    text
}
