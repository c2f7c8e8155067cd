//! How a run and the process that cleans up after it agree which of them removes the lock: the one that is done last. They
//! share a socket. Each says that it is done, and looks only then whether the other one has said so: whichever way the
//! two run beside each other, at least one of them sees it.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use anyhow::Result;

/// What the process says when it is done.
const DONE: &[u8] = b".";

/// The run's end of the socket.
pub struct Handover(UnixStream);

impl Handover {
    /// The run's end, and the standard output for the process that cleans up.
    ///
    /// # Errors
    /// When no more files can be opened.
    pub fn new() -> Result<(Self, Stdio)> {
        let (own, theirs) = UnixStream::pair()?;
        own.set_nonblocking(true)?;
        Ok((Self(own), OwnedFd::from(theirs).into()))
    }

    /// Says that the run is done; whether the process has said so before, so that the lock is the run's. One that failed says
    /// nothing.
    pub fn run_is_last(&mut self) -> bool {
        // Without it the process takes the lock for the run's; the next run removes it then.
        let _ = self.0.shutdown(Shutdown::Write);
        matches!(self.0.read(&mut [0]), Ok(count) if count == DONE.len())
    }
}

/// Says, in the process that cleans up, that it is done; whether the run has said so before, or has ended, so that the lock is
/// the process's.
pub fn cleanup_is_last() -> bool {
    std::io::stdout().as_fd().try_clone_to_owned().is_ok_and(|link| is_last(link.into()))
}

fn is_last(mut link: UnixStream) -> bool {
    // A run that was killed takes nothing in any more.
    let run_goes_on = link.write_all(DONE).is_ok() && link.set_nonblocking(true).is_ok();
    !run_goes_on || !matches!(link.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::{Handover, is_last};

    fn pair() -> (Handover, UnixStream) {
        let (own, theirs) = UnixStream::pair().unwrap();
        own.set_nonblocking(true).unwrap();
        (Handover(own), theirs)
    }

    #[test]
    fn the_one_that_is_done_last_has_the_lock() {
        let (mut run, cleanup) = pair();
        assert!(!run.run_is_last());
        assert!(is_last(cleanup));
        let (mut run, cleanup) = pair();
        assert!(!is_last(cleanup));
        assert!(run.run_is_last());
    }

    #[test]
    fn a_run_that_was_killed_leaves_the_lock_to_the_cleanup_and_a_failed_cleanup_to_the_next_run() {
        let (run, cleanup) = pair();
        drop(run);
        assert!(is_last(cleanup));
        let (mut run, cleanup) = pair();
        drop(cleanup);
        assert!(!run.run_is_last());
    }

    #[test]
    fn a_lock_stayed_when_both_were_done_at_the_same_time() {
        for _ in 0..2000 {
            let (mut run, cleanup) = pair();
            let cleanup = std::thread::spawn(|| is_last(cleanup));
            let run = run.run_is_last();
            assert!(run | cleanup.join().unwrap());
        }
    }
}
