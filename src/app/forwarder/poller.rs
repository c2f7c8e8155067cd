//! Waiting until one of many sockets is ready: `epoll` on Linux, `poll` elsewhere.

#[cfg(target_os = "linux")]
mod epoll;
#[cfg(any(test, not(target_os = "linux")))]
mod poll;
mod readiness;
#[cfg(test)]
mod tests;

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

#[cfg(target_os = "linux")]
pub use epoll::Poller;
#[cfg(not(target_os = "linux"))]
pub use poll::Poller;
pub use readiness::{Event, Interest};

/// Ends the wait of a poller, from any thread.
#[derive(Debug)]
pub struct WakeSender(UnixStream);

/// The poller's end of it.
#[derive(Debug)]
pub struct WakeReceiver(UnixStream);

/// Both ends.
///
/// # Errors
/// If the system gives no sockets.
pub fn wake_channel() -> io::Result<(WakeSender, WakeReceiver)> {
    let (sender, receiver) = UnixStream::pair()?;
    sender.set_nonblocking(true)?;
    receiver.set_nonblocking(true)?;
    Ok((WakeSender(sender), WakeReceiver(receiver)))
}

impl WakeSender {
    pub fn wake(&self) {
        // When it does not fit, enough of them are waiting to be read.
        drop((&self.0).write(&[0]));
    }
}

impl WakeReceiver {
    /// Forgets all calls so far.
    pub fn clear(&self) {
        let mut calls = [0; 64];
        while matches!((&self.0).read(&mut calls), Ok(count) if count > 0) {}
    }
}

impl AsFd for WakeReceiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
