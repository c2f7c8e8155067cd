//! A pipe in the kernel, through which `splice` moves bytes from socket to socket.

use std::io;
use std::net::TcpStream;
use std::os::fd::OwnedFd;

use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};

/// How many bytes it holds, where the system lets us choose: four times as many as by default, for fewer calls.
pub const SIZE: usize = 256 * 1024;

/// The two ends of the pipe.
#[derive(Debug)]
pub struct Pipe {
    output: OwnedFd,
    input: OwnedFd,
}

impl Pipe {
    /// # Errors
    /// If the system gives none.
    pub fn new() -> io::Result<Self> {
        let (output, input) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        // There is a limit for all pipes of a user; a smaller pipe does it as well.
        let _ = fcntl_setpipe_size(&input, SIZE);
        Ok(Self { output, input })
    }

    /// Moves bytes of a socket into the empty pipe; how many, 0 at the end.
    ///
    /// # Errors
    /// If there are none now, or the connection broke.
    pub fn fill(&self, from: &TcpStream) -> io::Result<usize> {
        Ok(splice(from, None, &self.input, None, SIZE, SpliceFlags::MOVE | SpliceFlags::NONBLOCK)?)
    }

    /// Moves at most so many bytes of the pipe to a socket; how many.
    ///
    /// # Errors
    /// If it takes none now, or the connection broke.
    pub fn empty(&self, to: &TcpStream, count: usize) -> io::Result<usize> {
        Ok(splice(&self.output, None, to, None, count, SpliceFlags::MOVE | SpliceFlags::NONBLOCK)?)
    }
}
