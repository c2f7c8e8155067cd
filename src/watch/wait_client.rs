//! The side of `minis2i wait`: it finds the watch of a tag, asks it, and waits for its answer.

use std::io::{self, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use super::engine_identity;
use super::wait_protocol::{self, ANSWER_LIMIT, Answer, Failure, Question, claim_key};
use crate::cancel::Cancel;
use crate::engine::cli::Engine;
use crate::error::{Error, ErrorKind};
use crate::run_lock::{Reached, RunFolders, reach};

/// How long a watch that does not listen yet is given: it does so some microseconds after it has claimed its tag.
const DEAF_PATIENCE: Duration = Duration::from_secs(1);

/// The pause between two attempts to reach it.
const DEAF_PAUSE: Duration = Duration::from_millis(20);

/// The connection to a watch, which another thread can end.
#[derive(Clone, Default)]
pub struct Connection(Arc<Mutex<Option<UnixStream>>>);

impl Connection {
    /// Ends the wait for an answer.
    pub fn end(&self) {
        if let Some(stream) = self.lock().take() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<UnixStream>> {
        self.0.lock().expect("no thread panics while it holds this lock")
    }
}

/// Whose answer is waited for.
pub struct Wanted<'a> {
    pub tag: &'a str,
    pub folders: &'a RunFolders,
    /// The engine's CLI and its address, as a watch would spell them.
    pub spelling: &'a str,
    pub engine: &'a Engine,
    /// When to give up.
    pub deadline: Option<Instant>,
}

/// The id of the image that is made of the source as it is now, or was at some moment since. `connection` is that to the watch.
///
/// # Errors
/// When there is no such watch or it cannot be asked, its newest build failed, builds are paused, its engine or its source is
/// gone, it ends, the deadline passes, or work was cancelled.
pub fn ask(wanted: &Wanted, connection: &Connection) -> Result<String> {
    let mut stream = find(wanted)?;
    *connection.lock() = Some(stream.try_clone()?);
    // An interrupt that came before could not end this connection.
    not_interrupted(wanted.engine.cancel())?;
    let time = wanted.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    let line = stream
        .write_all(&wait_protocol::line(&Question::Wait))
        .and_then(|()| wait_protocol::read_line(&mut stream, ANSWER_LIMIT, time));
    not_interrupted(wanted.engine.cancel())?;
    let line = match line {
        Ok(line) => line,
        Err(error) => return Err(no_answer(wanted.tag, error)),
    };
    let answer = wait_protocol::answer(&line).ok_or_else(|| not_understood(wanted.tag, "it answers in another way"))?;
    image_of(wanted.tag, answer)
}

fn not_interrupted(cancel: &Cancel) -> Result<()> {
    match cancel.why() {
        Some(why) => Err(Error::new(why, "interrupted before the tag was up to date").into()),
        None => Ok(()),
    }
}

/// The connection to the watch.
fn find(wanted: &Wanted) -> Result<UnixStream> {
    if let Some(stream) = connect(wanted, wanted.spelling)? {
        return Ok(stream);
    }
    // The watch may reach the same engine in another way.
    let identity = engine_identity::ask(wanted.engine);
    not_interrupted(wanted.engine.cancel())?;
    let stream = identity.map(|engine| connect(wanted, &engine)).transpose()?.flatten();
    stream.ok_or_else(|| no_watch(wanted.tag))
}

/// The connection to the watch that has claimed the tag with this name of the engine; `None` if there is no such watch.
fn connect(wanted: &Wanted, engine: &str) -> Result<Option<UnixStream>> {
    let key = claim_key(engine, wanted.tag);
    let begin = Instant::now();
    loop {
        match reach(&wanted.folders.locks, &key).context("cannot reach the watch")? {
            Reached::Connected(stream) => return Ok(Some(stream)),
            Reached::NoRun => return Ok(None),
            Reached::Deaf if begin.elapsed() < DEAF_PATIENCE => thread::sleep(DEAF_PAUSE),
            Reached::Deaf => {
                return Err(Error::engine(format!("the watch of `{}` cannot be asked", wanted.tag))
                    .because(anyhow!("it has no socket"))
                    .hint("see its warnings; if it is of an older version, end it and start it again")
                    .into());
            }
        }
    }
}

fn no_watch(tag: &str) -> anyhow::Error {
    Error::usage(format!("no watch of `{tag}` runs on this engine"))
        .hint(format!(
            "start one (`minis2i watch SOURCE BUILDER {tag}`), or build once (`minis2i build SOURCE BUILDER {tag}`)"
        ))
        .into()
}

fn no_answer(tag: &str, error: io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::TimedOut => Error::engine(format!("`{tag}` was not up to date in time"))
            .hint("see what the watch does; `--timeout TIME` sets a longer time")
            .into(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => ended(tag),
        _ => anyhow!(error).context(format!("cannot ask the watch of `{tag}`")),
    }
}

fn ended(tag: &str) -> anyhow::Error {
    Error::engine(format!("the watch of `{tag}` ended before the tag was up to date"))
        .hint(format!("start it again: `minis2i watch SOURCE BUILDER {tag}`"))
        .into()
}

fn not_understood(tag: &str, why: &str) -> anyhow::Error {
    Error::engine(format!("the watch of `{tag}` cannot be asked"))
        .because(anyhow!(why.to_owned()))
        .hint("it is of another version of minis2i: end it and start it again")
        .into()
}

/// The image in an answer.
fn image_of(tag: &str, answer: Answer) -> Result<String> {
    let cannot = |what: String, hint: &str| Err(Error::engine(what).hint(hint).into());
    match answer {
        Answer::UpToDate { image } => Ok(image),
        Answer::Failed(failure) => Err(failed(tag, failure)),
        Answer::Paused => cannot(
            format!("the watch of `{tag}` is paused, and the tag is not up to date"),
            "resume it with its key `p`",
        ),
        Answer::EngineGone => cannot(
            format!("the engine of the watch of `{tag}` does not answer"),
            "start the engine; the watch goes on when it is back",
        ),
        Answer::Unreadable { why } => Err(Error::usage(format!("the watch of `{tag}` cannot look at its source"))
            .because(anyhow!(why))
            .hint("the watch goes on when it can")
            .into()),
        Answer::Ended => Err(ended(tag)),
        Answer::Busy => cannot(format!("too many wait for `{tag}` at once"), "try again in a moment"),
        Answer::NotUnderstood { why } => Err(not_understood(tag, &why)),
    }
}

/// The error for a failed build, with the status that the build would have had.
fn failed(tag: &str, failure: Failure) -> anyhow::Error {
    let causes = failure.causes.into_iter().rev();
    let cause = causes.fold(None, |inner: Option<anyhow::Error>, text| {
        Some(match inner {
            Some(inner) => inner.context(text),
            None => anyhow!(text),
        })
    });
    let error =
        Error::new(ErrorKind::Assemble(failure.exit_status.into()), format!("the newest build of `{tag}` failed"))
            .hint("its output is where the watch runs");
    match cause {
        Some(cause) => error.because(cause).into(),
        None => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Failure, image_of};
    use crate::error;

    #[test]
    fn a_failed_build_has_the_status_and_the_causes_that_it_had() {
        let failure = Failure { exit_status: 9, causes: ["outer", "inner"].map(str::to_owned).into() };
        let error = image_of("app", Answer::Failed(failure)).unwrap_err();
        assert_eq!(error::kind(&error).status(), 9);
        let causes: Vec<_> = error.chain().skip(1).map(ToString::to_string).collect();
        assert_eq!(causes, ["outer", "inner"]);
    }

    #[test]
    fn every_other_answer_says_what_to_do() {
        let why = || "x".to_owned();
        for answer in [
            Answer::Paused,
            Answer::EngineGone,
            Answer::Unreadable { why: why() },
            Answer::Ended,
            Answer::Busy,
            Answer::NotUnderstood { why: why() },
        ] {
            let error = image_of("app", answer).unwrap_err();
            assert!(error::hint(&error).is_some() && error::kind(&error).status() > 0, "{error:#}");
        }
    }
}
