//! Committing a container to an image and moving the tag to it, so that an interrupt leaves the tag on the previous
//! image. What the image is configured with is left to [`image_config`](super::image_config).

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::cleanup;
use super::image_config::ImageConfig;
use super::reconfigure::reconfigure;
use crate::cancel::Cancel;
use crate::contract::labels;
use crate::engine::cli::{Engine, LeftBehind};
use crate::engine::dialect::full_id;
use crate::engine::image::{self, Image};
use crate::engine::reference::with_tag;
use crate::run_lock::{RunLock, SupersededImage};
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
    /// The image that loses the tag, if it is to be removed then.
    pub superseded: Option<SupersededImage>,
}

/// What a commit came to.
pub struct Committed {
    /// The id of the image.
    pub id: String,
    /// How long the call took that made the image. What comes before and after it, such as moving the tag in a call of its
    /// own, does not count.
    pub took: Duration,
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

/// Commits the container and moves `tag` to the new image. After an interrupt, the tag is
/// on `previous` again, or on no image if that is `None`, and the new image is removed. While the image has no name, the
/// file of `run_lock` says so. It names the image that is to be removed once it has lost the tag, too, unless the tag is
/// known not to have moved.
///
/// # Errors
/// If the engine cannot commit or tag, or work was cancelled.
pub fn commit_container(
    engine: &Engine,
    run_lock: &RunLock,
    from: &CommitSource,
    tag: &str,
    config: &ImageConfig,
    previous: Option<&Image>,
) -> Result<Committed> {
    engine.cancel().check()?;
    // A watch notes the image that has its tag for as long as it has it: then the note is not ours to end.
    let noted_here = from.superseded.as_ref().filter(|image| !run_lock.is_superseded(image));
    let name = run_lock.begin_commit(from.superseded.as_ref())?;
    let commit = Commit {
        engine,
        from,
        tag,
        config,
        previous,
        name: &name,
        made: Cell::new(false),
        may_come: Cell::new(false),
        tag_may_have_moved: Cell::new(false),
        committed_is_left: Cell::new(false),
        took: Cell::default(),
    };
    let result = commit.make_and_tag().map(|id| Committed { id, took: commit.took.get() });
    if let Some(superseded) = noted_here
        && (!commit.tag_may_have_moved.get() || result.as_ref().is_ok_and(|committed| committed.id == superseded.id))
    {
        run_lock.end_superseded(superseded)?;
    }
    let nothing_left = match &result {
        Ok(_) => !commit.committed_is_left.get(),
        Err(_) => commit.remove_image(),
    };
    if nothing_left {
        run_lock.end_commit(&name)?;
    } else {
        engine.leave_behind(LeftBehind::Commit(name));
    }
    result
}

/// A commit under way.
struct Commit<'a> {
    engine: &'a Engine,
    from: &'a CommitSource<'a>,
    tag: &'a str,
    config: &'a ImageConfig<'a>,
    previous: Option<&'a Image>,
    /// The value of the label by which its image is found.
    name: &'a str,
    /// Whether the engine has made the image for certain.
    made: Cell<bool>,
    /// Whether the engine may make the image though its CLI has ended.
    may_come: Cell<bool>,
    /// Whether the tag may be on the image.
    tag_may_have_moved: Cell<bool>,
    /// Whether the committed image, of which another one was made, is still to be removed.
    committed_is_left: Cell<bool>,
    /// How long the call took that made the image.
    took: Cell<Duration>,
}

impl Commit<'_> {
    /// Makes the image and moves the tag; returns the id of the image.
    fn make_and_tag(&self) -> Result<String> {
        let base = self.config.base;
        let has_shell = !base.config.shell.is_empty() && !base.dialect.commit_keeps_all();
        let is_final = !has_shell && !self.config.container_differs;
        if self.from.tag_move == TagMove::WithCommit && is_final {
            let id = self.make(Some(self.tag))?;
            return self.keep_or_restore().map(|()| id);
        }
        let committed = self.make(None)?;
        self.engine.cancel().check()?;
        if is_final {
            return self.move_tag(&committed).map(|()| committed);
        }
        // A commit loses SHELL and cannot set it. A build `FROM` the id could, but BuildKit takes an id for a name.
        let id = reconfigure(self.engine, &committed, self.config, self.name)
            .context("cannot give the new image the configuration of the builder")?;
        self.move_tag(&id)?;
        // Some engines refuse, since it is the parent of the new image; there it is removed together with the new image.
        let removal = self.engine.call(&["image", "rm", "--no-prune", &committed]);
        self.committed_is_left.set(!removal.is_ok_and(|output| output.success || image::says_in_use(&output.stderr)));
        Ok(id)
    }

    /// Has the engine make the image, with this name if there is one; returns its id.
    fn make(&self, tag: Option<&str>) -> Result<String> {
        let mut args = commit_arguments(self.from, self.name, tag, self.config, self.engine.unpaused_option());
        self.tag_may_have_moved.set(tag.is_some());
        let begin = Instant::now();
        let done = uninterrupted(self.engine, |engine| {
            let mut output = engine.call(&args)?;
            if !output.success && engine.learn_unpaused_option(&output.stderr) {
                args = commit_arguments(self.from, self.name, tag, self.config, engine.unpaused_option());
                output = engine.call(&args)?;
            }
            self.may_come.set(output.killed);
            if output.success { Ok(output.stdout) } else { Err(engine.failed(&args, &output.stderr)) }
        });
        let id = done.context("cannot commit what `assemble` made")?;
        self.made.set(true);
        self.took.set(begin.elapsed());
        Ok(full_id(&id))
    }

    /// Moves the tag to the image `id`, unless an interrupt comes.
    fn move_tag(&self, id: &str) -> Result<()> {
        self.tag_may_have_moved.set(true);
        uninterrupted(self.engine, |engine| engine.demand(&["tag", id, self.tag]))
            .with_context(|| format!("cannot give the image the name `{}`", self.tag))?;
        self.keep_or_restore()
    }

    /// Moves the tag back to the previous image if an interrupt came while it was moved.
    fn keep_or_restore(&self) -> Result<()> {
        let interrupted = self.engine.cancel().check();
        if interrupted.is_err() {
            let restored = match self.previous {
                Some(image) => self.engine.clean_up_within(&["tag", &image.id, self.tag], COMMIT_END),
                None => self.engine.clean_up_within(&["image", "rm", &with_tag(self.tag)], COMMIT_END),
            };
            self.tag_may_have_moved.set(!restored.is_ok_and(|output| output.success));
        }
        interrupted
    }

    /// Removes the image after a failure. Returns whether the engine has none for certain: one that was interrupted in the
    /// commit, or whose CLI was killed, may make it later.
    fn remove_image(&self) -> bool {
        let ended = self.made.get() || (!self.may_come.get() && self.engine.cancel().why().is_none());
        cleanup::remove_commit(self.engine, self.name).is_ok_and(|removed| removed > 0 || ended)
    }
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

/// The arguments of the CLI for the commit called `name`. Only what differs from the configuration of the container is
/// changed.
fn commit_arguments(
    from: &CommitSource,
    name: &str,
    tag: Option<&str>,
    config: &ImageConfig,
    unpaused: &str,
) -> Vec<String> {
    let base = &config.base.config;
    let exec_form = |args: &[String]| serde_json::to_string(args).expect("strings can be written as JSON");
    let options = config.base.dialect.commit_options();
    let mut args: Vec<String> = std::iter::once("commit").chain(options.iter().copied()).map(str::to_owned).collect();
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
    // It did not run in the container.
    let health_check = config.base.health_check().filter(|_| !config.base.dialect.commit_keeps_all());
    health_check.into_iter().for_each(&mut change);
    let label = match config.base.dialect.takes_quoted_text_literally() {
        true => labels::literal_instruction,
        false => labels::instruction,
    };
    for (name, value) in &config.labels {
        change(label(name, value));
    }
    change(label(labels::COMMIT, name));
    if !config.base.author.is_empty() {
        args.extend(["--author".to_owned(), config.base.author.clone()]);
    }
    if !from.pause {
        args.push(unpaused.to_owned());
    }
    args.push(from.container.to_owned());
    args.extend(tag.map(str::to_owned));
    args
}

#[cfg(test)]
mod tests {
    use super::{CommitSource, ImageConfig, TagMove, commit_arguments};
    use crate::engine::dialect::Dialect;
    use crate::engine::image::Image;

    const UNPAUSED: &str = "--pause=false";

    fn config(builder: &Image) -> ImageConfig<'_> {
        ImageConfig {
            base: builder,
            command: vec!["/usr/libexec/s2i/run".to_owned()],
            labels: vec![("a".to_owned(), "b c".to_owned())],
            entrypoint_changed: false,
            user_changed: false,
            variables: Vec::new(),
            container_differs: false,
        }
    }

    #[test]
    fn a_commit_changes_what_differs_from_the_container() {
        let builder = Image::default();
        let from = CommitSource { container: "c", pause: false, tag_move: TagMove::WithCommit, superseded: None };
        let args = commit_arguments(&from, "c-1", Some("t"), &config(&builder), UNPAUSED).join(" ");
        let changes = r#"--change CMD ["/usr/libexec/s2i/run"] --change LABEL "a"="b c" --change LABEL "io.github.minis2i.commit"="c-1""#;
        assert_eq!(args, format!("commit {changes} --pause=false c t"));
    }

    #[test]
    fn podman_refused_to_set_a_health_check_and_its_format_dropped_it() {
        let described = r#"{"Id": "1", "Healthcheck": {"Test": ["CMD", "true"]}}"#;
        let builder = Image { dialect: Dialect::Podman, ..serde_json::from_str(described).unwrap() };
        assert!(builder.health_check().is_some());
        let from = CommitSource { container: "c", pause: false, tag_move: TagMove::WithCommit, superseded: None };
        let args = commit_arguments(&from, "c-1", Some("t"), &config(&builder), UNPAUSED).join(" ");
        assert!(args.starts_with("commit --format docker --change CMD"), "{args}");
        assert!(!args.contains("HEALTHCHECK"), "{args}");
    }

    #[test]
    fn the_builders_entrypoint_and_user_are_restored() {
        let mut builder = Image::default();
        builder.config.entrypoint = vec!["/bin/echo".to_owned()];
        let from = CommitSource { container: "c", pause: true, tag_move: TagMove::Separate, superseded: None };
        let args = commit_arguments(
            &from,
            "c-1",
            None,
            &ImageConfig { entrypoint_changed: true, user_changed: true, ..config(&builder) },
            UNPAUSED,
        );
        assert_eq!(args[2], r#"ENTRYPOINT ["/bin/echo"]"#);
        assert!(args.contains(&"USER 0".to_owned()));
    }
}
