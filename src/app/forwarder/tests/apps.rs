//! Apps that answer each line with their name, and clients that ask them.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rustix::net::sockopt;

use super::{Forwarder, any_port};
use crate::app::forwarder::sockets::tcp_socket;

/// An app that takes connections until it is dropped, which keeps those that it has.
pub struct App {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl App {
    pub fn named(name: &str) -> Self {
        Self::on(TcpListener::bind(any_port()).unwrap(), name)
    }

    pub fn on(listener: TcpListener, name: &str) -> Self {
        let address = listener.local_addr().unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let (end, name) = (Arc::clone(&ended), name.to_owned());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::Relaxed) {
                    return;
                }
                let (stream, name) = (stream.unwrap(), name.clone());
                std::thread::spawn(move || answer(&stream, &name));
            }
        });
        Self { address, ended, thread: Some(thread) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn answer(stream: &TcpStream, name: &str) {
    let mut writer = stream;
    for line in BufReader::new(stream).lines() {
        if line.is_err() || writeln!(writer, "{name}").is_err() {
            return;
        }
    }
}

/// A client with a connection that it keeps.
pub struct Connected(BufReader<TcpStream>);

impl Connected {
    pub fn to(forwarder: &Forwarder) -> Self {
        Self::to_address(forwarder.addresses()[0]).unwrap()
    }

    pub fn to_address(address: SocketAddr) -> io::Result<Self> {
        TcpStream::connect(address).map(|stream| Self(BufReader::new(stream)))
    }

    pub fn send(&mut self) {
        self.try_send().unwrap();
    }

    pub fn answer(&mut self) -> String {
        self.try_answer().unwrap()
    }

    pub fn ask(&mut self) -> String {
        self.send();
        self.answer()
    }

    /// Reads an HTTP answer with a head of two lines and a body of one.
    pub fn skip_answer(&mut self) -> io::Result<()> {
        (0..4).try_for_each(|_| self.try_answer().map(drop))
    }

    /// Whether the other end has ended in good order.
    pub fn is_at_end(&mut self) -> bool {
        self.0.fill_buf().unwrap().is_empty()
    }

    fn try_send(&mut self) -> io::Result<()> {
        self.0.get_mut().write_all(b"name?\n")
    }

    fn try_answer(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.0.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}

/// Asks over a connection of its own.
pub fn ask(address: SocketAddr) -> io::Result<String> {
    let mut client = Connected::to_address(address)?;
    client.try_send()?;
    client.try_answer()
}

/// A socket that keeps an address of its own, on which nobody listens.
pub fn reserved() -> TcpListener {
    let socket = tcp_socket(&any_port()).unwrap();
    sockopt::set_socket_reuseaddr(&socket, true).unwrap();
    rustix::net::bind(&socket, &any_port()).unwrap();
    let socket = TcpListener::from(socket);
    socket.set_nonblocking(false).unwrap();
    socket
}
