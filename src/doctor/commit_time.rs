//! How long a commit takes, which is most of the time from a save to the tag.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::check::Check;
use crate::contract::labels;
use crate::engine::cli::Engine;
use crate::engine::container::Container;
use crate::engine::image;
use crate::error::Error;
use crate::run_lock::{RunLock, SupersededImage};
use crate::tar::writer::Writer;

/// How many commits are made; the median counts.
const COMMITS: usize = 3;

/// A commit that takes longer than this is noticed at each save: with overlay2 it takes 0.07 s.
const SLOW_COMMIT: Duration = Duration::from_millis(300);

/// Makes commits of a container of `image`, or of an empty image, and removes all that was made.
///
/// # Errors
/// If there is no such image, the engine cannot commit, or the run was interrupted.
pub fn check(engine: &Engine, image: Option<&str>, run_lock: &RunLock) -> Result<Check> {
    let made = match image {
        Some(_) => None,
        None => Some(Disposable::new(engine, run_lock, import_empty(engine)?)?),
    };
    let (id, what) = match (image, &made) {
        (Some(name), _) => (find(engine, name)?, format!("of {name}")),
        (None, made) => {
            (made.as_ref().map(|it| it.image.id.clone()).unwrap_or_default(), "of an empty image".to_owned())
        }
    };
    // The program is never started.
    let options = ["--network=none".to_owned(), "--entrypoint=/none".to_owned(), id];
    let container = Container::create(engine, run_lock.container_name(), &options)?;
    let mut times = Vec::new();
    for _ in 0..COMMITS {
        times.push(commit(engine, run_lock, &container)?);
    }
    times.sort_unstable();
    Ok(judge(times[COMMITS / 2], &what))
}

fn judge(median: Duration, what: &str) -> Check {
    let found = format!("{:.2} s {what}", median.as_secs_f64());
    if median <= SLOW_COMMIT {
        return Check::ok("commit", found);
    }
    Check::slow(
        "commit",
        found,
        "each save waits for one: see the storage driver and the image store above, and the disk",
    )
}

/// How long one commit takes.
fn commit(engine: &Engine, run_lock: &RunLock, container: &Container) -> Result<Duration> {
    let name = run_lock.begin_commit(None)?;
    let label = format!("LABEL {}={name}", labels::COMMIT);
    let begin = Instant::now();
    let id = engine.demand(&["commit", "--change", &label, container.name()])?;
    let took = begin.elapsed();
    let image = Disposable::new(engine, run_lock, id)?;
    run_lock.end_commit(&name)?;
    drop(image);
    Ok(took)
}

/// An image without a name that is removed when this is dropped; if the run is killed before, the next one removes it.
struct Disposable<'a> {
    engine: &'a Engine,
    run_lock: &'a RunLock,
    image: SupersededImage,
}

impl<'a> Disposable<'a> {
    fn new(engine: &'a Engine, run_lock: &'a RunLock, id: String) -> Result<Self> {
        let image = SupersededImage { id: id.trim().to_owned(), commit: None };
        run_lock.note_superseded(&image)?;
        Ok(Self { engine, run_lock, image })
    }
}

impl Drop for Disposable<'_> {
    fn drop(&mut self) {
        let removal = self.engine.for_cleanup().call(&["image", "rm", "--no-prune", &self.image.id]);
        if removal.is_ok_and(|output| output.success) {
            // A note that stays only has the next run look again.
            let _ = self.run_lock.end_superseded(&self.image);
        }
    }
}

/// Makes an image with nothing but an empty folder; its id.
fn import_empty(engine: &Engine) -> Result<String> {
    let mut archive = Writer::new(Vec::new());
    archive.folder(b"empty", 0o755, (0, 0))?;
    engine.feed(&["import", "-"], &archive.finish()?)
}

fn find(engine: &Engine, name: &str) -> Result<String> {
    let [image] = image::inspect(engine, [name])?;
    let missing =
        || Error::usage(format!("there is no image `{name}`")).hint(format!("`{} images` lists them", engine.name()));
    Ok(image.ok_or_else(missing)?.id)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::judge;
    use crate::doctor::State;

    #[test]
    fn a_commit_that_is_noticed_is_slow() {
        assert_eq!(judge(Duration::from_millis(70), "of x").found, "0.07 s of x");
        assert_eq!(judge(Duration::from_millis(700), "of x").state, State::Slow);
    }
}
