//! The listening sockets of a process's network, from the tables of the kernel. Where these cannot be read, nothing is known.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The state of a listening socket in these tables.
const LISTEN: &str = "0A";

/// Which of a container's ports have a listener.
#[derive(Debug, PartialEq, Eq)]
pub enum Listener {
    /// One that can be reached from outside.
    Open,
    /// Only one that the container itself can reach.
    Loopback,
    None,
}

/// Where the process `pid` of the container `id` has listeners; `None` if that cannot be found out, since the process is not
/// one of this machine, or belongs to another container by now.
pub fn listeners(pid: u32, id: &str) -> Option<Vec<(IpAddr, u16)>> {
    let read = |what: &str| fs::read_to_string(format!("/proc/{pid}/{what}"));
    // An engine elsewhere has processes of its own, whose numbers mean others here.
    let is_that = ["cgroup", "mountinfo"].iter().any(|file| read(file).is_ok_and(|text| text.contains(id)));
    if id.is_empty() || !is_that {
        return None;
    }
    let mut found = parse(&read("net/tcp").ok()?);
    found.extend(read("net/tcp6").map(|text| parse(&text)).unwrap_or_default());
    Some(found)
}

/// Whether the process `pid` has the user ids that we have, as those of the machine's own engine do. Those of an engine without
/// root do not, and its addresses may mean others here.
pub fn has_our_users(pid: u32) -> bool {
    let map = |process: &str| fs::read(format!("/proc/{process}/uid_map")).ok();
    map(&pid.to_string()).is_some_and(|theirs| map("self") == Some(theirs))
}

/// What listens on a port.
pub fn listener(all: &[(IpAddr, u16)], port: u16) -> Listener {
    let on_port: Vec<&IpAddr> = all.iter().filter(|(_, number)| *number == port).map(|(ip, _)| ip).collect();
    match on_port.as_slice() {
        [] => Listener::None,
        ips if ips.iter().any(|ip| !is_loopback(ip)) => Listener::Open,
        _ => Listener::Loopback,
    }
}

fn is_loopback(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V6(ip) => ip.to_ipv4_mapped().map_or(ip.is_loopback(), |ip| ip.is_loopback()),
        IpAddr::V4(ip) => ip.is_loopback(),
    }
}

/// The listening sockets of a table.
fn parse(table: &str) -> Vec<(IpAddr, u16)> {
    table.lines().skip(1).filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<(IpAddr, u16)> {
    let mut words = line.split_whitespace().skip(1);
    let (address, port) = words.next()?.split_once(':')?;
    let state = words.nth(1)?;
    if state != LISTEN {
        return None;
    }
    // Each 32 bits are in the order of the processor.
    let part =
        |index: usize| u32::from_str_radix(address.get(index * 8..index * 8 + 8)?, 16).ok().map(u32::to_ne_bytes);
    let ip = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from(part(0)?)),
        32 => {
            let bytes: Vec<u8> = [part(0)?, part(1)?, part(2)?, part(3)?].concat();
            IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?))
        }
        _ => return None,
    };
    Some((ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::{Listener, has_our_users, listener, listeners, parse};
    use proptest::prelude::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0
   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0
   2: 0100007F:0051 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0
   3: 00000000000000000000000001000000:0052 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0
";

    #[test]
    #[cfg(target_endian = "little")]
    fn only_sockets_that_listen_count() {
        let all = parse(TABLE);
        assert_eq!(listener(&all, 8080), Listener::Loopback);
        assert_eq!(listener(&all, 80), Listener::Open);
        assert_eq!(listener(&all, 0x51), Listener::None);
        assert_eq!(listener(&all, 0x52), Listener::Loopback);
    }

    #[test]
    fn a_process_of_no_container_says_nothing() {
        assert_eq!(listeners(std::process::id(), "0123456789abcdef0123456789abcdef"), None);
        assert_eq!(listeners(u32::MAX, ""), None);
        assert!(!has_our_users(u32::MAX));
    }

    proptest! {
        #[test]
        fn no_table_makes_it_panic(text in "[ 0-9A-F:\n]{0,200}") {
            parse(&text);
        }
    }
}
