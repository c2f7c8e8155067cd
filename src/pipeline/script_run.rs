//! Following a script that runs in a container of a build: its output, its progress and its end.

use anyhow::Result;

use super::container::lines::Lines;
use super::container::protocol::{Chunk, ScriptState};
use super::container::session::{Session, SessionEvent};
use super::context::{BuildContext, Progress};
use super::script_output::ScriptOutput;
use super::scripts;
use crate::contract::script::Script;
use crate::error::{Error, ErrorKind};

/// The result of a script that succeeded, apart from the files in its container.
pub struct ScriptResult {
    /// The content of [`METADATA_FILE`](crate::contract::labels::METADATA_FILE), if the script wrote it.
    pub metadata: Option<Vec<u8>>,
    /// The script left no process running that could write to the container during the commit.
    pub idle: bool,
    /// The script left the folder of the source where it was.
    pub in_place: bool,
}

/// A script that a container is about to run.
pub struct ScriptRun<'a> {
    /// Its name, such as `assemble`.
    pub script: &'static str,
    /// Its path in the container.
    pub path: &'a str,
    /// The path or URL that it was read from, for an external script.
    pub external: Option<&'a str>,
    /// Makes the error for files that the container could not move to their paths before the script, from the stderr of
    /// the command that failed.
    pub move_error: fn(&str) -> anyhow::Error,
}

/// Follows a script to its end, shows its output and records its progress. If it fails, the problems in its output are
/// reported.
///
/// # Errors
/// If the script cannot be run or fails, or the container ends unexpectedly.
pub fn follow_script(
    cx: &BuildContext,
    session: &mut Session,
    run: &ScriptRun,
    mut output: ScriptOutput,
    progress: &mut Progress,
) -> Result<ScriptResult> {
    let result = follow(cx, session, run, &mut output, progress);
    progress.blames_memory |= output.blames_memory();
    if result.is_err() && cx.engine.cancel().why().is_none() {
        output.report_problems();
    }
    result
}

fn follow(
    cx: &BuildContext,
    session: &mut Session,
    run: &ScriptRun,
    output: &mut ScriptOutput,
    progress: &mut Progress,
) -> Result<ScriptResult> {
    let mut lines = Lines::default();
    let mut metadata = None;
    loop {
        match session.next_event() {
            SessionEvent::Chunk(Chunk::Output(bytes)) => match &mut metadata {
                // After the mark `metadata`, the output is the content of that file.
                Some(text) => Vec::extend(text, bytes),
                None => lines.feed(&bytes, |line| output.show(line)),
            },
            SessionEvent::Chunk(Chunk::Mark(mark)) => {
                lines.flush(|line| output.show(line));
                match mark.split_once(' ').unwrap_or((&mark, "")) {
                    ("assembling", _) => {
                        progress.assemble_started = true;
                        lines.feed(&session.take_early_output(), |line| output.show(line));
                    }
                    ("cache", words) => cx.caches.used(cx, words, progress),
                    ("uncached", words) => cx.caches.report_unused(cx, words),
                    ("exit", status) => {
                        progress.assemble_status = status.parse().ok();
                        check_status(run.script, progress.assemble_status.unwrap_or(-1))?;
                        if run.script == Script::Assemble.name() {
                            progress.note("assemble");
                        }
                    }
                    ("metadata", _) => metadata = Some(Vec::new()),
                    ("ready", rest) => {
                        let (processes, source) = rest.split_once(' ').unwrap_or((rest, ""));
                        let (idle, in_place) = (processes == "alone", source == "in-place");
                        return Ok(ScriptResult { metadata, idle, in_place });
                    }
                    ("misplaced", stderr) => return Err((run.move_error)(stderr)),
                    ("cannot", state) => return Err(cannot_run(run, state)?),
                    _ => return Err(session.failure("cannot unpack the source in the build container")),
                }
            }
            SessionEvent::Stderr => {}
            SessionEvent::End => {
                return Err(session.failure(&format!("the build container ended before `{}` was done", run.script)));
            }
        }
    }
}

/// The error for a script that cannot be run, from the state that the container reports for it.
fn cannot_run(run: &ScriptRun, state: &str) -> Result<anyhow::Error> {
    let fault = ScriptState::parse(state)?.fault().unwrap_or_default();
    Ok(match run.external {
        Some(from) => scripts::external_unusable(from, &fault),
        None => scripts::unusable(run.path, &fault),
    })
}

/// Checks the exit status of the script called `script`.
///
/// # Errors
/// If the status is not 0.
pub fn check_status(script: &str, status: i32) -> Result<()> {
    if status == 0 {
        return Ok(());
    }
    let failure = Error::new(ErrorKind::Assemble(status), format!("`{script}` failed with exit status {status}"));
    match status {
        137 => Err(failure
            .hint("it was killed, perhaps because it ran out of memory; `-- --memory SIZE` gives the container more")
            .into()),
        _ => Err(failure.into()),
    }
}
