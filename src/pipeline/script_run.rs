//! A script that runs in a container of a build, followed to its end.

use anyhow::Result;

use super::container::lines::Lines;
use super::container::protocol::{Chunk, ScriptState};
use super::container::session::{Session, SessionEvent};
use super::context::{BuildContext, Progress};
use super::scripts;
use crate::contract::script::Script;
use crate::error::{Error, ErrorKind};
use crate::report::message::Message;

/// What a script left behind beside the files.
pub struct Assembled {
    /// The text of its metadata file.
    pub metadata: Option<Vec<u8>>,
    /// Nothing but our shell is left in the container.
    pub alone: bool,
}

/// A script that a container runs for a build.
pub struct ScriptRun<'a> {
    pub script: &'static str,
    pub path: &'a str,
    /// Where it was found, if that is outside the image.
    pub external: Option<&'a str>,
    /// The error for files that could not be put in their place before.
    pub misplaced: fn(&str) -> anyhow::Error,
}

/// Follows a script to its end and shows what it prints.
///
/// # Errors
/// A script that can not be run, or fails; a container that is lost.
pub fn follow(cx: &BuildContext, session: &mut Session, run: &ScriptRun, progress: &mut Progress) -> Result<Assembled> {
    let show = |line: &[u8]| cx.reporter.emit(&Message::Output(line));
    let mut lines = Lines::default();
    let mut metadata = None;
    loop {
        match session.next_event() {
            SessionEvent::Chunk(Chunk::Output(bytes)) => match &mut metadata {
                Some(text) => Vec::extend(text, bytes),
                None => lines.feed(&bytes, show),
            },
            SessionEvent::Chunk(Chunk::Mark(mark)) => {
                lines.flush(show);
                match mark.split_once(' ').unwrap_or((&mark, "")) {
                    ("assembling", _) => {
                        progress.assemble_started = true;
                        lines.feed(&session.take_early(), show);
                    }
                    ("exit", status) => {
                        progress.assemble_status = status.parse().ok();
                        check_status(run.script, progress.assemble_status.unwrap_or(-1))?;
                        if run.script == Script::Assemble.name() {
                            progress.note("assemble");
                        }
                    }
                    ("metadata", _) => metadata = Some(Vec::new()),
                    ("ready", rest) => return Ok(Assembled { metadata, alone: rest == "alone" }),
                    ("misplaced", words) => return Err((run.misplaced)(words)),
                    ("cannot", state) => {
                        let fault = ScriptState::parse(state)?.fault().unwrap_or_default();
                        return Err(match run.external {
                            Some(from) => scripts::external_unusable(from, &fault),
                            None => scripts::unusable(run.path, &fault),
                        });
                    }
                    _ => return Err(session.lost("cannot unpack the source in the build container")),
                }
            }
            SessionEvent::Words(_) => {}
            SessionEvent::End => {
                return Err(session.lost(&format!("the build container is gone before `{}` was done", run.script)));
            }
        }
    }
}

/// The error for an exit status other than 0.
///
/// # Errors
/// That error.
pub fn check_status(script: &str, status: i32) -> Result<()> {
    if status == 0 {
        return Ok(());
    }
    let failure = Error::new(ErrorKind::Assemble(status), format!("`{script}` failed with exit status {status}"));
    match status {
        137 => Err(failure.hint("it was killed; out of memory? `-- --memory SIZE` gives the container more").into()),
        _ => Err(failure.into()),
    }
}
