//! Passes TCP connections on to the current app, so that one app can take the place of another without a connection that
//! is refused or reset: the host addresses are ours for the whole run, and connections wait while there is no app.
//!
//! One thread holds all connections; a connection at rest is two sockets and a few words, and wakes nothing up.

mod connection;
mod current;
mod drain;
mod endpoint;
mod event_loop;
mod fd_limit;
mod flow;
mod http_answer;
mod listener;
mod mover;
mod passing;
#[cfg(target_os = "linux")]
mod pipe;
mod poller;
mod port_owner;
mod sockets;
#[cfg(test)]
mod tests;
mod token;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};

use current::Current;
use event_loop::{Command, EventLoop};
use mover::Mover;
use poller::{WakeSender, wake_channel};

pub use current::Generation;

/// Listens on host addresses and passes connections on to the current app. Dropping it closes all.
#[derive(Debug)]
pub struct Forwarder {
    addresses: Vec<SocketAddr>,
    current: Arc<Current>,
    commands: Sender<Command>,
    waker: WakeSender,
    thread: Option<JoinHandle<()>>,
}

impl Forwarder {
    /// Listens on all of the addresses, or on none; with port 0 the system picks one. A connection that is made while there
    /// is no app is closed after `wait`.
    ///
    /// # Errors
    /// If an address is in use (with the process that listens there, where the system tells), may not be used, or is not
    /// one of this machine.
    pub fn listen(addresses: &[SocketAddr], wait: Duration) -> Result<Self> {
        Self::start(addresses, wait, Mover::new())
    }

    fn start(addresses: &[SocketAddr], wait: Duration, mover: Mover) -> Result<Self> {
        let listeners = addresses.iter().map(|address| listener::listen(*address)).collect::<Result<Vec<_>>>()?;
        let addresses = listeners
            .iter()
            .map(|listener| listener.local_addr())
            .collect::<Result<_, _>>()
            .context("cannot tell which ports the system picked")?;
        fd_limit::raise();
        let current = Arc::new(Current::default());
        let (commands, received) = mpsc::channel();
        let (waker, woken) = wake_channel().context("cannot start passing connections on")?;
        let event_loop = EventLoop::new(listeners, wait, mover, Arc::clone(&current), received, woken)
            .context("cannot start passing connections on")?;
        let thread = std::thread::Builder::new()
            .name("forwarder".to_owned())
            .spawn(move || event_loop.run())
            .context("cannot start a thread")?;
        Ok(Self { addresses, current, commands, waker, thread: Some(thread) })
    }

    /// The addresses that are listened on, with the ports that the system picked, in the order given.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// From now on new connections to the i-th address go to `targets[i]`, and those that wait go there at once.
    /// Established ones stay with their app.
    ///
    /// # Panics
    /// If there is not one target for each address.
    pub fn connect_to(&self, targets: Vec<SocketAddr>) -> Generation {
        assert_eq!(targets.len(), self.addresses.len(), "one target for each address");
        let generation = self.current.set(targets);
        self.send(Command::CurrentChanged);
        generation
    }

    /// There is no app: new connections wait for the next one. Established ones stay.
    pub fn disconnect(&self) {
        self.current.clear();
        self.send(Command::CurrentChanged);
    }

    /// Ends the connections of an app that is not the current one any more: those on which nothing passes, as between two
    /// HTTP requests, are closed in good order at once, the others when they come to rest. Blocks until all have ended,
    /// at most for `limit`; how many are still open.
    pub fn drain(&self, generation: Generation, limit: Duration) -> usize {
        let (reply, count) = mpsc::channel();
        self.send(Command::Drain { generation, limit, reply });
        // The loop answers always, unless it has ended with all its connections.
        count.recv().unwrap_or(0)
    }

    /// Closes what is left of the connections of an app that has ended: what it sent still arrives, then comes the end.
    pub fn close(&self, generation: Generation) {
        self.send(Command::Close(generation));
    }

    /// How often a current app could not be reached since this was last asked.
    #[cfg(test)]
    pub fn take_refused(&self) -> u64 {
        self.current.refused.swap(0, std::sync::atomic::Ordering::Relaxed)
    }

    fn send(&self, command: Command) {
        // It fails only when the loop has ended, which it does when this is dropped.
        drop(self.commands.send(command));
        self.waker.wake();
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
