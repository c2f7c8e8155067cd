//! The application of `bench run`, a small HTTP server that keeps connections open. It answers `/bytes/NUMBER` with so many
//! bytes, and all else with the file that was saved.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// The port in the container.
const PORT: u16 = 8080;

/// The file that is served.
const PAGE: &str = "/app/saved.txt";

/// What is sent at a time of a large answer.
const CHUNK: usize = 256 * 1024;

/// Enough for a thread of a connection, so that a thousand of them are no matter.
const STACK: usize = 128 * 1024;

unsafe extern "C" {
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
    fn _exit(status: i32) -> !;
}

extern "C" fn end(_: i32) {
    // SAFETY: a handler may call it.
    unsafe { _exit(0) }
}

fn main() -> io::Result<()> {
    // SAFETY: the handler calls nothing but `_exit`. As process 1 it would not heed TERM without one.
    unsafe { signal(15, end) };
    let listener = TcpListener::bind(("0.0.0.0", PORT))?;
    for stream in listener.incoming().flatten() {
        thread::Builder::new().stack_size(STACK).spawn(move || drop(serve(&stream)))?;
    }
    Ok(())
}

/// Answers all requests of a connection.
fn serve(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut requests = BufReader::new(stream);
    loop {
        let Some((path, close)) = read_request(&mut requests)? else { return Ok(()) };
        match path.strip_prefix("/bytes/").and_then(|number| number.parse().ok()) {
            Some(length) => send_bytes(stream, length)?,
            None => send_page(stream)?,
        }
        if close {
            return Ok(());
        }
    }
}

/// The path that is asked for, and whether the client wants no more than that; nothing at the end.
fn read_request(requests: &mut impl BufRead) -> io::Result<Option<(String, bool)>> {
    let mut line = String::new();
    if requests.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or("/").to_owned();
    let mut close = false;
    loop {
        line.clear();
        if requests.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            return Ok(Some((path, close)));
        }
        close |= header == "connection: close";
    }
}

fn send_page(mut stream: &TcpStream) -> io::Result<()> {
    let page = fs::read(PAGE)?;
    let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", page.len()).into_bytes();
    answer.extend(page);
    stream.write_all(&answer)
}

fn send_bytes(mut stream: &TcpStream, length: usize) -> io::Result<()> {
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n")?;
    let chunk = vec![b'x'; CHUNK];
    let mut left = length;
    while left > 0 {
        let now = left.min(CHUNK);
        stream.write_all(&chunk[..now])?;
        left -= now;
    }
    Ok(())
}
