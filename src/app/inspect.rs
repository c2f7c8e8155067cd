//! What the engine says of the app's container.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::Deserialize;

use crate::engine::cli::Engine;
use crate::engine::health_check::HealthCheck;

/// A container, as `docker container inspect` describes it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Inspected {
    pub id: String,
    /// The id of its image.
    pub image: String,
    pub state: State,
    pub config: Config,
    network_settings: NetworkSettings,
}

/// Whether it runs, and as which process.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct State {
    pub running: bool,
    /// The number of its process on the engine's machine; 0 if it does not run.
    pub pid: u32,
}

/// What of its configuration says when it is ready.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Config {
    pub healthcheck: Option<HealthCheck>,
    pub shell: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct NetworkSettings {
    ports: Option<BTreeMap<String, Option<Vec<Binding>>>>,
    networks: Option<BTreeMap<String, Network>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Network {
    /// Empty if it has none.
    #[serde(rename = "IPAddress")]
    ip: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Binding {
    host_ip: String,
    host_port: String,
}

impl Inspected {
    /// The container with this name, if the engine knows it.
    pub fn of(engine: &Engine, name: &str) -> Option<Self> {
        let output = engine.call(&["container", "inspect", name]).ok().filter(|output| output.success)?;
        serde_json::from_str::<Vec<Self>>(&output.stdout).ok()?.into_iter().next()
    }

    /// Its addresses in the networks that it is connected to.
    pub fn ips(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.network_settings.networks.iter().flat_map(|networks| networks.values()).filter_map(|it| it.ip.parse().ok())
    }

    /// Where a TCP port of the container is published.
    pub fn published(&self, port: u16) -> Option<SocketAddr> {
        let bindings = self.network_settings.ports.as_ref()?.get(&format!("{port}/tcp"))?.as_ref()?;
        let binding = bindings.iter().find(|it| it.host_ip.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()));
        let port = binding.or(bindings.first())?.host_port.parse().ok()?;
        Some(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::Inspected;

    #[test]
    fn the_port_of_this_machine_counts() {
        let text = r#"{"Id":"a","Image":"b","State":{"Running":true,"Pid":7},"NetworkSettings":{"Ports":{
            "80/tcp":[{"HostIp":"0.0.0.0","HostPort":"1"},{"HostIp":"127.0.0.1","HostPort":"2"}],"81/tcp":null},
            "Networks":{"a":{"IPAddress":"172.17.0.2"},"b":{"IPAddress":""}}}}"#;
        let inspected: Inspected = serde_json::from_str(text).unwrap();
        assert_eq!(inspected.published(80), Some("127.0.0.1:2".parse().unwrap()));
        assert_eq!((inspected.published(81), inspected.state.pid), (None, 7));
        assert_eq!(inspected.ips().collect::<Vec<_>>(), [IpAddr::from([172, 17, 0, 2])]);
        assert!(serde_json::from_str::<Inspected>("{}").unwrap().published(80).is_none());
    }
}
