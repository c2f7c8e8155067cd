//! `epoll`, which costs nothing for sockets at rest.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{Timespec, epoll};
use rustix::io::Errno;

use super::readiness::{Event, Interest};

/// How many sockets are told of at once.
const EVENTS: usize = 128;

/// Sockets and what they are asked about.
#[derive(Debug)]
pub struct Poller {
    epoll: OwnedFd,
}

impl Poller {
    /// # Errors
    /// If the system gives none.
    pub fn new() -> io::Result<Self> {
        Ok(Self { epoll: epoll::create(epoll::CreateFlags::CLOEXEC)? })
    }

    /// Asks about a socket under this token.
    ///
    /// # Errors
    /// If the system has no room for it.
    pub fn add(&mut self, socket: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, socket, epoll::EventData::new_u64(token), flags(interest))?)
    }

    /// Asks something else about a socket that was added.
    ///
    /// # Errors
    /// If it was not added.
    pub fn modify(&mut self, socket: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        Ok(epoll::modify(&self.epoll, socket, epoll::EventData::new_u64(token), flags(interest))?)
    }

    /// Asks nothing any more about a socket that was added.
    pub fn remove(&mut self, socket: impl AsFd, _token: u64) {
        let _ = epoll::delete(&self.epoll, socket);
    }

    /// Waits until sockets are ready, for as long as the limit says, and puts them in place of what is in `events`.
    ///
    /// # Errors
    /// If the system cannot wait.
    pub fn wait(&mut self, events: &mut Vec<Event>, limit: Option<Duration>) -> io::Result<()> {
        events.clear();
        let nothing = epoll::Event { flags: epoll::EventFlags::empty(), data: epoll::EventData::new_u64(0) };
        let mut ready = [nothing; EVENTS];
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let count = match epoll::wait(&self.epoll, &mut ready, limit.as_ref()) {
            Ok(count) => count,
            Err(Errno::INTR) => 0,
            Err(error) => return Err(error.into()),
        };
        events.extend(ready[..count].iter().map(|ready| event(*ready)));
        Ok(())
    }
}

fn flags(interest: Interest) -> epoll::EventFlags {
    let mut flags = epoll::EventFlags::empty();
    flags.set(epoll::EventFlags::IN, interest.read);
    flags.set(epoll::EventFlags::OUT, interest.write);
    flags
}

fn event(ready: epoll::Event) -> Event {
    // The fields of a packed struct are copied before they are used.
    let (flags, data) = (ready.flags, ready.data);
    Event {
        token: data.u64(),
        readable: flags.contains(epoll::EventFlags::IN),
        writable: flags.contains(epoll::EventFlags::OUT),
        hangup: flags.intersects(epoll::EventFlags::HUP | epoll::EventFlags::ERR),
    }
}
