//! From a container that has assembled to an image with the tag.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::image_config::ImageConfig;
use crate::cancel::Cancel;
use crate::contract::labels;
use crate::engine::cli::Engine;
use crate::engine::image::Image;
use crate::time_limits::COMMIT_END;

/// What is committed, and how.
pub struct CommitSource<'a> {
    pub container: &'a str,
    /// Stop the container's processes meanwhile. That takes as long as half of the commit.
    pub pause: bool,
    pub tag_move: TagMove,
}

/// How the tag comes to the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagMove {
    /// In a call of its own. The engine finishes a commit whose CLI is gone, and a large one that came with the tag would
    /// move it after our end.
    Separate,
    /// With the commit, which is known to be over before an interrupt would give it up.
    WithCommit,
}

/// Commits the container and moves the tag to it; returns the image's id. An interrupt leaves the tag where it was.
///
/// # Errors
/// When the engine can not do it, or work was cancelled.
pub fn commit(
    engine: &Engine,
    from: &CommitSource,
    tag: &str,
    config: &ImageConfig,
    previous: Option<&Image>,
) -> Result<String> {
    engine.cancel().check()?;
    let shell = &config.base.config.shell;
    if from.tag_move == TagMove::WithCommit && shell.is_empty() {
        let id = uninterrupted(engine, |steady| run_commit(steady, from, Some(tag), config))?;
        return keep_or_restore(engine, tag, previous).map(|()| id);
    }
    let committed = uninterrupted(engine, |steady| run_commit(steady, from, None, config))?;
    let mut id = committed.clone();
    let moved = engine.cancel().check().and_then(|()| {
        if !shell.is_empty() {
            id = with_shell(engine, &id, config.base)?;
        }
        move_tag(engine, &id, tag, previous)
    });
    if moved.is_err() {
        let _ = engine.call_within(&["image", "rm", &id], COMMIT_END);
    } else if id != committed {
        // Engines that keep it as the new image's parent refuse; there it goes with that one.
        let _ = engine.call(&["image", "rm", "--no-prune", &committed]);
    }
    moved.map(|()| id)
}

/// Moves the tag, or leaves it where it was.
fn move_tag(engine: &Engine, id: &str, tag: &str, previous: Option<&Image>) -> Result<()> {
    uninterrupted(engine, |steady| steady.demand(&["tag", id, tag]))
        .with_context(|| format!("cannot give the image the name `{tag}`"))?;
    keep_or_restore(engine, tag, previous)
}

/// Takes the tag back that was moved while an interrupt came.
fn keep_or_restore(engine: &Engine, tag: &str, previous: Option<&Image>) -> Result<()> {
    let interrupted = engine.cancel().check();
    if interrupted.is_err() {
        let back = match previous {
            Some(image) => engine.call_within(&["tag", &image.id, tag], COMMIT_END),
            None => engine.call_within(&["image", "rm", tag], COMMIT_END),
        };
        let _ = back;
    }
    interrupted
}

/// Does something short to its end, also when an interrupt comes, so that it is known what became of it; but not for
/// long.
fn uninterrupted<T>(engine: &Engine, work: impl FnOnce(&Engine) -> Result<T>) -> Result<T> {
    let own = Cancel::default();
    let steady = engine.with_cancel(own.clone());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watchdog = scope.spawn(|| give_up_late(engine.cancel(), &own, &done));
        let result = work(&steady);
        done.store(true, Ordering::Relaxed);
        watchdog.thread().unpark();
        // What an interrupt did to the work is no error of the engine's.
        result.or_else(|error| engine.cancel().check().and(Err(error)))
    })
}

/// Ends the CLI when it is still not done some time after the interrupt.
fn give_up_late(interrupt: &Cancel, own: &Cancel, done: &AtomicBool) {
    let mut since = None;
    while !done.load(Ordering::Relaxed) {
        if let Some(why) = interrupt.why() {
            let since = *since.get_or_insert_with(Instant::now);
            if since.elapsed() > COMMIT_END {
                own.trigger(why);
                return;
            }
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

fn run_commit(engine: &Engine, from: &CommitSource, tag: Option<&str>, config: &ImageConfig) -> Result<String> {
    let args = arguments(from, tag, config);
    let id = engine.demand(&args).context("cannot commit what `assemble` made")?;
    Ok(id.trim().to_owned())
}

fn arguments(from: &CommitSource, tag: Option<&str>, config: &ImageConfig) -> Vec<String> {
    let base = &config.base.config;
    let list = |words: &[String]| serde_json::to_string(words).expect("words are text");
    let mut args = vec!["commit".to_owned()];
    let mut change = |instruction: String| args.extend(["--change".to_owned(), instruction]);
    // ENTRYPOINT comes first: setting it clears CMD.
    if config.entrypoint_changed {
        change(format!("ENTRYPOINT {}", list(&base.entrypoint)));
    }
    change(format!("CMD {}", list(&config.command)));
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

/// A commit can not keep SHELL, a build can set it; it forgets the author.
fn with_shell(engine: &Engine, id: &str, builder: &Image) -> Result<String> {
    let shell = serde_json::to_string(&builder.config.shell).expect("words are text");
    let author = builder.author.replace(['\n', '\r'], " ");
    let author = if author.trim().is_empty() { String::new() } else { format!("MAINTAINER {author}\n") };
    let args = ["build", "--quiet", "-"];
    let output = engine.feed(&args, format!("FROM {id}\n{author}SHELL {shell}\n").as_bytes())?;
    Ok(output.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{CommitSource, ImageConfig, TagMove, arguments};
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
    fn a_commit_says_what_differs_from_the_container() {
        let builder = Image::default();
        let from = CommitSource { container: "c", pause: false, tag_move: TagMove::WithCommit };
        let args = arguments(&from, Some("t"), &config(&builder)).join(" ");
        let changes = r#"--change CMD ["/usr/libexec/s2i/run"] --change LABEL "a"="b c""#;
        assert_eq!(args, format!("commit {changes} --pause=false c t"));
    }

    #[test]
    fn the_builders_entrypoint_and_user_come_back() {
        let mut builder = Image::default();
        builder.config.entrypoint = vec!["/bin/echo".to_owned()];
        let from = CommitSource { container: "c", pause: true, tag_move: TagMove::Separate };
        let args =
            arguments(&from, None, &ImageConfig { entrypoint_changed: true, user_changed: true, ..config(&builder) });
        assert_eq!(args[2], r#"ENTRYPOINT ["/bin/echo"]"#);
        assert!(args.contains(&"USER 0".to_owned()));
    }
}
