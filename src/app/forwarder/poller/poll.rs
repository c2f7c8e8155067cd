//! `poll`, for systems without `epoll`: the whole list is handed over at each wait.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::readiness::{Event, Interest};

/// Sockets, as duplicates that this owns, and what they are asked about.
#[derive(Debug, Default)]
pub struct Poller {
    sockets: BTreeMap<u64, (OwnedFd, Interest)>,
}

impl Poller {
    /// # Errors
    /// None here.
    pub fn new() -> io::Result<Self> {
        Ok(Self::default())
    }

    /// Asks about a socket under this token.
    ///
    /// # Errors
    /// If the system has no room for it.
    pub fn add(&mut self, socket: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        self.sockets.insert(token, (socket.as_fd().try_clone_to_owned()?, interest));
        Ok(())
    }

    /// Asks something else about a socket that was added.
    ///
    /// # Errors
    /// If it was not added.
    pub fn modify(&mut self, _socket: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        let (_, asked) = self.sockets.get_mut(&token).ok_or(io::ErrorKind::NotFound)?;
        *asked = interest;
        Ok(())
    }

    /// Asks nothing any more about a socket that was added.
    pub fn remove(&mut self, _socket: impl AsFd, token: u64) {
        self.sockets.remove(&token);
    }

    /// Waits until sockets are ready, for as long as the limit says, and puts them in place of what is in `events`.
    ///
    /// # Errors
    /// If the system cannot wait.
    pub fn wait(&mut self, events: &mut Vec<Event>, limit: Option<Duration>) -> io::Result<()> {
        events.clear();
        let asked = self.sockets.values().map(|(socket, interest)| PollFd::new(socket, flags(*interest)));
        let mut asked: Vec<PollFd> = asked.collect();
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        match poll(&mut asked, limit.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let answers = self.sockets.keys().zip(&asked).map(|(token, answer)| (*token, answer.revents()));
        events.extend(answers.filter(|(_, answer)| !answer.is_empty()).map(|(token, answer)| event(token, answer)));
        Ok(())
    }
}

fn flags(interest: Interest) -> PollFlags {
    let mut flags = PollFlags::empty();
    flags.set(PollFlags::IN, interest.read);
    flags.set(PollFlags::OUT, interest.write);
    flags
}

fn event(token: u64, answer: PollFlags) -> Event {
    Event {
        token,
        readable: answer.contains(PollFlags::IN),
        writable: answer.contains(PollFlags::OUT),
        hangup: answer.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL),
    }
}
