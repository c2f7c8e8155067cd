//! Sockets that never block, as the event loop needs them.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, sockopt};

/// When a peer that says nothing is asked whether it is still there: clients of other machines can vanish without a word.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// A TCP socket that is neither inherited by the programs that we start nor blocks.
///
/// # Errors
/// If the system gives none.
pub fn tcp_socket(address: &SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    #[cfg(target_os = "linux")]
    let socket = socket_with_flags(family)?;
    #[cfg(not(target_os = "linux"))]
    let socket = socket_and_flags(family)?;
    Ok(socket)
}

#[cfg(target_os = "linux")]
fn socket_with_flags(family: AddressFamily) -> io::Result<OwnedFd> {
    use rustix::net::SocketFlags;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socket_with(family, SocketType::STREAM, flags, None)?)
}

/// The same where the system takes no flags with a new socket.
#[cfg(any(not(target_os = "linux"), test))]
fn socket_and_flags(family: AddressFamily) -> io::Result<OwnedFd> {
    let socket = rustix::net::socket(family, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    Ok(socket)
}

/// Begins to connect. The socket is writable when that has come to an end, good or bad.
///
/// # Errors
/// If it failed at once.
pub fn begin_connect(address: &SocketAddr) -> io::Result<TcpStream> {
    let socket = tcp_socket(address)?;
    match rustix::net::connect(&socket, address) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// How connecting ended.
///
/// # Errors
/// If there is no connection.
pub fn connected(stream: &TcpStream) -> io::Result<()> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    // Where nobody listens on a port of the range from which own ports are picked, TCP can connect a socket to itself.
    if stream.peer_addr()? == stream.local_addr()? {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(())
}

/// Makes the socket of a client one that never blocks, passes on each byte at once and notices a peer that vanished.
///
/// # Errors
/// If it is broken.
pub fn prepare_client(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, KEEPALIVE)?;
    Ok(())
}

/// Makes the end of a connection a reset, for when the socket is closed next.
pub fn end_with_reset(stream: &TcpStream) {
    let _ = sockopt::set_socket_linger(stream, Some(Duration::ZERO));
}

#[cfg(test)]
mod tests {
    use rustix::fs::{OFlags, fcntl_getfl};
    use rustix::io::{FdFlags, fcntl_getfd};
    use rustix::net::AddressFamily;

    #[test]
    fn a_socket_neither_blocks_nor_is_inherited_on_any_system() {
        let (v4, v6) = (AddressFamily::INET, AddressFamily::INET6);
        let mut sockets = vec![super::socket_and_flags(v4).unwrap(), super::socket_and_flags(v6).unwrap()];
        sockets.push(super::tcp_socket(&"127.0.0.1:80".parse().unwrap()).unwrap());
        for socket in sockets {
            assert!(fcntl_getfl(&socket).unwrap().contains(OFlags::NONBLOCK));
            assert!(fcntl_getfd(&socket).unwrap().contains(FdFlags::CLOEXEC));
        }
    }
}
