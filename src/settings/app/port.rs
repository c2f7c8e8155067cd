//! Published ports, in docker's syntax.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};

use anyhow::Result;

use crate::error::Error;

/// A port of the app, and where it is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The address of this machine; without one in the argument, that which only this machine reaches.
    pub ip: IpAddr,
    /// Whether the argument had an address.
    pub ip_given: bool,
    /// The port of this machine; 0 for any free one.
    pub host: u16,
    /// The port in the container.
    pub container: u16,
    pub protocol: Protocol,
}

/// The protocol of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

impl Protocol {
    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Tcp => "TCP",
            Protocol::Udp => "UDP",
            Protocol::Sctp => "SCTP",
        }
    }
}

impl Port {
    /// The option of `docker run` that publishes it.
    pub fn option(&self) -> String {
        let ip = match self.ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        let host = if self.host == 0 { String::new() } else { self.host.to_string() };
        format!("--publish={ip}:{host}:{}/{}", self.container, self.protocol.name().to_lowercase())
    }
}

/// The ports of all arguments.
///
/// # Errors
/// When one is malformed, or two are published at the same place.
pub fn parse_all(texts: &[String]) -> Result<Vec<Port>> {
    let ports = texts.iter().map(|text| parse(text)).collect::<Result<Vec<_>>>()?;
    let mut places = HashSet::new();
    for (port, text) in ports.iter().zip(texts) {
        if port.host != 0 && !places.insert((port.ip, port.host, port.protocol)) {
            return Err(Error::usage(format!(
                "`--publish {text}`: port {} of {} is published already",
                port.host, port.ip
            ))
            .hint("give each its own port of this machine")
            .into());
        }
    }
    Ok(ports)
}

fn parse(text: &str) -> Result<Port> {
    let malformed =
        |why: &str, hint: &str| Error::usage(format!("`{text}` is not a port to publish: {why}")).hint(hint);
    let form = "write `8080:80`, `0.0.0.0:8080:80`, `[::1]:8080:80` or `127.0.0.1::80`";
    let (places, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = match protocol.to_ascii_lowercase().as_str() {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        "sctp" => Protocol::Sctp,
        _ => return Err(malformed("the protocol is none of `tcp`, `udp` and `sctp`", form).into()),
    };
    if places.contains('-') {
        return Err(malformed("it is a range", "give each port by a `--publish` of its own").into());
    }
    let (ip, ports) = split_ip(places).ok_or_else(|| malformed("it has too many parts", form))?;
    let address = match ip {
        None | Some("") => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Some(ip) => ip.parse().map_err(|_| malformed(&format!("`{ip}` is not an IP address"), form))?,
    };
    let number = |port: &str| port.parse::<u16>().map_err(|_| malformed(&format!("`{port}` is not a port"), form));
    let (host, container) = match ports.split_once(':') {
        Some(("", container)) => (0, number(container)?),
        Some((host, container)) => (number(host)?, number(container)?),
        None => (0, number(ports)?),
    };
    if container == 0 {
        return Err(malformed("an app has no port 0", form).into());
    }
    Ok(Port { ip: address, ip_given: ip.is_some_and(|ip| !ip.is_empty()), host, container, protocol })
}

/// The address, if there is one, and the ports: `PORT` or `PORT:PORT`.
fn split_ip(places: &str) -> Option<(Option<&str>, &str)> {
    if let Some(rest) = places.strip_prefix('[') {
        let (ip, ports) = rest.split_once("]:")?;
        return Some((Some(ip), ports)).filter(|_| ports.matches(':').count() <= 1);
    }
    match places.matches(':').count() {
        0 | 1 => Some((None, places)),
        2 => places.split_once(':').map(|(ip, ports)| (Some(ip), ports)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::parse_all;

    fn option(text: &str) -> String {
        parse_all(&[text.to_owned()]).unwrap()[0].option()
    }

    #[test]
    fn ports_are_read_as_docker_reads_them_but_for_this_machine_alone() {
        for (typed, meant) in [
            ("8080:80", "127.0.0.1:8080:80/tcp"),
            ("80", "127.0.0.1::80/tcp"),
            ("0.0.0.0:8080:80/tcp", "0.0.0.0:8080:80/tcp"),
            ("127.0.0.1::80", "127.0.0.1::80/tcp"),
            ("[::1]:8080:80", "[::1]:8080:80/tcp"),
            ("53:53/UDP", "127.0.0.1:53:53/udp"),
        ] {
            assert_eq!(option(typed), format!("--publish={meant}"));
        }
    }

    #[test]
    fn what_is_no_port_is_refused() {
        for bad in ["", "a", "1:", "1:0", "1:70000", "x:1:1", "1:2:3:4", "::1:1:1", "1-2:1-2", "1:1/icmp", "[::1]1:1"] {
            assert!(parse_all(&[bad.to_owned()]).is_err(), "{bad}");
        }
        let twice = ["1:1", "127.0.0.1:1:2"].map(str::to_owned);
        assert!(parse_all(&twice).is_err());
        assert!(parse_all(&["1:1", "1:1/udp", "::1", "::1"].map(str::to_owned)).is_ok());
    }
}
