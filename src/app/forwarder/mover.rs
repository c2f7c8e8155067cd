//! Moving bytes from one socket to another: with `splice` through a pipe where the system can, so that they are not copied
//! around in our memory, and else through a buffer that all connections share.

use std::fmt;
use std::io::{self, Read, Write};
use std::mem;
use std::net::TcpStream;

#[cfg(target_os = "linux")]
use super::pipe::Pipe;

/// The most bytes that one direction of a connection holds while the receiver does not take them.
#[cfg(not(target_os = "linux"))]
const HELD_LIMIT: usize = 64 * 1024;
#[cfg(target_os = "linux")]
const HELD_LIMIT: usize = super::pipe::SIZE;

/// How many times in a row bytes are thrown away, so that a client that sends without end leaves time for the others.
const DISCARDS: usize = 16;

/// How many pipes are kept for the next bytes.
#[cfg(target_os = "linux")]
const SPARE_PIPES: usize = 8;

/// Bytes that were taken and not given yet. One at rest holds no memory and no pipe.
#[derive(Debug, Default)]
pub enum Held {
    #[default]
    Nothing,
    #[cfg(target_os = "linux")]
    InPipe(Pipe, usize),
    InMemory(Vec<u8>),
}

/// What a sender had for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Bytes(usize),
    NothingYet,
    End,
}

/// What all connections use to move bytes.
pub struct Mover {
    buffer: Box<[u8]>,
    #[cfg(target_os = "linux")]
    pipes: Vec<Pipe>,
    #[cfg(target_os = "linux")]
    splices: bool,
}

impl Held {
    pub fn is_empty(&self) -> bool {
        matches!(self, Held::Nothing)
    }

    /// The bytes, where they can be seen.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Held::InMemory(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl Mover {
    /// One that uses what the system has.
    pub fn new() -> Self {
        Self {
            buffer: vec![0; HELD_LIMIT].into(),
            #[cfg(target_os = "linux")]
            pipes: Vec::new(),
            #[cfg(target_os = "linux")]
            splices: true,
        }
    }

    /// One that copies, as on systems without `splice`.
    #[cfg(test)]
    pub fn copying() -> Self {
        let mut mover = Self::new();
        #[cfg(target_os = "linux")]
        {
            mover.splices = false;
        }
        mover
    }

    /// Takes from a socket what is there, up to a limit. Nothing may be held yet.
    ///
    /// # Errors
    /// If the connection broke.
    pub fn take(&mut self, from: &TcpStream, held: &mut Held) -> io::Result<Taken> {
        debug_assert!(held.is_empty(), "what is held is given first");
        #[cfg(target_os = "linux")]
        if self.splices
            && let Some(pipe) = self.pipe()
        {
            return match pipe.fill(from) {
                Ok(0) => {
                    self.pipes.push(pipe);
                    Ok(Taken::End)
                }
                Ok(count) => {
                    *held = Held::InPipe(pipe, count);
                    Ok(Taken::Bytes(count))
                }
                // Kept, as it is empty.
                Err(error) if is_not_now(&error) => {
                    self.pipes.push(pipe);
                    Ok(Taken::NothingYet)
                }
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                    self.splices = false;
                    self.take(from, held)
                }
                Err(error) => Err(error),
            };
        }
        self.take_visibly(from, held)
    }

    /// The same, so that the bytes can be seen.
    ///
    /// # Errors
    /// If the connection broke.
    pub fn take_visibly(&mut self, mut from: &TcpStream, held: &mut Held) -> io::Result<Taken> {
        match from.read(&mut self.buffer) {
            Ok(0) => Ok(Taken::End),
            Ok(count) => {
                *held = Held::InMemory(self.buffer[..count].to_vec());
                Ok(Taken::Bytes(count))
            }
            Err(error) if is_not_now(&error) => Ok(Taken::NothingYet),
            Err(error) => Err(error),
        }
    }

    /// Gives a socket what it takes of the bytes held; how many that were.
    ///
    /// # Errors
    /// If the connection broke; nothing is held then.
    pub fn give(&mut self, held: &mut Held, to: &TcpStream) -> io::Result<usize> {
        let mut given = 0;
        loop {
            let result = match held {
                Held::Nothing => return Ok(given),
                #[cfg(target_os = "linux")]
                Held::InPipe(pipe, count) => pipe.empty(to, *count),
                Held::InMemory(bytes) => {
                    let mut to = to;
                    to.write(bytes)
                }
            };
            match result {
                // A socket takes at least one byte or says why not.
                Ok(count) => {
                    given += count;
                    self.given(held, count);
                }
                Err(error) if is_not_now(&error) => return Ok(given),
                Err(error) => {
                    *held = Held::Nothing;
                    return Err(error);
                }
            }
        }
    }

    /// Takes this many bytes off what is held.
    fn given(&mut self, held: &mut Held, count: usize) {
        match mem::take(held) {
            Held::Nothing => {}
            #[cfg(target_os = "linux")]
            Held::InPipe(pipe, length) if count >= length => self.keep(pipe),
            #[cfg(target_os = "linux")]
            Held::InPipe(pipe, length) => *held = Held::InPipe(pipe, length - count),
            Held::InMemory(bytes) if count >= bytes.len() => {}
            Held::InMemory(mut bytes) => {
                bytes.drain(..count);
                *held = Held::InMemory(bytes);
            }
        }
    }

    /// Throws away what a socket has sent: `true` when its end was reached, or it broke.
    pub fn discard(&mut self, mut from: &TcpStream) -> bool {
        for _ in 0..DISCARDS {
            match from.read(&mut self.buffer) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return !is_not_now(&error),
            }
        }
        false
    }

    #[cfg(target_os = "linux")]
    fn pipe(&mut self) -> Option<Pipe> {
        // Without one, as when too many files are open, bytes are copied.
        self.pipes.pop().or_else(|| Pipe::new().ok())
    }

    /// Keeps an empty pipe.
    #[cfg(target_os = "linux")]
    fn keep(&mut self, pipe: Pipe) {
        if self.pipes.len() < SPARE_PIPES {
            self.pipes.push(pipe);
        }
    }
}

impl fmt::Debug for Mover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mover").finish_non_exhaustive()
    }
}

/// Whether the error says that the socket is not ready, or that a signal came.
fn is_not_now(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
