//! Which runs are alive: a run keeps a file locked until it ends, so that another run can tell its containers from those
//! that a crash left behind. Removing such containers is left to the pipeline's cleanup.

mod claim;
mod dead_run;
mod handover;
mod lock_file;

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use anyhow::{Context, Result};

use crate::random;
pub use claim::{Claim, Claimed, Reached, reach};
pub use dead_run::{COMMIT_MAY_LAST, DeadRun, SupersededImage, Unfinished};
pub use handover::Handover;
pub use lock_file::create_private;
use lock_file::{LOCK_EXTENSION, is_at, is_locked, items, lock_path, remove_unlocked, scope};

/// The end of the name of a folder with a cloned source.
const CHECKOUT_SUFFIX: &str = ".source";

/// The folders of all runs of this user, which need not exist.
#[derive(Clone)]
pub struct RunFolders {
    /// For the locks, which are small.
    pub locks: PathBuf,
    /// For the clones of sources, which may be large.
    pub clones: PathBuf,
}

/// The locked file that shows that this run is alive, and what images of it may have no name and are to be removed.
/// Dropping it releases the lock, and removes the file unless the run left something behind.
pub struct RunLock {
    folders: RunFolders,
    scope: String,
    /// The process id and a random word, as process ids are reused.
    id: String,
    file: File,
    /// How many names were given to containers and commits of this run.
    names: AtomicU64,
    state: Mutex<LockState>,
}

#[derive(Default)]
struct LockState {
    /// What is written in the file.
    unfinished: Vec<Unfinished>,
    /// Whether the file stays for the next run.
    kept: bool,
    /// For each process that cleans up after this run and holds the lock as well.
    handovers: Vec<Handover>,
}

impl RunLock {
    /// Creates and locks a file for this process in the folder for locks, which is created if it does not exist.
    ///
    /// # Errors
    /// When the folder cannot be created or belongs to another user, or the file cannot be created or locked.
    pub fn take(folders: RunFolders) -> Result<Self> {
        create_private(&folders.locks)?;
        let id = format!("{}.{}", std::process::id(), random::word()?);
        let path = lock_path(&folders.locks, &id);
        loop {
            let file = File::create(&path).with_context(|| format!("cannot write `{}`", path.display()))?;
            file.lock().with_context(|| format!("cannot lock `{}`", path.display()))?;
            // Another run may have removed the file as that of a dead run before it was locked.
            if is_at(&file, &path) {
                return Ok(Self::new(folders, id, file));
            }
        }
    }

    fn new(folders: RunFolders, id: String, file: File) -> Self {
        Self { scope: scope(&folders.locks), folders, id, file, names: AtomicU64::new(0), state: Mutex::default() }
    }

    /// Takes over the lock of a run that this process cleans up after: the locked file at `path`, which is also our
    /// standard input.
    ///
    /// # Errors
    /// When `path` has no folder or name, or no more files can be opened.
    pub fn inherit(path: &Path) -> Result<Self> {
        let locks = path.parent().context("a lock lies in a folder")?.to_owned();
        let id = path.file_stem().and_then(|stem| stem.to_str()).context("a lock has a name")?.to_owned();
        let file = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
        let run_lock = Self::new(RunFolders { clones: locks.clone(), locks }, id, file);
        run_lock.state().kept = true;
        Ok(run_lock)
    }

    /// A new name for a container of this run.
    pub fn container_name(&self) -> String {
        self.new_name()
    }

    /// Notes in the file that a commit begins whose image has no name for a while, and that takes the tag from the
    /// `superseded` image. Returns the value for the image's label by which the next run finds it if this run is killed.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn begin_commit(&self, superseded: Option<&SupersededImage>) -> Result<String> {
        let name = self.new_name();
        self.write_unfinished(|unfinished| {
            unfinished.push(Unfinished::Commit(name.clone()));
            superseded.into_iter().for_each(|image| push_image(unfinished, image.clone()));
        })?;
        Ok(name)
    }

    /// Notes that the image of this commit has a name, or was removed.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn end_commit(&self, name: &str) -> Result<()> {
        let ended = Unfinished::Commit(name.to_owned());
        self.write_unfinished(|unfinished| unfinished.retain(|known| *known != ended))
    }

    /// Notes that this image is to be removed if it has no name.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn note_superseded(&self, image: &SupersededImage) -> Result<()> {
        self.write_unfinished(|unfinished| push_image(unfinished, image.clone()))
    }

    /// Whether the image is noted as one that is to be removed.
    pub fn is_superseded(&self, image: &SupersededImage) -> bool {
        self.state().unfinished.iter().any(|known| known.is_image(&image.id))
    }

    /// Notes that this image was removed, or is not to be removed any more.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn end_superseded(&self, image: &SupersededImage) -> Result<()> {
        if !self.is_superseded(image) {
            return Ok(());
        }
        self.write_unfinished(|unfinished| unfinished.retain(|known| !known.is_image(&image.id)))
    }

    /// Has the file stay, so that the next run removes the containers of this one, and these images.
    ///
    /// # Errors
    /// When the file cannot be written. It stays all the same.
    pub fn leave_to_next_run(&self, images: impl IntoIterator<Item = SupersededImage>) -> Result<()> {
        self.state().kept = true;
        self.write_unfinished(|unfinished| images.into_iter().for_each(|image| push_image(unfinished, image)))
    }

    /// Notes that the process with the other end of `handover` cleans up after this run, removes the superseded images, and
    /// holds the lock as well.
    pub fn hand_over(&self, handover: Handover) {
        self.state().handovers.push(handover);
    }

    fn new_name(&self) -> String {
        let number = self.names.fetch_add(1, Ordering::Relaxed);
        format!("{}{}-{number}", self.prefix(), self.id)
    }

    fn write_unfinished(&self, change: impl FnOnce(&mut Vec<Unfinished>)) -> Result<()> {
        let mut state = self.state();
        change(&mut state.unfinished);
        let text: String = state.unfinished.iter().map(Unfinished::line).collect();
        let written = self.file.write_all_at(text.as_bytes(), 0).and_then(|()| self.file.set_len(text.len() as u64));
        written.with_context(|| format!("cannot write `{}`", self.path().display()))
    }

    fn state(&self) -> MutexGuard<'_, LockState> {
        self.state.lock().expect("no thread panics while it holds this lock")
    }

    /// The beginning of the names of all containers that runs of this user on this machine create.
    pub fn prefix(&self) -> String {
        format!("minis2i-{}-", self.scope)
    }

    /// Whether a container has a name that a run gave, and that run has ended.
    pub fn is_dead(&self, container: &str) -> bool {
        let Some((id, number)) = container.strip_prefix(&self.prefix()).and_then(|rest| rest.split_once('-')) else {
            return false;
        };
        let well_formed =
            number.chars().all(|c| c.is_ascii_digit()) && id.chars().all(|c| c.is_ascii_hexdigit() || c == '.');
        well_formed && id != self.id && !is_locked(&lock_path(&self.folders.locks, id))
    }

    /// Claims what the text `what` stands for, so that no other run of this user can claim the same until the claim is
    /// dropped.
    ///
    /// # Errors
    /// When the file that is locked for it cannot be read, written or locked.
    pub fn claim(&self, what: &str) -> Result<Claimed> {
        claim::claim(&self.folders.locks, what)
    }

    /// The locked file, to be used as the standard input of a child. This run counts as alive until the child has ended,
    /// too.
    ///
    /// # Errors
    /// When no more files can be opened.
    pub fn as_stdin(&self) -> Result<Stdio> {
        Ok(self.file.try_clone()?.into())
    }

    /// Removes the file of a run whose containers have all been removed, in the process that cleans up after it; a run that is
    /// not done removes it itself.
    pub fn give_up(self) {
        if handover::cleanup_is_last() {
            let _ = fs::remove_file(self.path());
        }
    }

    /// The path of the locked file.
    pub fn path(&self) -> PathBuf {
        lock_path(&self.folders.locks, &self.id)
    }

    /// Whether a run that died has left a lock or a clone.
    pub fn has_dead_runs(&self) -> bool {
        self.dead_locks().next().is_some() || self.dead_clones().next().is_some()
    }

    /// The runs that died and left their locks.
    pub fn dead_runs(&self) -> Vec<DeadRun> {
        let unfinished = |lock: &Path| -> Vec<_> {
            let text = fs::read_to_string(lock).unwrap_or_default();
            text.lines().filter_map(Unfinished::from_line).collect()
        };
        self.dead_locks().map(|lock| DeadRun { unfinished: unfinished(&lock), lock }).collect()
    }

    /// The paths of the locks of dead runs, and of claims of dead runs.
    fn dead_locks(&self) -> impl Iterator<Item = PathBuf> {
        items(&self.folders.locks).filter(|path| {
            path.extension().is_some_and(|end| end == LOCK_EXTENSION) && *path != self.path() && !is_locked(path)
        })
    }

    /// The folders with the clones of dead runs.
    fn dead_clones(&self) -> impl Iterator<Item = PathBuf> {
        items(&self.folders.clones).filter(|path| {
            let run = path.file_name().and_then(|name| name.to_str()?.strip_suffix(CHECKOUT_SUFFIX));
            run.is_some_and(|run| run != self.id && !is_locked(&lock_path(&self.folders.locks, run)))
        })
    }

    /// The folder for a clone of this run; the folder that it lies in is created if it does not exist. If the run dies,
    /// the next run removes the clone.
    ///
    /// # Errors
    /// When the folder for clones cannot be created or belongs to another user.
    pub fn checkout_folder(&self) -> Result<PathBuf> {
        create_private(&self.folders.clones)?;
        Ok(self.folders.clones.join(format!("{}{CHECKOUT_SUFFIX}", self.id)))
    }

    /// Removes the clones of dead runs.
    pub fn remove_dead_clones(&self) {
        self.dead_clones().for_each(|clone| drop(fs::remove_dir_all(clone)));
    }

    /// Removes the lock of a dead run that has left nothing any more.
    pub fn forget(&self, dead: &DeadRun) {
        remove_unlocked(&dead.lock);
    }
}

/// Adds an image, once.
fn push_image(unfinished: &mut Vec<Unfinished>, image: SupersededImage) {
    unfinished.retain(|known| !known.is_image(&image.id));
    unfinished.push(Unfinished::Image(image));
}

impl Drop for RunLock {
    fn drop(&mut self) {
        let mut state = self.state();
        // While a process cleans up after this run, the file stays, so that no other run takes the containers for those of
        // a dead one. That process, or the next run, removes it.
        let cleaning = state.handovers.iter_mut().fold(false, |cleaning, handover| !handover.run_is_last() | cleaning);
        // What was handed over was removed by that process.
        let handed_over = |it: &Unfinished| !state.handovers.is_empty() && matches!(it, Unfinished::Image(_));
        let kept = state.kept || cleaning || !state.unfinished.iter().all(handed_over);
        drop(state);
        if !kept {
            let _ = fs::remove_file(self.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{RunFolders, RunLock, SupersededImage, Unfinished};

    fn run_lock(name: &str) -> RunLock {
        let folder = std::env::temp_dir().join(format!("minis2i-run-lock-{name}-{}", std::process::id()));
        RunLock::take(RunFolders { locks: folder.clone(), clones: folder }).unwrap()
    }

    fn image(id: &str, commit: Option<&str>) -> SupersededImage {
        SupersededImage { id: id.to_owned(), commit: commit.map(str::to_owned) }
    }

    #[test]
    fn only_containers_of_ended_runs_are_dead() {
        let run_lock = run_lock("dead");
        let own = run_lock.container_name();
        assert!(!run_lock.is_dead(&own));
        assert!(run_lock.is_dead(&format!("{}4294967295.00ff-0", run_lock.prefix())));
        assert!(!run_lock.is_dead("minis2i-of-the-user"));
        assert!(!run_lock.is_dead(&format!("{}x-0", run_lock.prefix())));
        std::fs::remove_dir_all(&run_lock.folders.locks).unwrap();
    }

    #[test]
    fn a_run_that_is_done_leaves_no_file() {
        let run_lock = run_lock("done");
        let path = run_lock.path();
        run_lock.container_name();
        let superseded = image("sha256:1", None);
        let commit = run_lock.begin_commit(Some(&superseded)).unwrap();
        run_lock.end_commit(&commit).unwrap();
        assert!(run_lock.is_superseded(&superseded));
        run_lock.end_superseded(&superseded).unwrap();
        drop(run_lock);
        assert!(!path.exists());
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }

    #[test]
    fn the_next_run_learns_what_a_dead_one_may_have_left() {
        let dead = run_lock("left");
        let images = [image("sha256:1", Some("c-0")), image("sha256:2", None)];
        let commit = dead.begin_commit(Some(&images[0])).unwrap();
        dead.leave_to_next_run(images.clone()).unwrap();
        drop(dead);
        let next = run_lock("left");
        let runs = next.dead_runs();
        let [one, two] = images.map(Unfinished::Image);
        assert_eq!(runs[0].unfinished, [Unfinished::Commit(commit), one, two]);
        assert!(runs[0].may_be_committing());
        next.forget(&runs[0]);
        assert!(!next.has_dead_runs());
        std::fs::remove_dir_all(&next.folders.locks).unwrap();
    }
}
