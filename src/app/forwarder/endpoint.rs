//! One socket of a connection, and what the poller is asked about it.

use std::net::{Shutdown, TcpStream};

use super::poller::{Interest, Poller};
use super::sockets::end_with_reset;

/// What the poller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Nothing,
    This(Interest),
    /// It was told that both directions have ended, and would be told again and again.
    Silenced,
}

/// A socket that is registered with the poller.
#[derive(Debug)]
pub struct Endpoint {
    stream: TcpStream,
    token: u64,
    asked: Asked,
}

impl Endpoint {
    pub fn new(stream: TcpStream, token: u64) -> Self {
        Self { stream, token, asked: Asked::Nothing }
    }

    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Asks the poller about this, unless it does so already; `false` where the system has no room for it.
    #[must_use]
    pub fn wait_for(&mut self, interest: Interest, poller: &mut Poller) -> bool {
        let result = match self.asked {
            Asked::This(asked) if asked == interest => return true,
            Asked::Silenced if interest == Interest::NONE => return true,
            Asked::This(_) => poller.modify(&self.stream, self.token, interest),
            Asked::Nothing | Asked::Silenced => poller.add(&self.stream, self.token, interest),
        };
        self.asked = Asked::This(interest);
        result.is_ok()
    }

    /// Whether the poller is asked about nothing in particular, so that only a broken connection or the end of both
    /// directions is told.
    pub fn waits_for_nothing(&self) -> bool {
        self.asked == Asked::This(Interest::NONE)
    }

    /// Asks the poller nothing until something is waited for again.
    pub fn silence(&mut self, poller: &mut Poller) {
        if matches!(self.asked, Asked::This(_)) {
            poller.remove(&self.stream, self.token);
        }
        self.asked = Asked::Silenced;
    }

    /// Whether the connection broke; told once.
    pub fn broke(&self) -> bool {
        !matches!(self.stream.take_error(), Ok(None))
    }

    /// Says that no more comes.
    pub fn end_writing(&self) {
        drop(self.stream.shutdown(Shutdown::Write));
    }

    /// Ends both directions; what has arrived can still be read.
    pub fn end(&self) {
        drop(self.stream.shutdown(Shutdown::Both));
    }

    /// Makes its end a broken connection for the peer, once this is dropped.
    pub fn break_off(&mut self, poller: &mut Poller) {
        end_with_reset(&self.stream);
        self.silence(poller);
    }
}
