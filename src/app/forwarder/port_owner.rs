//! Who listens on a port, as far as the system tells: Linux does, in `/proc`.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

/// Who listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortOwner {
    Process {
        pid: u32,
        /// The name of its program.
        name: String,
    },
    /// A process of the user with this number; which one is not for us to see.
    User(u32),
}

/// Who listens on this address, or on all addresses with its port; `None` where the system does not tell.
pub fn port_owner(address: SocketAddr) -> Option<PortOwner> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let listening = tables.iter().flat_map(|table| table.lines().filter_map(ListeningSocket::parse));
    let found = listening.filter(|socket| socket.is_in_the_way_of(address)).collect::<Vec<_>>();
    let process = found.iter().find_map(|socket| process_with_socket(socket.inode));
    process.or_else(|| found.first().map(|socket| PortOwner::User(socket.user)))
}

/// One line of `/proc/net/tcp` or `/proc/net/tcp6`.
#[derive(Debug, PartialEq, Eq)]
struct ListeningSocket {
    address: SocketAddr,
    user: u32,
    inode: u64,
}

impl ListeningSocket {
    /// `None` for a line about something else.
    fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [_, local, _, "0A", _, _, _, user, _, inode, ..] = fields[..] else {
            return None;
        };
        let (ip, port) = local.split_once(':')?;
        let address = SocketAddr::new(parse_ip(ip)?, u16::from_str_radix(port, 16).ok()?);
        Some(Self { address, user: user.parse().ok()?, inode: inode.parse().ok()? })
    }

    fn is_in_the_way_of(&self, address: SocketAddr) -> bool {
        let (one, other) = (self.address.ip().to_canonical(), address.ip().to_canonical());
        self.address.port() == address.port() && (one == other || one.is_unspecified() || other.is_unspecified())
    }
}

/// An address as the kernel prints it: words of 32 bits, each in the machine's byte order.
fn parse_ip(text: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(text.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    match text.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut bytes = [0; 16];
            for (index, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(index * 8)?);
            }
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

/// The process that holds a socket, of those that we may look into.
fn process_with_socket(inode: u64) -> Option<PortOwner> {
    let socket = format!("socket:[{inode}]");
    let holds = |process: &Path| {
        let mut fds = fs::read_dir(process.join("fd")).ok()?.flatten();
        fds.find(|fd| fs::read_link(fd.path()).is_ok_and(|target| target.as_os_str() == socket.as_str()))
    };
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        holds(&entry.path())?;
        let name = fs::read_to_string(entry.path().join("comm")).ok()?;
        Some(PortOwner::Process { pid, name: name.trim_end().to_owned() })
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[cfg(target_endian = "little")]
    #[test]
    fn lines_of_the_kernel_are_read() {
        let v4 =
            "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000";
        let socket = ListeningSocket { address: "127.0.0.1:8080".parse().unwrap(), user: 1000, inode: 4711 };
        assert_eq!(ListeningSocket::parse(v4), Some(socket));
        let v6 =
            "   1: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0:0 0:0 0  0  0 5 1";
        assert_eq!(ListeningSocket::parse(v6).unwrap().address, "[::1]:8080".parse().unwrap());
        let established = v4.replace(" 0A ", " 01 ");
        assert_eq!(ListeningSocket::parse(&established), None);
        assert_eq!(ListeningSocket::parse("  sl  local_address rem_address   st tx_queue rx_queue"), None);
    }

    #[test]
    fn a_socket_is_in_the_way_of_its_address_and_of_all_addresses() {
        let in_the_way = |socket: &str, address: &str| {
            let socket = ListeningSocket { address: socket.parse().unwrap(), user: 0, inode: 0 };
            socket.is_in_the_way_of(address.parse().unwrap())
        };
        assert!(in_the_way("127.0.0.1:80", "127.0.0.1:80"));
        assert!(in_the_way("[::]:80", "127.0.0.1:80"));
        assert!(in_the_way("127.0.0.1:80", "0.0.0.0:80"));
        assert!(!in_the_way("127.0.0.2:80", "127.0.0.1:80"));
        assert!(!in_the_way("127.0.0.1:81", "127.0.0.1:80"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_owner_of_an_own_port_is_this_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let owner = port_owner(listener.local_addr().unwrap());
        assert!(matches!(owner, Some(PortOwner::Process { pid, .. }) if pid == std::process::id()), "{owner:?}");
    }
}
