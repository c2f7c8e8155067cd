//! Messages as JSON lines for programs, on stdout. The types here are the documented schema and are used only here.

mod app;
mod push;
mod seconds;
mod source_path;

use std::collections::BTreeMap;

use serde::Serialize;

use super::escape;
use super::message::{CallState, Finished, Message, Outcome, StandbyUse, Started};
use super::queue::Piece;
use super::stream::Stream;
use crate::error;
use seconds::seconds;
use source_path::PathInOutput;

/// The printer of JSON lines.
#[derive(Default)]
pub struct Json {
    /// The number of the build that is running, to which output belongs.
    build: Option<u64>,
}

/// One line. All durations are in seconds.
#[derive(Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Line<'a> {
    BuildStarted {
        build: u64,
        source: &'a str,
        builder: &'a str,
        tag: &'a str,
        previous: Option<&'a str>,
        /// Null outside of a watch.
        why: Option<&'a str>,
        changed: &'a [String],
        changed_more: usize,
    },
    Output {
        build: Option<u64>,
        /// Bytes that are not UTF-8 are replaced.
        text: &'a str,
        /// Present if the line is too long for one message and goes on in the next one.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        more: bool,
        /// Present if there are any.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        paths: Vec<PathInOutput<'a>>,
    },
    OutputAgain {
        build: u64,
        text: &'a str,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        more: bool,
    },
    HookOutput {
        build: u64,
        /// Bytes that are not UTF-8 are replaced.
        text: &'a str,
        /// As in `Output`.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        more: bool,
    },
    Problem {
        build: Option<u64>,
        path: &'a str,
        line: u64,
        column: Option<u64>,
        message: &'a str,
    },
    Note {
        message: &'a str,
    },
    Warning {
        message: &'a str,
    },
    EngineCall {
        command: &'a str,
        seconds: Option<f64>,
    },
    BuildFinished {
        build: u64,
        status: Outcome,
        tag: &'a str,
        image: Option<&'a str>,
        assemble_status: Option<i32>,
        seconds: f64,
        phases: BTreeMap<&'a str, f64>,
        /// `used` or null; if it is null in a watch, `no_standby` has the reason.
        standby: Option<&'a str>,
        no_standby: Option<&'a str>,
    },
    WatchStarted {
        source: &'a str,
        builder: &'a str,
        tag: &'a str,
        process: u32,
        folders: usize,
        poll: Option<f64>,
    },
    StandbyReady {
        build: u64,
    },
    Skipped {
        why: &'a str,
    },
    UpToDate {
        tag: &'a str,
        image: &'a str,
        /// The other names that the image was given.
        references: &'a [String],
    },
    WatchFinished {
        builds: u64,
        failed: u64,
        cancelled: u64,
        fastest: Option<f64>,
        median: Option<f64>,
    },
    TimingsWritten {
        file: &'a str,
        builds: usize,
    },
    Error {
        message: String,
        causes: Vec<String>,
        hint: Option<&'a str>,
    },
}

impl Json {
    /// What to print for one message.
    pub fn print(&mut self, message: &Message) -> Vec<Piece> {
        let (text, note);
        let line = match message {
            Message::Phase(_) | Message::AskingPhase(_) | Message::Clear => return Vec::new(),
            Message::App(message) => return printed(&app::line(message)),
            Message::Push(message) => return push::line(message).map_or_else(Vec::new, |line| printed(&line)),
            Message::BuildStarted(started) => self.started(started),
            Message::Output(line) => {
                text = String::from_utf8_lossy(line.text);
                let paths = line.paths.iter().map(|path| PathInOutput::new(path, line.text)).collect();
                Line::Output { build: self.build, text: &text, more: line.more, paths }
            }
            Message::OutputAgain(build, line) => {
                text = String::from_utf8_lossy(line.text);
                Line::OutputAgain { build: *build, text: &text, more: line.more }
            }
            Message::HookOutput(build, line) => {
                text = String::from_utf8_lossy(line.text);
                Line::HookOutput { build: *build, text: &text, more: line.more }
            }
            Message::Note(message) | Message::Answer(message) => Line::Note { message },
            Message::Warning(message) => Line::Warning { message },
            Message::Call(call) => match call.state {
                CallState::Slow(_) => {
                    note = call.slow_note().unwrap_or_default();
                    Line::Note { message: &note }
                }
                CallState::Started => Line::EngineCall { command: &call.command_line, seconds: None },
                CallState::Ended { took, .. } => {
                    Line::EngineCall { command: &call.command_line, seconds: Some(seconds(took)) }
                }
            },
            Message::Problem(problem, _) => Line::Problem {
                build: self.build,
                path: &problem.path,
                line: problem.line,
                column: problem.column,
                message: &problem.message,
            },
            Message::BuildFinished(finished) => self.finished(finished),
            Message::WatchStarted(watching) => Line::WatchStarted {
                source: &watching.source,
                builder: &watching.builder,
                tag: &watching.tag,
                process: std::process::id(),
                folders: watching.folders,
                poll: watching.poll.map(seconds),
            },
            Message::StandbyReady(build) => Line::StandbyReady { build: *build },
            Message::Skipped(why) => Line::Skipped { why },
            Message::UpToDate(it) => Line::UpToDate { tag: &it.tag, image: &it.image, references: &it.references },
            Message::WatchFinished(summary) => Line::WatchFinished {
                builds: summary.builds(),
                failed: summary.failed,
                cancelled: summary.cancelled,
                fastest: summary.fastest().map(seconds),
                median: summary.median().map(seconds),
            },
            Message::TimingsWritten(it) => Line::TimingsWritten { file: &it.file, builds: it.builds },
            Message::Error(error) => Line::Error {
                message: error.to_string(),
                causes: error.chain().skip(1).map(ToString::to_string).collect(),
                hint: error::hint(error),
            },
        };
        printed(&line)
    }

    fn started<'a>(&mut self, started: &'a Started) -> Line<'a> {
        self.build = Some(started.build);
        Line::BuildStarted {
            build: started.build,
            source: &started.source,
            builder: &started.builder,
            tag: &started.tag,
            previous: started.previous.as_deref(),
            why: started.why.as_ref().map(|why| why.text.as_str()),
            changed: started.why.as_ref().map_or(&[], |why| &why.changed),
            changed_more: started.why.as_ref().map_or(0, |why| why.more),
        }
    }

    fn finished<'a>(&mut self, finished: &'a Finished) -> Line<'a> {
        self.build = None;
        Line::BuildFinished {
            build: finished.build,
            status: finished.outcome,
            tag: &finished.tag,
            image: finished.image.as_deref(),
            assemble_status: finished.assemble_status,
            seconds: seconds(finished.total),
            phases: finished.phases.iter().map(|(name, took)| (*name, seconds(*took))).collect(),
            standby: (finished.standby == Some(StandbyUse::Used)).then_some("used"),
            no_standby: match &finished.standby {
                Some(StandbyUse::None(why)) => Some(why),
                _ => None,
            },
        }
    }
}

fn printed(line: &impl Serialize) -> Vec<Piece> {
    let mut line = escape::json(serde_json::to_vec(line).expect("these types have only text keys"));
    line.push(b'\n');
    vec![Piece::Text(Stream::Out, line)]
}
