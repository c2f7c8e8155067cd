//! As much of an HTTP client as is measured with.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::outcome::Outcome;
use crate::signals;

/// How long a request may take. Chosen: as long as a person would take for an app that hangs.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// How often is asked for a page that is waited for.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// How long a page may take to come. Chosen, not measured: it only ends a wait for one that will never come.
const PAGE_LIMIT: Duration = Duration::from_secs(120);

/// A connection that is kept open.
pub struct Connection {
    stream: BufReader<TcpStream>,
    /// Where bodies are read into.
    space: Vec<u8>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, ANSWER_LIMIT)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), space: vec![0; 256 * 1024] })
    }

    /// Asks for a path, and reads the answer to its end; how many bytes its body has.
    pub fn get(&mut self, path: &str) -> io::Result<usize> {
        self.ask(path, "")?;
        let length = read_head(&mut self.stream)?;
        let mut left = length;
        while left > 0 {
            let at_most = left.min(self.space.len());
            match self.stream.read(&mut self.space[..at_most])? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => left -= count,
            }
        }
        Ok(length)
    }

    fn ask(&mut self, path: &str, more: &str) -> io::Result<()> {
        // One write, so that it is one packet.
        let request = format!("GET {path} HTTP/1.1\r\nHost: app\r\n{more}\r\n");
        self.stream.get_mut().write_all(request.as_bytes())
    }
}

/// Asks for the page on a connection of its own.
pub fn get_page(address: SocketAddr) -> Outcome {
    let page = || -> io::Result<String> {
        let mut connection = Connection::open(address)?;
        connection.ask("/", "Connection: close\r\n")?;
        let mut body = vec![0; read_head(&mut connection.stream)?];
        connection.stream.read_exact(&mut body)?;
        String::from_utf8(body).map_err(|_| ErrorKind::InvalidData.into())
    };
    page().map_or_else(|error| Outcome::of(&error), Outcome::Answered)
}

/// Waits until the page has this content; returns when the answer had come.
pub fn wait_for_page(address: SocketAddr, content: &str, check: impl FnMut() -> Result<()>) -> Result<Instant> {
    wait_until(address, |body| body == content, check)
}

/// Waits until the app answers.
pub fn wait_for_app(address: SocketAddr, check: impl FnMut() -> Result<()>) -> Result<()> {
    wait_until(address, |_| true, check).map(drop)
}

fn wait_until(
    address: SocketAddr,
    is_wanted: impl Fn(&str) -> bool,
    mut check: impl FnMut() -> Result<()>,
) -> Result<Instant> {
    let begin = Instant::now();
    loop {
        let outcome = get_page(address);
        let now = Instant::now();
        if matches!(&outcome, Outcome::Answered(body) if is_wanted(body)) {
            return Ok(now);
        }
        signals::check()?;
        check()?;
        if begin.elapsed() > PAGE_LIMIT {
            bail!("the app does not show what is waited for within {} s, but {outcome:?}", PAGE_LIMIT.as_secs());
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Reads up to the body; how many bytes that has.
fn read_head(from: &mut impl BufRead) -> io::Result<usize> {
    let mut line = String::new();
    let mut length = None;
    let mut first = true;
    loop {
        line.clear();
        if from.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let header = line.trim_end().to_ascii_lowercase();
        if first && !header.starts_with("http/1.1 200") {
            return Err(io::Error::new(ErrorKind::InvalidData, format!("the answer begins with `{header}`")));
        }
        first = false;
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok();
        }
        if header.is_empty() {
            return length.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "an answer has no length"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ErrorKind, read_head};

    #[test]
    fn what_follows_the_head_is_left() {
        let mut answer = &b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"[..];
        assert_eq!(read_head(&mut answer).unwrap(), 3);
        assert_eq!(answer, b"abc");
    }

    #[test]
    fn an_answer_that_ends_early_or_fails_is_no_answer() {
        let kind = |mut text: &[u8]| read_head(&mut text).unwrap_err().kind();
        assert_eq!(kind(b""), ErrorKind::UnexpectedEof);
        assert_eq!(kind(b"HTTP/1.1 200 OK\r\nContent-Le"), ErrorKind::UnexpectedEof);
        assert_eq!(kind(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"), ErrorKind::InvalidData);
    }
}
