//! Committing a container to an image and moving the tag to it, so that an interrupt leaves the tag on the previous
//! image. What the image is configured with is left to [`image_config`](super::image_config).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::image_config::ImageConfig;
use crate::cancel::Cancel;
use crate::contract::labels;
use crate::engine::cli::Engine;
use crate::engine::image::Image;
use crate::time_limits::COMMIT_END;

/// How often it is checked whether an interrupt came: chosen so that it adds little to [`COMMIT_END`].
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The container to commit, and how.
pub struct CommitSource<'a> {
    /// The name of the container.
    pub container: &'a str,
    /// Pause the container's processes during the commit. This adds about half of the time that the commit takes.
    pub pause: bool,
    pub tag_move: TagMove,
}

/// How the tag is moved to the new image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagMove {
    /// In a call of its own. The engine finishes a commit even if its CLI is killed; a large commit that also moves the
    /// tag would do so after minis2i has ended.
    Separate,
    /// In the commit call. This saves a call, but is safe only if the commit is known to take less time than an
    /// interrupted run waits for it.
    WithCommit,
}

/// Commits the container and moves `tag` to the new image; returns the id of the image. After an interrupt, the tag is
/// on `previous` again, or on no image if that is `None`.
///
/// # Errors
/// If the engine cannot commit or tag, or work was cancelled.
pub fn commit_container(
    engine: &Engine,
    from: &CommitSource,
    tag: &str,
    config: &ImageConfig,
    previous: Option<&Image>,
) -> Result<String> {
    engine.cancel().check()?;
    let shell = &config.base.config.shell;
    if from.tag_move == TagMove::WithCommit && shell.is_empty() {
        let id = uninterrupted(engine, |engine| run_commit(engine, from, Some(tag), config))?;
        return keep_or_restore(engine, tag, previous).map(|()| id);
    }
    let committed = uninterrupted(engine, |engine| run_commit(engine, from, None, config))?;
    let mut id = committed.clone();
    let moved = engine.cancel().check().and_then(|()| {
        if !shell.is_empty() {
            id = set_shell(engine, &id, config.base)?;
        }
        move_tag(engine, &id, tag, previous)
    });
    if moved.is_err() {
        let _ = engine.call_within(&["image", "rm", &id], COMMIT_END);
    } else if id != committed {
        // Some engines refuse, since it is the parent of the new image; there it is removed together with the new
        // image.
        let _ = engine.call(&["image", "rm", "--no-prune", &committed]);
    }
    moved.map(|()| id)
}

/// Moves the tag to the image `id`, unless an interrupt comes.
fn move_tag(engine: &Engine, id: &str, tag: &str, previous: Option<&Image>) -> Result<()> {
    uninterrupted(engine, |engine| engine.demand(&["tag", id, tag]))
        .with_context(|| format!("cannot give the image the name `{tag}`"))?;
    keep_or_restore(engine, tag, previous)
}

/// Moves the tag back to the previous image if an interrupt came while it was moved.
fn keep_or_restore(engine: &Engine, tag: &str, previous: Option<&Image>) -> Result<()> {
    let interrupted = engine.cancel().check();
    if interrupted.is_err() {
        let _ = match previous {
            Some(image) => engine.call_within(&["tag", &image.id, tag], COMMIT_END),
            None => engine.call_within(&["image", "rm", tag], COMMIT_END),
        };
    }
    interrupted
}

/// Runs short `work` with an engine that an interrupt does not cancel, so that its result is known. The work is
/// cancelled [`COMMIT_END`] after the interrupt if it has not finished.
fn uninterrupted<T>(engine: &Engine, work: impl FnOnce(&Engine) -> Result<T>) -> Result<T> {
    let delayed = Cancel::default();
    let uninterrupted_engine = engine.with_cancel(delayed.clone());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watchdog = scope.spawn(|| cancel_later(engine.cancel(), &delayed, &done));
        let result = work(&uninterrupted_engine);
        done.store(true, Ordering::Relaxed);
        watchdog.thread().unpark();
        // If the work failed because of the interrupt, the interrupt is the error to report.
        result.or_else(|error| engine.cancel().check().and(Err(error)))
    })
}

/// Triggers `delayed` if the work is not `done` [`COMMIT_END`] after `interrupt`.
fn cancel_later(interrupt: &Cancel, delayed: &Cancel, done: &AtomicBool) {
    let mut interrupted_at = None;
    while !done.load(Ordering::Relaxed) {
        if let Some(why) = interrupt.why() {
            let interrupted_at = *interrupted_at.get_or_insert_with(Instant::now);
            if interrupted_at.elapsed() > COMMIT_END {
                delayed.trigger(why);
                return;
            }
        }
        std::thread::park_timeout(POLL_INTERVAL);
    }
}

fn run_commit(engine: &Engine, from: &CommitSource, tag: Option<&str>, config: &ImageConfig) -> Result<String> {
    let args = commit_arguments(from, tag, config);
    let id = engine.demand(&args).context("cannot commit what `assemble` made")?;
    Ok(id.trim().to_owned())
}

/// The arguments of the CLI for the commit. Only what differs from the configuration of the container is changed.
fn commit_arguments(from: &CommitSource, tag: Option<&str>, config: &ImageConfig) -> Vec<String> {
    let base = &config.base.config;
    let exec_form = |args: &[String]| serde_json::to_string(args).expect("strings can be written as JSON");
    let mut args = vec!["commit".to_owned()];
    let mut change = |instruction: String| args.extend(["--change".to_owned(), instruction]);
    // ENTRYPOINT must come before CMD, since setting it clears CMD.
    if config.entrypoint_changed {
        change(format!("ENTRYPOINT {}", exec_form(&base.entrypoint)));
    }
    change(format!("CMD {}", exec_form(&config.command)));
    if config.user_changed {
        let user = if base.user.is_empty() { "0" } else { &base.user };
        change(format!("USER {user}"));
    }
    for (name, value) in &config.labels {
        change(labels::instruction(name, value));
    }
    if !config.base.author.is_empty() {
        args.extend(["--author".to_owned(), config.base.author.clone()]);
    }
    if !from.pause {
        args.push("--pause=false".to_owned());
    }
    args.push(from.container.to_owned());
    args.extend(tag.map(str::to_owned));
    args
}

/// Builds an image from the image `id` with the SHELL and the author of the builder; returns its id. A commit loses
/// SHELL and cannot set it; a build can, but loses the author.
fn set_shell(engine: &Engine, id: &str, builder: &Image) -> Result<String> {
    let shell = serde_json::to_string(&builder.config.shell).expect("strings can be written as JSON");
    let author = builder.author.replace(['\n', '\r'], " ");
    let author = if author.trim().is_empty() { String::new() } else { format!("MAINTAINER {author}\n") };
    let args = ["build", "--quiet", "-"];
    let output = engine.feed(&args, format!("FROM {id}\n{author}SHELL {shell}\n").as_bytes())?;
    Ok(output.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{CommitSource, ImageConfig, TagMove, commit_arguments};
    use crate::engine::image::Image;

    fn config(builder: &Image) -> ImageConfig<'_> {
        ImageConfig {
            base: builder,
            command: vec!["/usr/libexec/s2i/run".to_owned()],
            labels: vec![("a".to_owned(), "b c".to_owned())],
            entrypoint_changed: false,
            user_changed: false,
        }
    }

    #[test]
    fn a_commit_changes_what_differs_from_the_container() {
        let builder = Image::default();
        let from = CommitSource { container: "c", pause: false, tag_move: TagMove::WithCommit };
        let args = commit_arguments(&from, Some("t"), &config(&builder)).join(" ");
        let changes = r#"--change CMD ["/usr/libexec/s2i/run"] --change LABEL "a"="b c""#;
        assert_eq!(args, format!("commit {changes} --pause=false c t"));
    }

    #[test]
    fn the_builders_entrypoint_and_user_are_restored() {
        let mut builder = Image::default();
        builder.config.entrypoint = vec!["/bin/echo".to_owned()];
        let from = CommitSource { container: "c", pause: true, tag_move: TagMove::Separate };
        let args = commit_arguments(
            &from,
            None,
            &ImageConfig { entrypoint_changed: true, user_changed: true, ..config(&builder) },
        );
        assert_eq!(args[2], r#"ENTRYPOINT ["/bin/echo"]"#);
        assert!(args.contains(&"USER 0".to_owned()));
    }
}
