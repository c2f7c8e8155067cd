//! The settings of the app that a watch keeps running, and of the container of `build --run`.

mod options;
pub mod port;
pub mod ready_url;

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;

use super::elsewhere::Elsewhere;
use super::kept_files::{self, KeptFile};
use crate::cancel::Cancel;
use crate::cli::app::{AppArgs, RunArgs};
use crate::cli::choices::Swap;
use crate::error::Error;
use options::Network;
use port::{Port, Protocol};
use ready_url::ReadyUrl;

/// The app of a watch.
#[derive(Clone, Debug)]
pub struct AppSettings {
    /// The TCP ports on which minis2i listens, and passes connections on.
    pub ports: Vec<Port>,
    /// Options of `docker run`, without those that publish `ports`.
    pub options: Vec<String>,
    /// The app has the network of its engine's machine.
    pub host_network: bool,
    /// The old app stops before the new one starts.
    pub replace: bool,
    pub ready_timeout: Duration,
    pub ready_url: Option<ReadyUrl>,
    pub stop_timeout: Duration,
    pub drain_timeout: Duration,
    /// An app that exits is started again.
    pub restart: bool,
    /// What the user should know of these settings.
    pub notes: Vec<String>,
    /// The files that some of the options name.
    #[expect(dead_code, reason = "they are there as long as the settings are")]
    pub kept_files: Vec<KeptFile>,
}

impl AppSettings {
    /// Checks the arguments; `None` if no app is to run.
    ///
    /// # Errors
    /// When an argument cannot be used, with a hint, or work was cancelled while a pipe was read.
    pub fn new(args: AppArgs, engine: &OsStr, cancel: &Cancel) -> Result<Option<Self>> {
        if !args.run {
            return Ok(None);
        }
        let published = port::parse_all(&args.container.publish)?;
        let elsewhere = Elsewhere::of(engine);
        if let (false, Some(elsewhere)) = (published.is_empty(), &elsewhere) {
            return Err(elsewhere.refuse_ports().into());
        }
        let options = options::docker_options(&args.container, elsewhere.as_ref())?;
        let (options, kept_files) = kept_files::keep(options, cancel)?;
        let network = Network::of(&options);
        if let Network::None(name) = &network
            && !published.is_empty()
        {
            return Err(Error::usage(format!("an app with the network `{name}` has no ports to publish"))
                .hint("leave out `--publish`, or connect the app to another network")
                .into());
        }
        let host_network = network == Network::Host;
        let (ports, by_engine): (Vec<_>, Vec<_>) = published.into_iter().partition(|it| it.protocol == Protocol::Tcp);
        let mut notes = Vec::new();
        let forced = match (host_network, by_engine.first()) {
            (true, _) => Some("an app with the host's network".to_owned()),
            (_, Some(port)) => Some(format!("an app with a published {} port", port.protocol.name())),
            _ => None,
        };
        if let Some(what) = forced.as_ref().filter(|_| args.swap == Swap::Beside) {
            notes.push(format!(
                "{what} cannot run twice, so the old one stops before the new one starts (`--swap replace`)"
            ));
        }
        notes.extend(note_on_addresses(&ports, host_network));
        let ready_url = args.ready_url.map(|url| ReadyUrl::parse(&url, &ports)).transpose()?;
        let mut options = options;
        if !host_network {
            options.extend(by_engine.iter().map(Port::option));
        }
        Ok(Some(Self {
            ports,
            options,
            host_network,
            replace: forced.is_some() || args.swap == Swap::Replace,
            ready_timeout: args.ready_timeout,
            ready_url,
            stop_timeout: args.stop_timeout,
            drain_timeout: args.drain_timeout,
            restart: args.run_restart,
            notes,
            kept_files,
        }))
    }

    /// The addresses to listen on, one for each port; none where the app has the host's ports itself.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let ports = self.ports.iter().filter(|_| !self.host_network);
        ports.map(|port| SocketAddr::new(port.ip, port.host)).collect()
    }
}

/// Who can connect, where that is not said by an IP.
fn note_on_addresses(ports: &[Port], host_network: bool) -> Option<String> {
    if host_network {
        let ignored = !ports.is_empty();
        return ignored.then(|| {
            "an app with the host's network has its ports there, so `--publish` only says which ones it has to listen on"
                .to_owned()
        });
    }
    let unsaid = ports.iter().find(|port| !port.ip_given)?;
    Some(format!(
        "only this machine can connect to the app; `--publish 0.0.0.0:{}:{}` lets others in",
        unsaid.host, unsaid.container
    ))
}

/// The options of `docker run` for the container of `build --run`: the ports that are given, or else all of the image's.
///
/// # Errors
/// When an argument cannot be used, with a hint.
pub fn run_options(args: &RunArgs, engine: &OsStr) -> Result<Vec<String>> {
    let mut options = options::docker_options(args, Elsewhere::of(engine).as_ref())?;
    match port::parse_all(&args.publish)? {
        ports if ports.is_empty() => options.push("--publish-all".to_owned()),
        ports => options.extend(ports.iter().map(Port::option)),
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::AppSettings;
    use crate::cancel::Cancel;
    use crate::cli::commands::{Cli, Command};
    use clap::Parser;

    fn settings(options: &str) -> anyhow::Result<Option<AppSettings>> {
        let line = format!("minis2i watch {options} src builder img");
        match Cli::try_parse_from(line.split_whitespace()).unwrap().command {
            Command::Watch(args) => AppSettings::new(args.app, "none".as_ref(), &Cancel::default()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_run_there_is_no_app() {
        assert!(settings("").unwrap().is_none());
        assert!(Cli::try_parse_from(["minis2i", "watch", "--publish", "1:1", "a", "b", "c"]).is_err());
    }

    #[test]
    fn what_cannot_run_twice_is_replaced_and_says_so() {
        for (options, replace, note) in [
            ("--run --publish 127.0.0.1:1:1", false, None),
            ("--run --swap replace", true, None),
            ("--run --publish 127.0.0.1:53:53/udp", true, Some("published UDP port")),
            ("--run --run-network host", true, Some("the host's network")),
            ("--run --run-option=--net --run-option=host", true, Some("the host's network")),
            ("--run --publish 1:1", false, Some("only this machine")),
        ] {
            let settings = settings(options).unwrap().unwrap();
            assert_eq!(settings.replace, replace, "{options}");
            let said = settings.notes.join("\n");
            assert!(note.map_or(said.is_empty(), |note| said.contains(note)), "{options}: {said}");
        }
    }

    #[test]
    fn udp_is_published_by_the_engine_and_tcp_is_not() {
        let settings = settings("--run --publish 53:53/udp --publish 1:2").unwrap().unwrap();
        assert_eq!(settings.options, ["--publish=127.0.0.1:53:53/udp"]);
        assert_eq!(settings.addresses(), ["127.0.0.1:1".parse().unwrap()]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for options in [
            "--run --run-network none --publish 1:1",
            "--run --run-option=--name=x",
            "--run --run-option=-d",
            "--run --ready-url /x",
        ] {
            assert!(settings(options).is_err(), "{options}");
        }
    }
}
