//! An engine on another machine: what needs this machine's folders or ports is refused before anything starts, since the
//! engine would take folders of its own for them.

use std::ffi::OsStr;

use super::engine;
use crate::error::Error;

/// The address of an engine that is on another machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere(String);

impl Elsewhere {
    /// The engine that the CLI `typed` works with, if that is on another machine, as far as its address is set.
    pub fn of(typed: &OsStr) -> Option<Self> {
        engine::address(typed).as_deref().and_then(Self::at)
    }

    /// The engine at this address, if that is on another machine. An engine at a port of this machine may be anywhere, behind
    /// a tunnel, and is not refused anything.
    pub fn at(address: &str) -> Option<Self> {
        let (scheme, rest) = address.split_once("://")?;
        if !matches!(scheme, "ssh" | "tcp" | "http" | "https") {
            return None;
        }
        let host = rest.split('/').next().unwrap_or(rest);
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let host = match host.strip_prefix('[') {
            Some(ipv6) => ipv6.split(']').next().unwrap_or(ipv6),
            None => host.split(':').next().unwrap_or(host),
        };
        let is_here = host.is_empty() || host == "localhost" || host == "::1" || host.starts_with("127.");
        (!is_here).then(|| Self(crate::url::without_credentials(address)))
    }

    /// The error for the option `--mount`.
    pub fn refuse_mount(&self) -> Error {
        Error::usage(format!(
            "`--mount` cannot show the source to a container of the engine at `{}`: that is another machine",
            self.0
        ))
        .hint("leave out `--mount`, so that the source is sent")
    }

    /// The error for a volume `text`, the value of `option`, that names a folder by a path which is relative on this machine.
    pub fn refuse_volume(&self, option: &str, text: &str) -> Error {
        Error::usage(format!(
            "`{option} {text}` names a folder of this machine, and the engine at `{}` is on another one",
            self.0
        ))
        .hint(format!("name a folder of that machine by its absolute path, or a named volume: `{option} NAME:/WHERE`"))
    }

    /// The error for an app with ports, to which minis2i could pass no connections.
    pub fn refuse_ports(&self) -> Error {
        Error::usage(format!(
            "`--run --publish` cannot reach the app: its ports are opened on the machine of the engine at `{}`",
            self.0
        ))
        .hint(
            "start the app there after each build, with `--on-success CMD`, and reach it with `ssh -L PORT:localhost:PORT HOST`; \
             or run minis2i on that machine",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Elsewhere;

    #[test]
    fn an_engine_is_elsewhere_if_its_address_names_another_machine() {
        for address in
            ["ssh://me@host", "ssh://host:2222", "tcp://10.0.0.7:2376", "tcp://[fd00::7]:2376", "https://host/x"]
        {
            assert!(Elsewhere::at(address).is_some(), "{address}");
        }
        for address in [
            "unix:///var/run/docker.sock",
            "npipe:////./pipe/docker_engine",
            "tcp://localhost:2375",
            "tcp://127.0.0.1:2375",
            "tcp://:2375",
            "tcp://[::1]:2375",
            "nonsense",
        ] {
            assert_eq!(Elsewhere::at(address), None, "{address}");
        }
    }

    #[test]
    fn a_password_in_the_address_is_not_shown() {
        let refused =
            format!("{:#}", anyhow::Error::from(Elsewhere::at("tcp://me:secret@host:1").unwrap().refuse_mount()));
        assert!(!refused.contains("secret"), "{refused}");
    }
}
