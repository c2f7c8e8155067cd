//! Which runs are alive: a run keeps a file locked until it ends, so that another run can tell its containers from those
//! that a crash left behind. Removing such containers is left to the pipeline's cleanup.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};

use crate::random;

/// The end of the name of a folder with a cloned source.
const CHECKOUT_SUFFIX: &str = ".source";

/// The locked file that shows that this run is alive. Dropping it releases the lock.
pub struct RunLock {
    /// The folder with the locks of all runs of this user.
    folder: PathBuf,
    scope: String,
    /// The process id and a random word, as process ids are reused.
    id: String,
    file: File,
    /// How many containers of this run were given a name.
    named_containers: AtomicU64,
}

impl RunLock {
    /// Creates and locks a file for this process in `folder`, which is created if it does not exist.
    ///
    /// # Errors
    /// When the folder cannot be created or belongs to another user, or the file cannot be created or locked.
    pub fn take(folder: PathBuf) -> Result<Self> {
        create_private(&folder)?;
        let id = format!("{}.{}", std::process::id(), random::word()?);
        let path = lock_path(&folder, &id);
        loop {
            let file = File::create(&path).with_context(|| format!("cannot write `{}`", path.display()))?;
            file.lock().with_context(|| format!("cannot lock `{}`", path.display()))?;
            // Another run may have removed the file as that of a dead run before it was locked.
            if is_at(&file, &path) {
                return Ok(Self { scope: scope(&folder), folder, id, file, named_containers: AtomicU64::new(0) });
            }
        }
    }

    /// Takes over the lock of a run that this process cleans up after: the locked file at `path`, which is also our
    /// standard input.
    ///
    /// # Errors
    /// When `path` has no folder or name, or no more files can be opened.
    pub fn inherit(path: &Path) -> Result<Self> {
        let folder = path.parent().context("a lock lies in a folder")?.to_owned();
        let id = path.file_stem().and_then(|stem| stem.to_str()).context("a lock has a name")?.to_owned();
        let file = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
        // Not 0 containers, so that dropping this does not remove the file.
        Ok(Self { scope: scope(&folder), folder, id, file, named_containers: AtomicU64::new(1) })
    }

    /// A new name for a container of this run.
    pub fn container_name(&self) -> String {
        let number = self.named_containers.fetch_add(1, Ordering::Relaxed);
        format!("{}{}-{number}", self.prefix(), self.id)
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
        well_formed && id != self.id && !is_locked(&lock_path(&self.folder, id))
    }

    /// The locked file, to be used as the standard input of a child. This run counts as alive until the child has ended,
    /// too.
    ///
    /// # Errors
    /// When no more files can be opened.
    pub fn as_stdin(&self) -> Result<Stdio> {
        Ok(self.file.try_clone()?.into())
    }

    /// Removes the file of a run whose containers have all been removed.
    pub fn give_up(self) {
        let _ = fs::remove_file(self.path());
    }

    /// The path of the locked file.
    pub fn path(&self) -> PathBuf {
        lock_path(&self.folder, &self.id)
    }

    /// Whether the folder of locks has something of a run that died.
    pub fn has_dead_runs(&self) -> bool {
        let items = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        items.map(|item| self.lock_of(&item.path())).any(|lock| lock != self.path() && !is_locked(&lock))
    }

    /// The path of the lock that an item of the folder of locks belongs to: the item itself, or that of a clone's run.
    fn lock_of(&self, path: &Path) -> PathBuf {
        let run_of_checkout = path.file_name().and_then(|name| name.to_str()?.strip_suffix(CHECKOUT_SUFFIX));
        run_of_checkout.map_or_else(|| path.to_owned(), |id| lock_path(&self.folder, id))
    }

    /// Claims what the text `what` stands for, so that no other run can claim the same: a file with the process id is
    /// locked until the claim is dropped. A claim that a crash left is taken over.
    ///
    /// # Errors
    /// When the file cannot be read, written or locked.
    pub fn claim(&self, what: &str) -> Result<Claimed> {
        let path = lock_path(&self.folder, &format!("claim-{}", &blake3::hash(what.as_bytes()).to_hex()[..16]));
        let shown = path.display();
        loop {
            let options = File::options().read(true).write(true).create(true).truncate(false).open(&path);
            let mut file = options.with_context(|| format!("cannot write `{shown}`"))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let mut holder = String::new();
                    file.read_to_string(&mut holder).with_context(|| format!("cannot read `{shown}`"))?;
                    return Ok(Claimed::HeldBy(holder.trim().to_owned()));
                }
                Err(TryLockError::Error(error)) => return Err(error).with_context(|| format!("cannot lock `{shown}`")),
            }
            // Another run may have removed the file as that of a dead run before it was locked.
            if !is_at(&file, &path) {
                continue;
            }
            file.set_len(0)?;
            writeln!(file, "{}", std::process::id())?;
            return Ok(Claimed::Granted(Claim { path, _file: file }));
        }
    }

    /// The folder for a clone of this run. If the run dies, the next run removes it.
    pub fn checkout_folder(&self) -> PathBuf {
        self.folder.join(format!("{}{CHECKOUT_SUFFIX}", self.id))
    }

    /// Removes locks and clones of runs that have ended.
    pub fn remove_dead_runs(&self) {
        for item in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = item.path();
            let lock = self.lock_of(&path);
            if lock == self.path() || is_locked(&lock) {
                continue;
            }
            let _ = if lock == path { fs::remove_file(&path) } else { fs::remove_dir_all(&path) };
        }
    }
}

/// The result of a claim.
pub enum Claimed {
    Granted(Claim),
    /// Another run, with this process id, has it.
    HeldBy(String),
}

/// Something that only this run has, until this is dropped.
pub struct Claim {
    path: PathBuf,
    _file: File,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // With containers, the file stays for the child that cleans up after this run, so that no other run takes them for
        // those of a dead one. That child, or the next run, removes it.
        if self.named_containers.load(Ordering::Relaxed) == 0 {
            let _ = fs::remove_file(self.path());
        }
    }
}

fn lock_path(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.lock"))
}

/// Whether an open file is still the one at this path.
fn is_at(file: &File, path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| file.metadata().is_ok_and(|open| open.ino() == meta.ino()))
}

/// Whether a file is locked by a process.
fn is_locked(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// Creates a folder that only this user can use, or checks that it belongs to this user.
fn create_private(folder: &Path) -> Result<()> {
    let user = rustix::process::getuid().as_raw();
    let created = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    created.with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    let owner = fs::symlink_metadata(folder)?;
    ensure!(
        owner.is_dir() && owner.uid() == user,
        "the folder `{}` does not belong to you; set TMPDIR to another one",
        folder.display()
    );
    Ok(())
}

/// Eight digits that differ between machines and between folders of locks. With them in the names of containers, a run on
/// another machine that uses the same engine is not taken for a dead one because its lock is not visible here.
fn scope(folder: &Path) -> String {
    let mut hasher = blake3::Hasher::new();
    for file in ["/etc/machine-id", "/proc/sys/kernel/random/boot_id", "/proc/sys/kernel/hostname"] {
        hasher.update(&fs::read(file).unwrap_or_default());
    }
    let inode = fs::metadata(folder).map(|meta| (meta.dev(), meta.ino())).unwrap_or_default();
    hasher.update(format!("{inode:?} {}", folder.display()).as_bytes());
    hasher.finalize().to_hex()[..8].to_owned()
}

#[cfg(test)]
mod tests {
    use super::RunLock;

    #[test]
    fn only_containers_of_ended_runs_are_dead() {
        let run_lock = RunLock::take(std::env::temp_dir().join("minis2i-run-lock-test")).unwrap();
        let own = run_lock.container_name();
        assert!(!run_lock.is_dead(&own));
        assert!(run_lock.is_dead(&format!("{}4294967295.00ff-0", run_lock.prefix())));
        assert!(!run_lock.is_dead("minis2i-of-the-user"));
        assert!(!run_lock.is_dead(&format!("{}x-0", run_lock.prefix())));
    }
}
