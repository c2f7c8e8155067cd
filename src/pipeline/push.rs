//! Pushing the image that has the tag to the registry that the tag names. When to push is left to the callers.
//!
//! The engine pushes the image that the name is on when the call begins, and gives the registry its name last: what a
//! registry has under the name is always a whole image, whatever moves the name meanwhile and wherever the push ends.

mod output;

use std::io::Read;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use anyhow::Result;

use super::container::lines::Lines;
use super::steps;
use crate::child::for_each_piece;
use crate::engine::cli::Engine;
use crate::engine::reference::{registry, with_tag};
use crate::engine::registry_hints;
use crate::error::{self, Error, ErrorKind};
use crate::report::Reporter;
use crate::report::message::push::{Push, PushEnd, PushMessage};
use crate::report::message::{Message, OutputLine};
use output::PushOutput;

/// Pushes the image that has the tag, and waits for that.
///
/// # Errors
/// If the registry did not get the image: the engine could not push it, or work was cancelled. The tag stays where it is.
pub fn push_and_wait(engine: &Engine, reporter: &Reporter, tag: &str) -> Result<()> {
    let push = Push { awaited: true, ..of_tag(tag, None) };
    reporter.phase("pushing");
    reporter.note(&format!("pushing `{tag}` to {}", push.registry));
    let (tag, registry) = (&push.tag, &push.registry);
    self::push(engine, reporter, &push).map_err(|error| match error::kind(&error) {
        why @ ErrorKind::Interrupted(_) => {
            Error::new(why, format!("the push of `{tag}` to {registry} was cancelled; in the engine, `{tag}` is built"))
                .into()
        }
        _ => error,
    })
}

/// The push of the image that has the tag, after the build with this number if there was one.
pub fn of_tag(tag: &str, build: Option<u64>) -> Push {
    Push { build, tag: tag.to_owned(), registry: registry(tag), awaited: false }
}

/// Pushes an image, and reports the start, the progress and the end.
///
/// # Errors
/// If the registry did not get the image: the engine could not push it, or work was cancelled.
pub fn push(engine: &Engine, reporter: &Reporter, push: &Push) -> Result<()> {
    let begin = Instant::now();
    reporter.emit(&Message::Push(PushMessage::Started(push)));
    let result = push_with_progress(engine, reporter, push);
    let outcome = steps::outcome(&result);
    let digest = result.as_ref().ok().cloned().flatten();
    let end = PushEnd { outcome, digest, took: begin.elapsed() };
    reporter.emit(&Message::Push(PushMessage::Finished(push, &end)));
    result.map(drop)
}

/// Pushes an image and reports the progress; returns what the registry calls it, if the CLI says that.
fn push_with_progress(engine: &Engine, reporter: &Reporter, push: &Push) -> Result<Option<String>> {
    // Without its tag, docker before 20.10 would push all images of the repository.
    let name = with_tag(&push.tag);
    let args: Vec<&str> = engine.dialect().push().iter().copied().chain([name.as_str()]).collect();
    let mut process = engine.spawn_announced(&args, Stdio::null())?;
    let (mut stdout, mut stderr) = (process.stdout(), process.stderr());
    let errors = Mutex::new(Vec::new());
    let output = Mutex::new(PushOutput::default());
    // Podman's progress is in its error output.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            follow(&mut stderr, |line| {
                reporter.emit(&Message::Push(PushMessage::Output(push, line)));
                let mut errors = lock(&errors);
                errors.extend_from_slice(line.text);
                errors.push(b'\n');
            });
        });
        follow(&mut stdout, |line| {
            reporter.emit(&Message::Push(PushMessage::Output(push, line)));
            let mut output = lock(&output);
            if output.take_in(&String::from_utf8_lossy(line.text)) {
                reporter.emit(&Message::Push(PushMessage::Layers(push, output.layers())));
            }
        });
    });
    let status = process.wait()?;
    engine.cancel().check()?;
    if status == 0 {
        return Ok(lock(&output).digest.take());
    }
    let Push { tag, registry, .. } = push;
    let stderr = String::from_utf8_lossy(&lock(&errors)).into_owned();
    let cause = output::cause(&stderr);
    Err(Error::engine(format!("cannot push `{tag}` to {registry}"))
        .because(anyhow::anyhow!(cause.to_owned()))
        .hint(registry_hints::for_push(cause, &engine.name(), tag, registry))
        .into())
}

/// Calls `take_in` with each line of a stream, until it ends.
fn follow(stream: &mut impl Read, mut take_in: impl FnMut(OutputLine)) {
    let mut lines = Lines::default();
    for_each_piece(stream, |piece| lines.feed(piece, &mut take_in));
    lines.flush(&mut take_in);
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().expect("no thread panics while it holds this lock")
}
