//! The terminal of the user, for what is meant for that and not for a stream.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::getpgrp;
use rustix::termios::{LocalModes, tcgetattr, tcgetpgrp};

/// How long a terminal that takes nothing is waited for, since what is meant for streams waits as well: a stopped one may
/// never go on.
const LIMIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// Whether there is a terminal.
pub fn is_there() -> bool {
    io::stderr().is_terminal() || controlling().is_some()
}

/// Writes to the terminal of the standard error, or else to the one that controls this process. What it does not take is
/// lost, and so is all if there is none.
pub fn write(bytes: &[u8]) {
    if io::stderr().is_terminal() {
        write_to(rustix::stdio::stderr(), bytes);
    } else if let Some(terminal) = controlling() {
        write_to(terminal.as_fd(), bytes);
    }
}

fn controlling() -> Option<File> {
    OpenOptions::new().write(true).open("/dev/tty").ok()
}

fn write_to(terminal: BorrowedFd, bytes: &[u8]) {
    let mut fds = [PollFd::from_borrowed_fd(terminal, PollFlags::OUT)];
    let takes = matches!(poll(&mut fds, Some(&LIMIT)), Ok(1)) && fds[0].revents().contains(PollFlags::OUT);
    if takes && !would_stop(terminal) {
        let _ = rustix::io::write(terminal, bytes);
    }
}

/// Whether the terminal stops a program of the background that writes (`stty tostop`), and this is one.
fn would_stop(terminal: BorrowedFd) -> bool {
    let in_background = tcgetpgrp(terminal).is_ok_and(|group| group != getpgrp());
    in_background && tcgetattr(terminal).is_ok_and(|modes| modes.local_modes.contains(LocalModes::TOSTOP))
}
