//! Which runs are alive: a run holds a locked file as long as it lives, so that another run can tell its containers from
//! those that a crash left behind.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};

use crate::random;

/// How the name of a folder with a cloned source ends.
const CHECKOUT: &str = ".source";

/// This run's claim on its containers. Dropping it gives the claim up.
pub struct RunLock {
    folder: PathBuf,
    scope: String,
    /// The process id and something random: process ids come again.
    id: String,
    file: File,
    made: AtomicU64,
}

impl RunLock {
    /// Makes and locks a file for this process in `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// When the folder can not be made, or belongs to another user.
    pub fn take(folder: PathBuf) -> Result<Self> {
        make_private(&folder)?;
        let id = format!("{}.{}", std::process::id(), random::word()?);
        let path = lock_path(&folder, &id);
        loop {
            let file = File::create(&path).with_context(|| format!("cannot write `{}`", path.display()))?;
            file.lock().with_context(|| format!("cannot lock `{}`", path.display()))?;
            // Another run may have taken the file for a dead one's before it was locked.
            let same = fs::metadata(&path).is_ok_and(|meta| file.metadata().is_ok_and(|own| own.ino() == meta.ino()));
            if same {
                return Ok(Self { scope: scope(&folder), folder, id, file, made: AtomicU64::new(0) });
            }
        }
    }

    /// The claim of a run that this process cleans up after: its lock, which is our standard input.
    ///
    /// # Errors
    /// When no more files can be opened.
    pub fn inherit(path: &Path) -> Result<Self> {
        let folder = path.parent().context("a lock lies in a folder")?.to_owned();
        let id = path.file_stem().and_then(|stem| stem.to_str()).context("a lock has a name")?.to_owned();
        let file = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
        Ok(Self { scope: scope(&folder), folder, id, file, made: AtomicU64::new(1) })
    }

    /// A name for one more container of this run.
    pub fn container_name(&self) -> String {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        format!("{}{}-{number}", self.prefix(), self.id)
    }

    /// What the names of containers begin with that runs of this user on this machine made.
    pub fn prefix(&self) -> String {
        format!("minis2i-{}-", self.scope)
    }

    /// Whether the run that made a container of that name has ended. A name that no run gives is not one of ours.
    pub fn is_dead(&self, container: &str) -> bool {
        let Some((id, number)) = container.strip_prefix(&self.prefix()).and_then(|rest| rest.split_once('-')) else {
            return false;
        };
        let ours = number.chars().all(|c| c.is_ascii_digit()) && id.chars().all(|c| c.is_ascii_hexdigit() || c == '.');
        ours && id != self.id && !is_locked(&lock_path(&self.folder, id))
    }

    /// The lock in the form of a standard input: a child that gets it keeps this run alive as long as it runs.
    ///
    /// # Errors
    /// When no more files can be opened.
    pub fn as_stdin(&self) -> Result<Stdio> {
        Ok(self.file.try_clone()?.into())
    }

    /// Ends the claim of a run that has removed all its containers.
    pub fn give_up(self) {
        let _ = fs::remove_file(self.path());
    }

    /// The locked file.
    pub fn path(&self) -> PathBuf {
        lock_path(&self.folder, &self.id)
    }

    /// Whether the folder for locks tells of a run that died.
    pub fn has_dead(&self) -> bool {
        let items = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        items.map(|item| self.lock_of(&item.path())).any(|lock| lock != self.path() && !is_locked(&lock))
    }

    /// The lock that belongs to something in the folder for locks.
    fn lock_of(&self, path: &Path) -> PathBuf {
        let checkout_of = path.file_name().and_then(|name| name.to_str()?.strip_suffix(CHECKOUT));
        checkout_of.map_or_else(|| path.to_owned(), |id| lock_path(&self.folder, id))
    }

    /// Claims something for this run alone: a file with its process id, locked as long as the claim lives. One that a
    /// crash left is taken over.
    ///
    /// # Errors
    /// When the file can not be written.
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
            // Another run may have removed the file as a dead one's before it was locked.
            if !fs::metadata(&path).is_ok_and(|meta| file.metadata().is_ok_and(|own| own.ino() == meta.ino())) {
                continue;
            }
            file.set_len(0)?;
            writeln!(file, "{}", std::process::id())?;
            return Ok(Claimed::Granted(Claim { path, _file: file }));
        }
    }

    /// Where this run may put a source; when it dies, the next run removes it.
    pub fn checkout_folder(&self) -> PathBuf {
        self.folder.join(format!("{}{CHECKOUT}", self.id))
    }

    /// Removes what runs that ended have left in the folder for locks.
    pub fn forget_the_dead(&self) {
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

/// What became of a claim.
pub enum Claimed {
    Granted(Claim),
    /// Another run has it; its process id.
    HeldBy(String),
}

/// Something that is this run's alone.
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
        // Else the file stays for the child that cleans up after this run: it keeps those containers its own. The child,
        // or the next run that looks, removes it.
        if self.made.load(Ordering::Relaxed) == 0 {
            let _ = fs::remove_file(self.path());
        }
    }
}

fn lock_path(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.lock"))
}

fn is_locked(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

fn make_private(folder: &Path) -> Result<()> {
    let user = rustix::process::getuid().as_raw();
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    let owner = fs::symlink_metadata(folder)?;
    ensure!(owner.is_dir() && owner.uid() == user, "the folder `{}` is not yours; set TMPDIR", folder.display());
    Ok(())
}

/// Tells machines, and folders of locks, apart that use the same engine: a run whose lock is not visible here must not be
/// taken for a dead one.
fn scope(folder: &Path) -> String {
    let mut hasher = blake3::Hasher::new();
    for file in ["/etc/machine-id", "/proc/sys/kernel/random/boot_id", "/proc/sys/kernel/hostname"] {
        hasher.update(&fs::read(file).unwrap_or_default());
    }
    let place = fs::metadata(folder).map(|meta| (meta.dev(), meta.ino())).unwrap_or_default();
    hasher.update(format!("{place:?} {}", folder.display()).as_bytes());
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
