//! The standard output and the standard error, as they are written to.

use std::io::{self, IsTerminal};
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Out,
    Err,
}

/// How writing to a stream went.
#[derive(Debug)]
pub enum Written {
    All,
    /// The reader has closed its end.
    NoReader,
    Refused(io::Error),
}

impl Stream {
    /// Writes all of the bytes, without a buffer; waits for the reader. What a terminal that went away does not take is
    /// lost: a run that ignores HUP is meant to go on without it.
    pub fn write(self, mut bytes: &[u8]) -> Written {
        while !bytes.is_empty() {
            match rustix::io::write(self.fd(), bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(Errno::INTR) => {}
                // Another program may have set the stream, which it shares with us, to answer at once.
                Err(Errno::AGAIN) => drop(poll(&mut [PollFd::from_borrowed_fd(self.fd(), PollFlags::OUT)], None)),
                Err(Errno::PIPE) => return Written::NoReader,
                Err(_) if self.is_terminal() => return Written::All,
                Err(error) => return Written::Refused(error.into()),
            }
        }
        Written::All
    }

    /// Waits until the reader has closed its end, for as long as that takes; whether it has. A file has no reader.
    pub fn wait_until_gone(self) -> bool {
        loop {
            let mut fds = [PollFd::from_borrowed_fd(self.fd(), PollFlags::empty())];
            match poll(&mut fds, None) {
                Ok(_) => return !self.is_terminal(),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(_) => return false,
            }
        }
    }

    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Stream::Out => "standard output",
            Stream::Err => "standard error",
        }
    }

    fn is_terminal(self) -> bool {
        self.fd().is_terminal()
    }

    fn fd(self) -> BorrowedFd<'static> {
        match self {
            Stream::Out => rustix::stdio::stdout(),
            Stream::Err => rustix::stdio::stderr(),
        }
    }
}
