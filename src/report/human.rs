//! Messages as text for people, on stderr. Only the id of a new image is printed to stdout.
//!
//! What minis2i says is lines that begin as the constants here; names and other text from elsewhere cannot add lines to them.

mod app;
mod line;
mod problem;
mod push;

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};

use super::escape::{self, on_one_line};
use super::message::app::AppMessage;
use super::message::push::PushMessage;
use super::message::{
    CallState, EngineCall, Finished, Message, Outcome, OutputLine, StandbyUse, Started, Summary, UpToDate, Watching,
    short_id,
};
use super::queue::Piece;
use super::spinner::{Spinner, in_foreground};
use super::stream::Stream;
use super::strip_escapes::without_escapes;
use super::style::{Color, Level};
use crate::error;
use line::{BAD, FAINT, GOOD, LINE_CUT, SOFT, WARN, write_line};
use problem::problem_line;

/// How lines about builds and watches begin. Other programs may match on these texts, so they do not change.
pub const STARTED: &str = "minis2i: build started:";
pub const OK: &str = "minis2i: build ok:";
pub const FAILED: &str = "minis2i: build failed:";
pub const CANCELLED: &str = "minis2i: build cancelled:";
const WATCHING: &str = "minis2i: watching:";
pub const SKIPPED: &str = "minis2i: no build:";
const READY: &str = "minis2i: standby ready:";
const UP_TO_DATE: &str = "minis2i: up to date:";
const ENDED: &str = "minis2i: watch ended:";
const TIMINGS: &str = "minis2i: timings written:";

/// How a line of a hook's output begins.
const HOOK: &str = "hook | ";

/// The printer of text.
pub struct Human {
    level: Level,
    choice: ColorChoice,
    on_terminal: bool,
}

impl Human {
    /// A printer for messages up to this level.
    pub fn new(level: Level, color: Color) -> Self {
        let choice = match color {
            Color::Auto => AutoStream::choice(&io::stderr()),
            Color::Always => ColorChoice::AlwaysAnsi,
            Color::Never => ColorChoice::Never,
        };
        Self { level, choice, on_terminal: io::stderr().is_terminal() }
    }

    /// The spinner that suits this printer.
    pub fn spinner(&self) -> Spinner {
        Spinner::new(self.level > Level::Quiet, self.is_colored())
    }

    /// What to print for one message.
    pub fn print(&self, message: &Message) -> Vec<Piece> {
        let text = |bytes| Piece::Text(Stream::Err, bytes);
        match message {
            Message::Phase(name) => vec![Piece::Phase(Cow::Borrowed(name))],
            Message::AskingPhase(_) => vec![Piece::NoPhase, text(self.styled(message))],
            Message::Output(line) | Message::OutputAgain(_, line) => vec![text(self.output(line))],
            Message::HookOutput(_, line) => vec![text([self.faint(HOOK), self.output(line)].concat())],
            Message::Push(PushMessage::Output(_, line)) => {
                vec![text([self.faint(push::OUTPUT), self.output(line)].concat())]
            }
            Message::Push(PushMessage::Layers(push, layers)) => push::phase(push, *layers).into_iter().collect(),
            Message::Push(PushMessage::Finished(push, _)) if push.awaited => {
                vec![Piece::NoPhase, text(self.styled(message))]
            }
            Message::App(AppMessage::Output(line)) => vec![text(app::output(line, self.is_colored()))],
            Message::BuildFinished(finished) => self.finished(finished),
            Message::UpToDate(up_to_date) => self.up_to_date(up_to_date),
            // Other programs read it: it has no colours.
            Message::Problem(problem, style) => vec![text(problem_line(problem, style).into_bytes())],
            Message::StandbyReady(_) | Message::Error(_) => vec![Piece::NoPhase, text(self.styled(message))],
            _ => vec![text(self.styled(message))],
        }
    }

    fn is_colored(&self) -> bool {
        self.choice != ColorChoice::Never
    }

    /// A line of output. It is not styled as the other lines are: there, an escape sequence without an end would swallow the
    /// following lines, and bytes that are not UTF-8 would be lost.
    fn output(&self, line: &OutputLine) -> Vec<u8> {
        let shown = line.with_source_paths();
        let mut text = if self.is_colored() { shown.into_owned() } else { without_escapes(&shown) };
        text.extend_from_slice(if line.more { LINE_CUT } else { b"\n" });
        text
    }

    /// A text that stands back, if colour is wanted.
    fn faint(&self, text: &str) -> Vec<u8> {
        if self.is_colored() { format!("{FAINT}{text}{FAINT:#}").into_bytes() } else { text.into() }
    }

    /// The text of a message, coloured if that is wanted.
    fn styled(&self, message: &Message) -> Vec<u8> {
        let mut out = AutoStream::new(Vec::new(), self.choice);
        self.write(&mut out, message).expect("memory can be written to");
        out.into_inner()
    }

    fn write(&self, out: &mut impl Write, message: &Message) -> io::Result<()> {
        match message {
            Message::BuildStarted(started) => write_line(out, SOFT, STARTED, &build_text(started)),
            Message::AskingPhase(name) if self.on_terminal => writeln!(out, "{FAINT}{name}{FAINT:#}"),
            Message::Phase(_) | Message::AskingPhase(_) | Message::BuildFinished(_) | Message::UpToDate(_) => Ok(()),
            Message::Output(_) | Message::OutputAgain(..) | Message::HookOutput(..) | Message::Problem(..) => Ok(()),
            Message::Note(text) | Message::Answer(text) => write_line(out, SOFT, "note:", text),
            Message::Warning(text) => write_line(out, WARN, "warning:", text),
            Message::Call(call) => write_call(out, call),
            Message::WatchStarted(watching) => write_line(out, SOFT, WATCHING, &watch_text(watching)),
            Message::StandbyReady(build) if self.level == Level::Verbose => {
                writeln!(out, "{FAINT}{READY} for build {build}{FAINT:#}")
            }
            Message::StandbyReady(_) => Ok(()),
            Message::Skipped(why) => writeln!(out, "{FAINT}{SKIPPED} {}{FAINT:#}", on_one_line(why)),
            Message::Clear if self.on_terminal && in_foreground() => write!(out, "\x1b[2J\x1b[3J\x1b[H"),
            Message::Clear => Ok(()),
            Message::WatchFinished(summary) => write_line(out, SOFT, ENDED, &summary_text(summary)),
            Message::TimingsWritten(written) => {
                write_line(out, SOFT, TIMINGS, &format!("{} ({})", written.file, counted(written.builds as u64)))
            }
            // A quiet printer has not shown them before.
            Message::App(message) => app::write(out, message, self.level == Level::Quiet),
            Message::Push(message) => push::write(out, message),
            Message::Error(error) => write_error(out, error),
        }
    }

    fn up_to_date(&self, it: &UpToDate) -> Vec<Piece> {
        let mut pieces = vec![Piece::NoPhase];
        if self.level > Level::Quiet {
            let mut out = AutoStream::new(Vec::new(), self.choice);
            let names: String = it.references.iter().map(|name| format!(" and {name}")).collect();
            let text = format!("{}{names} is {}", it.tag, short_id(&it.image));
            write_line(&mut out, GOOD, UP_TO_DATE, &text).expect("memory can be written to");
            pieces.push(Piece::Text(Stream::Err, out.into_inner()));
        }
        pieces.push(Piece::Text(Stream::Out, format!("{}\n", on_one_line(&it.image)).into_bytes()));
        pieces
    }

    fn finished(&self, finished: &Finished) -> Vec<Piece> {
        let mut pieces = vec![Piece::NoPhase];
        if self.level > Level::Quiet {
            let (style, beginning) = match finished.outcome {
                Outcome::Ok => (GOOD, OK),
                Outcome::Failed => (BAD, FAILED),
                Outcome::Cancelled => (WARN, CANCELLED),
            };
            let mut out = AutoStream::new(Vec::new(), self.choice);
            write_line(&mut out, style, beginning, &finished_text(finished)).expect("memory can be written to");
            pieces.push(Piece::Text(Stream::Err, out.into_inner()));
        }
        if let Some(id) = &finished.image {
            pieces.push(Piece::Text(Stream::Out, format!("{}\n", on_one_line(id)).into_bytes()));
        }
        pieces
    }
}

fn write_error(out: &mut impl Write, error: &anyhow::Error) -> io::Result<()> {
    write_line(out, BAD, "error:", &error.to_string())?;
    for cause in error.chain().skip(1) {
        writeln!(out, "  caused by: {}", escape::lines(cause.to_string().trim()).join("\n    "))?;
    }
    if let Some(hint) = error::hint(error) {
        writeln!(out)?;
        write_line(out, SOFT, "hint:", hint)?;
    }
    Ok(())
}

/// Writes a call of the engine's CLI, so that it can be pasted into a shell.
fn write_call(out: &mut impl Write, call: &EngineCall) -> io::Result<()> {
    let command = escape::lines(&call.command_line).join("\n");
    match call.state {
        CallState::Started => writeln!(out, "{FAINT}$ {command}{FAINT:#}"),
        CallState::Slow(_) => write_line(out, SOFT, "note:", &call.slow_note().unwrap_or_default()),
        // The whole command was shown when it started.
        CallState::Ended { took, start_reported: true } => {
            let beginning: Vec<_> = command.split(' ').take(4).collect();
            writeln!(out, "{FAINT}# {} took {:.3} s{FAINT:#}", beginning.join(" "), took.as_secs_f64())
        }
        CallState::Ended { took, start_reported: false } => {
            writeln!(out, "{FAINT}$ {command}  # {:.3} s{FAINT:#}", took.as_secs_f64())
        }
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

/// The text about a build that has ended.
fn finished_text(finished: &Finished) -> String {
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
    format!("{what}, {:.2} s{phases}", finished.total.as_secs_f64())
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

/// A number of builds.
fn counted(builds: u64) -> String {
    if builds == 1 { "1 build".to_owned() } else { format!("{builds} builds") }
}

/// The text about a watch that has ended.
fn summary_text(summary: &Summary) -> String {
    let mut text = counted(summary.builds());
    text += &format!(", {} failed, {} cancelled", summary.failed, summary.cancelled);
    if let (Some(fastest), Some(median)) = (summary.fastest(), summary.median()) {
        text += &format!(", fastest {:.2} s, median {:.2} s", fastest.as_secs_f64(), median.as_secs_f64());
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use anyhow::anyhow;

    use super::Human;
    use crate::error::Error;
    use crate::report::message::{
        CallState, EngineCall, Finished, Message, Outcome, StandbyUse, Started, UpToDate, Watching, Why,
    };
    use crate::report::queue::Piece;
    use crate::report::style::{Color, Level};

    const NAME: &str = "a\nminis2i: build ok: forged\u{1b}[2J\u{9b}1m\u{202e}";

    /// What is printed for a message that has [`NAME`] wherever it can have a name.
    fn printed(message: &Message) -> String {
        let pieces = Human::new(Level::Verbose, Color::Never).print(message);
        let texts = pieces.into_iter().map(|piece| match piece {
            Piece::Text(_, text) => String::from_utf8(text).unwrap(),
            _ => String::new(),
        });
        texts.collect()
    }

    #[test]
    fn no_name_gets_out_of_its_message() {
        let name = || NAME.to_owned();
        let why = Some(Why { text: name(), changed: vec![name()], more: 0 });
        let started = Started { build: 1, source: name(), builder: name(), tag: name(), previous: Some(name()), why };
        let finished = Finished {
            build: 1,
            outcome: Outcome::Ok,
            tag: name(),
            image: Some(name()),
            assemble_status: Some(0),
            total: Duration::ZERO,
            standby: Some(StandbyUse::None(name())),
            phases: vec![("start", Duration::ZERO)],
        };
        let watching = Watching { source: name(), builder: name(), tag: name(), folders: 1, poll: None, keys: false };
        let up_to_date = UpToDate { tag: name(), image: name(), references: vec![name()] };
        let error = Error::usage(name()).because(anyhow!(name()).context(name())).hint(name()).into();
        let call = EngineCall { command_line: name(), state: CallState::Slow(Duration::ZERO) };
        let messages = [
            Message::BuildStarted(&started),
            Message::Note(NAME),
            Message::Warning(NAME),
            Message::Call(&call),
            Message::BuildFinished(&finished),
            Message::WatchStarted(&watching),
            Message::Skipped(NAME),
            Message::UpToDate(&up_to_date),
            Message::Error(&error),
        ];
        for message in &messages {
            let text = printed(message);
            assert!(text.contains(r"a\nminis2i:") && !text.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{text:?}");
            assert!(!text.lines().any(|line| line.starts_with("minis2i: build ok: forged")), "{text}");
        }
    }
}
