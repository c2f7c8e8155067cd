//! Locked files and the folder that they are in.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// What follows the last dot in the name of a locked file.
pub const LOCK_EXTENSION: &str = "lock";

/// The path of the lock with this id.
pub fn lock_path(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.{LOCK_EXTENSION}"))
}

/// The socket beside a locked file.
pub fn socket_path(lock: &Path) -> PathBuf {
    lock.with_extension("sock")
}

/// Removes a file that no process locks any more, and the socket beside it.
pub fn remove_unlocked(lock: &Path) {
    let Ok(file) = File::open(lock) else { return };
    // Held meanwhile: a run that makes both anew waits for it, and then makes the file first.
    if file.try_lock().is_ok() && is_at(&file, lock) {
        let _ = fs::remove_file(socket_path(lock));
        let _ = fs::remove_file(lock);
    }
}

/// The paths in a folder; none if it cannot be read.
pub fn items(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|item| item.path())
}

/// Whether an open file is still the one at this path.
pub fn is_at(file: &File, path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| file.metadata().is_ok_and(|open| open.ino() == meta.ino()))
}

/// Whether a file is locked by a process.
pub fn is_locked(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// Creates a folder that only this user can use, or checks that it belongs to this user.
pub fn create_private(folder: &Path) -> Result<()> {
    let created = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    created.with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    ensure!(is_own(folder), "the folder `{}` does not belong to you; set TMPDIR to another one", folder.display());
    Ok(())
}

/// Whether this is a folder of this user.
pub fn is_own(folder: &Path) -> bool {
    let user = rustix::process::getuid().as_raw();
    fs::symlink_metadata(folder).is_ok_and(|owner| owner.is_dir() && owner.uid() == user)
}

/// Eight digits that differ between machines and between folders of locks. With them in the names of containers, a run on
/// another machine that uses the same engine is not taken for a dead one because its lock is not visible here.
pub fn scope(folder: &Path) -> String {
    let mut hasher = blake3::Hasher::new();
    for file in ["/etc/machine-id", "/proc/sys/kernel/random/boot_id", "/proc/sys/kernel/hostname"] {
        hasher.update(&fs::read(file).unwrap_or_default());
    }
    let inode = fs::metadata(folder).map(|meta| (meta.dev(), meta.ino())).unwrap_or_default();
    hasher.update(format!("{inode:?} {}", folder.display()).as_bytes());
    hasher.finalize().to_hex()[..8].to_owned()
}
