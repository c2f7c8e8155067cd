//! One direction of a connection: bytes, and then an end that is passed on, too.

use std::net::TcpStream;

use super::http_answer::HttpAnswer;
use super::mover::{Held, Mover, Taken};

/// How often one direction takes bytes in a row, so that a fast one leaves time for the others.
const ROUNDS: usize = 8;

/// The bytes under way from one socket to another.
#[derive(Debug, Default)]
pub struct Flow {
    held: Held,
    sender: Sender,
    /// The end was passed on, or nothing can be passed on any more.
    over: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Sender {
    #[default]
    Sends,
    /// It has said that no more comes.
    Ended,
    /// The connection to it broke.
    Broke,
}

/// What is to be done now that all bytes have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: more bytes come.
    Wait,
    /// The sender ended its direction: so should the receiver's be.
    PassEnd,
    /// The connection to the sender broke.
    SenderBroke,
    /// The connection to the receiver broke.
    ReceiverBroke,
}

impl Flow {
    /// Moves what can be moved now; how many bytes went to the receiver, and what comes next. A [`Next`] other than
    /// [`Next::Wait`] comes once.
    pub fn pump(&mut self, mover: &mut Mover, from: &TcpStream, to: &TcpStream) -> (usize, Next) {
        self.pump_watched(mover, from, to, None)
    }

    /// The same, and takes note of how much of an answer the sender has sent.
    pub fn pump_watched(
        &mut self,
        mover: &mut Mover,
        from: &TcpStream,
        to: &TcpStream,
        mut answer: Option<&mut HttpAnswer>,
    ) -> (usize, Next) {
        let mut passed = 0;
        let mut rounds = 0;
        while !self.over {
            match mover.give(&mut self.held, to) {
                Ok(count) => passed += count,
                Err(_) => return (passed, self.finish(Next::ReceiverBroke)),
            }
            if !self.held.is_empty() || rounds == ROUNDS {
                break;
            }
            match self.sender {
                Sender::Sends => {}
                Sender::Ended => return (passed, self.finish(Next::PassEnd)),
                Sender::Broke => return (passed, self.finish(Next::SenderBroke)),
            }
            rounds += 1;
            let is_read = answer.as_ref().is_some_and(|answer| answer.is_read());
            let taken =
                if is_read { mover.take_visibly(from, &mut self.held) } else { mover.take(from, &mut self.held) };
            match taken {
                Ok(Taken::Bytes(count)) => {
                    if let Some(answer) = &mut answer {
                        match self.held.bytes() {
                            Some(bytes) => answer.read(bytes),
                            None => answer.skip(count),
                        }
                    }
                }
                Ok(Taken::NothingYet) => break,
                Ok(Taken::End) => self.sender = Sender::Ended,
                Err(_) => self.sender = Sender::Broke,
            }
        }
        (passed, Next::Wait)
    }

    /// Passes nothing on any more.
    pub fn stop(&mut self) {
        self.held = Held::Nothing;
        self.over = true;
    }

    fn finish(&mut self, next: Next) -> Next {
        self.stop();
        next
    }

    /// Whether bytes of the sender are wanted now.
    pub fn wants_bytes(&self) -> bool {
        !self.over && self.held.is_empty() && self.sender == Sender::Sends
    }

    /// Whether there are bytes that the receiver did not take yet.
    pub fn holds_bytes(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether nothing is under way, and more may come.
    pub fn is_fresh(&self) -> bool {
        self.sends() && self.held.is_empty()
    }

    /// Whether the sender may still send something.
    pub fn sends(&self) -> bool {
        !self.over && self.sender == Sender::Sends
    }

    /// Whether the sender has said that no more comes.
    pub fn ended(&self) -> bool {
        self.sender == Sender::Ended
    }

    pub fn is_over(&self) -> bool {
        self.over
    }
}
