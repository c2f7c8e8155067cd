//! Claims: what only one run at a time may do, such as watching a tag.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::lock_file::{is_at, lock_path};

/// How long a locked claim is tried again: looking whether a file is locked takes some microseconds, on a busy machine the
/// time until the process that looks runs again.
const CLAIM_PATIENCE: Duration = Duration::from_millis(500);

/// The pause between two attempts to lock a claim.
const CLAIM_PAUSE: Duration = Duration::from_millis(5);

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

/// Claims what the text `what` stands for, so that no other run can claim the same: a file with the process id in the
/// folder for locks is locked until the claim is dropped. A claim that a crash left is taken over. Another run locks the
/// file for a moment when it looks for dead runs, so a locked file counts only if it stays locked for
/// [`CLAIM_PATIENCE`].
///
/// # Errors
/// When the file cannot be read, written or locked.
pub fn claim(locks: &Path, what: &str) -> Result<Claimed> {
    let path = lock_path(locks, &format!("claim-{}", &blake3::hash(what.as_bytes()).to_hex()[..16]));
    let shown = path.display();
    let begin = Instant::now();
    loop {
        let options = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = options.with_context(|| format!("cannot write `{shown}`"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if begin.elapsed() < CLAIM_PATIENCE => {
                std::thread::sleep(CLAIM_PAUSE);
                continue;
            }
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

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::{Claimed, claim};

    #[test]
    fn a_look_for_dead_runs_at_the_same_moment_made_a_claim_fail() {
        let dir = tempfile::tempdir().unwrap();
        // The file that a claim leaves when its process is killed.
        let Claimed::Granted(granted) = claim(dir.path(), "a tag").unwrap() else {
            panic!("nothing else has claimed it")
        };
        let path = granted.path.clone();
        drop(granted);
        fs::write(&path, "4294967295\n").unwrap();
        let looked_at = File::open(&path).unwrap();
        looked_at.try_lock().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                std::thread::sleep(super::CLAIM_PATIENCE / 5);
                drop(looked_at);
            });
            assert!(matches!(claim(dir.path(), "a tag").unwrap(), Claimed::Granted(_)));
        });
    }

    #[test]
    fn what_is_claimed_is_held_by_its_process() {
        let dir = tempfile::tempdir().unwrap();
        let _claim = claim(dir.path(), "a tag").unwrap();
        let Claimed::HeldBy(process) = claim(dir.path(), "a tag").unwrap() else { panic!("it is claimed twice") };
        assert_eq!(process, std::process::id().to_string());
    }
}
