//! Listening on a host address, and what to say when that is not possible.

use std::io;
use std::net::{SocketAddr, TcpListener};

use anyhow::Result;
use rustix::io::Errno;
use rustix::net::sockopt;

use super::port_owner::{PortOwner, port_owner};
use super::sockets::tcp_socket;
use crate::error::Error;

/// How many connections the system keeps until we take them; it has a limit of its own.
const BACKLOG: i32 = 4096;

/// Listens on this address, and of IPv6 addresses on those alone; with port 0 the system picks one. Taking a connection
/// does not block.
///
/// # Errors
/// If the address is in use, may not be used or is not one of this machine.
pub fn listen(address: SocketAddr) -> Result<TcpListener> {
    open(address).map_err(|error| refusal(address, error, port_owner).into())
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = tcp_socket(&address)?;
    // Old connections of a run that has ended do not keep the port.
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if address.is_ipv6() {
        // So that `0.0.0.0` and `[::]` can be listened on beside each other.
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(TcpListener::from(socket))
}

/// The error for an address that cannot be listened on.
fn refusal(address: SocketAddr, error: io::Error, owner: impl Fn(SocketAddr) -> Option<PortOwner>) -> Error {
    let port = address.port();
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::ADDRINUSE) => in_use(address, owner(address)),
        Some(Errno::ACCESS | Errno::PERM) => Error::usage(format!("cannot listen on {address}: not permitted"))
            .hint(format!("ports below 1024 need privileges; choose another host port, as in `-p {}:...`", high(port))),
        Some(Errno::ADDRNOTAVAIL) => {
            Error::usage(format!("cannot listen on {address}: {} is not an address of this machine", address.ip()))
                .hint("leave the address out to use 127.0.0.1, or use 0.0.0.0 for all addresses of this machine")
        }
        Some(Errno::AFNOSUPPORT) => Error::usage(format!("cannot listen on {address}: this machine has no IPv6"))
            .hint("leave the address out to use 127.0.0.1, or use 0.0.0.0 for all addresses of this machine"),
        _ => Error::usage(format!("cannot listen on {address}")).because(error),
    }
}

fn in_use(address: SocketAddr, owner: Option<PortOwner>) -> Error {
    let port = address.port();
    let another = format!("choose another host port, as in `-p {}:...`", another(port));
    let docker = format!("`docker ps --filter publish={port}` shows the container; stop it, or {another}");
    let (by, hint) = match owner {
        Some(PortOwner::Process { pid, .. }) if pid == std::process::id() => {
            ("by this run itself, for an address given before".to_owned(), another)
        }
        Some(PortOwner::Process { pid, name }) if name.contains("docker-proxy") => {
            (format!("by `{name}` (process {pid}), for a container"), docker)
        }
        Some(PortOwner::Process { pid, name }) => {
            (format!("by `{name}` (process {pid})"), format!("end that process, or {another}"))
        }
        // Containers' ports are held by a process of root.
        Some(PortOwner::User(0)) => ("by a process of root, perhaps for a container".to_owned(), docker),
        Some(PortOwner::User(user)) => {
            (format!("by a process of the user {user}"), format!("end that process, or {another}"))
        }
        None => ("by another process".to_owned(), another),
    };
    Error::usage(format!("cannot listen on {address}: port {port} is in use {by}")).hint(hint)
}

/// A port to propose in place of one that is in use.
fn another(port: u16) -> u16 {
    port.checked_add(1).unwrap_or(8080)
}

/// A port to propose in place of one that needs privileges.
fn high(port: u16) -> u16 {
    8000 + port % 1000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error;

    fn message(error: Errno, owner: Option<PortOwner>) -> (String, String) {
        let address = "127.0.0.1:8080".parse().unwrap();
        let error = anyhow::Error::from(refusal(address, error.into(), |_| owner.clone()));
        (error.to_string(), error::hint(&error).unwrap_or_default().to_owned())
    }

    #[test]
    fn a_port_in_use_is_reported_with_the_process() {
        let owner = Some(PortOwner::Process { pid: 1, name: "python3".to_owned() });
        let (text, hint) = message(Errno::ADDRINUSE, owner);
        assert_eq!(text, "cannot listen on 127.0.0.1:8080: port 8080 is in use by `python3` (process 1)");
        assert_eq!(hint, "end that process, or choose another host port, as in `-p 8081:...`");
    }

    #[test]
    fn the_port_of_a_container_is_reported_with_the_command_that_shows_it() {
        let proxy = PortOwner::Process { pid: 1, name: "docker-proxy".to_owned() };
        for owner in [proxy, PortOwner::User(0)] {
            let (text, hint) = message(Errno::ADDRINUSE, Some(owner));
            assert!(text.ends_with("for a container"), "{text}");
            assert!(hint.starts_with("`docker ps --filter publish=8080` shows the container"), "{hint}");
        }
    }

    #[test]
    fn other_refusals_say_what_to_use() {
        let (text, hint) = message(Errno::ACCESS, None);
        assert_eq!(text, "cannot listen on 127.0.0.1:8080: not permitted");
        assert!(hint.contains("below 1024"), "{hint}");
        let (text, _) = message(Errno::ADDRNOTAVAIL, None);
        assert_eq!(text, "cannot listen on 127.0.0.1:8080: 127.0.0.1 is not an address of this machine");
        let (text, _) = message(Errno::ADDRINUSE, None);
        assert_eq!(text, "cannot listen on 127.0.0.1:8080: port 8080 is in use by another process");
    }

    #[test]
    fn all_addresses_of_both_families_can_be_listened_on() {
        let v4 = listen("0.0.0.0:0".parse().unwrap()).unwrap();
        let port = v4.local_addr().unwrap().port();
        if let Err(error) = listen(format!("[::]:{port}").parse().unwrap()) {
            assert!(error.to_string().contains("no IPv6"), "{error}");
        }
    }
}
