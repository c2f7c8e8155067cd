//! Claims: what only one run at a time may do, such as watching a tag. Other processes of the user can reach the run that has a
//! claim through a socket beside its file.

use std::fs::{self, File, Permissions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::lock_file::{is_at, is_locked, is_own, lock_path, socket_path};

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

impl Claim {
    /// A socket at which only this user reaches this run, as long as it has the claim.
    ///
    /// # Errors
    /// When the socket cannot be made, for example since its path is too long.
    pub fn listen(&self) -> Result<UnixListener> {
        let path = socket_path(&self.path);
        // A run that was killed has left it.
        let _ = fs::remove_file(&path);
        let bound = UnixListener::bind(&path).and_then(|listener| {
            // Until here, only the folder keeps others out.
            fs::set_permissions(&path, Permissions::from_mode(0o600))?;
            Ok(listener)
        });
        bound.with_context(|| format!("cannot listen at `{}`", path.display()))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let _ = fs::remove_file(socket_path(&self.path));
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
    let path = claim_path(locks, what);
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

fn claim_path(locks: &Path, what: &str) -> PathBuf {
    lock_path(locks, &format!("claim-{}", &blake3::hash(what.as_bytes()).to_hex()[..16]))
}

/// What came of reaching for the run that has a claim.
pub enum Reached {
    Connected(UnixStream),
    /// There is such a run, but it does not listen, or not yet.
    Deaf,
    /// There is no such run.
    NoRun,
}

/// Connects to the run of this user that has claimed what the text `what` stands for.
///
/// # Errors
/// When its socket is there and cannot be used.
pub fn reach(locks: &Path, what: &str) -> Result<Reached> {
    // In a folder of another user, another one would answer.
    if !is_own(locks) {
        return Ok(Reached::NoRun);
    }
    let lock = claim_path(locks, what);
    let socket = socket_path(&lock);
    match UnixStream::connect(&socket) {
        Ok(stream) => Ok(Reached::Connected(stream)),
        // A path that is too long for a socket is an invalid input.
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::InvalidInput) =>
        {
            Ok(if is_locked(&lock) { Reached::Deaf } else { Reached::NoRun })
        }
        Err(error) => Err(error).with_context(|| format!("cannot connect to `{}`", socket.display())),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::PermissionsExt;

    use super::{Claimed, Reached, claim, reach, socket_path};

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
    fn a_run_is_reached_by_what_it_claimed_as_long_as_it_listens() {
        let dir = tempfile::tempdir().unwrap();
        let reached = || reach(dir.path(), "a tag").unwrap();
        assert!(matches!(reached(), Reached::NoRun));
        let Claimed::Granted(granted) = claim(dir.path(), "a tag").unwrap() else { panic!("it is free") };
        assert!(matches!(reached(), Reached::Deaf));
        // A socket that a run left that was killed.
        fs::write(socket_path(&granted.path), "").unwrap();
        let listener = granted.listen().unwrap();
        assert_eq!(fs::metadata(socket_path(&granted.path)).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(reached(), Reached::Connected(_)));
        drop(listener);
        assert!(matches!(reached(), Reached::Deaf));
        drop(granted);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(matches!(reached(), Reached::NoRun));
    }

    #[test]
    fn what_is_claimed_is_held_by_its_process() {
        let dir = tempfile::tempdir().unwrap();
        let _claim = claim(dir.path(), "a tag").unwrap();
        let Claimed::HeldBy(process) = claim(dir.path(), "a tag").unwrap() else { panic!("it is claimed twice") };
        assert_eq!(process, std::process::id().to_string());
    }
}
