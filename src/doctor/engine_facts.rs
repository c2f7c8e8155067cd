//! What the engine says of itself.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

use super::check::Check;
use crate::engine::cli::Engine;

/// The oldest engine that minis2i was tried with.
const OLDEST: (u64, u64) = (20, 10);

/// A call of the CLI that takes longer than this goes to another machine, or to a busy one: on an idle machine it takes 20 ms.
const SLOW_CALL: Duration = Duration::from_millis(150);

/// The facts of an engine, as far as it tells them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineFacts {
    /// Whether it is podman.
    pub podman: bool,
    pub version: String,
    /// The version of the CLI, if it is another program than the engine.
    pub client: Option<String>,
    pub driver: String,
    /// Images are kept by containerd, and not by the engine.
    pub containerd_store: bool,
    pub rootless: bool,
    /// Where images and containers are, on the engine's machine.
    pub root: Option<PathBuf>,
    /// How long the question took.
    pub call: Duration,
}

impl EngineFacts {
    /// Asks the engine.
    ///
    /// # Errors
    /// If the CLI cannot be started, the engine does not answer, or the run was interrupted.
    pub fn ask(engine: &Engine) -> Result<Self> {
        let begin = Instant::now();
        let answer = engine.demand(&["info", "--format", "{{json .}}"])?;
        let call = begin.elapsed();
        let answer = serde_json::from_str(&answer).context("what the engine says of itself is no JSON")?;
        Ok(Self { call, ..Self::read(&answer) })
    }

    /// Reads the answer of docker or of podman.
    fn read(answer: &Value) -> Self {
        let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        if answer.get("host").is_some() {
            return Self {
                podman: true,
                version: text("/version/Version").unwrap_or_default(),
                driver: text("/store/graphDriverName").unwrap_or_default(),
                rootless: answer.pointer("/host/security/rootless").and_then(Value::as_bool).unwrap_or_default(),
                root: text("/store/graphRoot").map(PathBuf::from),
                ..Self::default()
            };
        }
        let list = |pointer: &str| answer.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
        Self {
            podman: false,
            version: text("/ServerVersion").unwrap_or_default(),
            client: text("/ClientInfo/Version"),
            driver: text("/Driver").unwrap_or_default(),
            containerd_store: list("/DriverStatus").iter().any(|pair| {
                pair[0] == "driver-type" && pair[1].as_str().is_some_and(|kind| kind.contains("containerd"))
            }),
            rootless: list("/SecurityOptions").iter().any(|option| option == "name=rootless"),
            root: text("/DockerRootDir").map(PathBuf::from),
            call: Duration::ZERO,
        }
    }

    /// Which engine it is, and whether it answers fast.
    pub fn check(&self, cli: &str) -> Check {
        let Self { podman, version, client, rootless, call, .. } = self;
        let name = if *podman { "podman" } else { "docker" };
        let rootless = if *rootless { ", rootless" } else { "" };
        let client = match client {
            Some(client) if client != version => format!(" through `{cli}` {client}"),
            _ => String::new(),
        };
        let found = format!("{name} {version}{rootless}{client}; a call takes {:.0} ms", call.as_secs_f64() * 1000.0);
        if !podman && parse_version(version).is_some_and(|version| version < OLDEST) {
            let cure = format!("update it: engines before {}.{} were never tried", OLDEST.0, OLDEST.1);
            return Check::slow("engine", found, cure);
        }
        if *call > SLOW_CALL {
            let cure =
                "use an engine of this machine if you can: a save needs a few calls, and each build sends the source";
            return Check::slow("engine", found, cure);
        }
        Check::ok("engine", found)
    }
}

/// The first two numbers of a version.
fn parse_version(version: &str) -> Option<(u64, u64)> {
    let mut numbers = version.split('.').map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::EngineFacts;
    use crate::doctor::State;

    #[test]
    fn docker_and_podman_say_the_same_in_different_words() {
        let docker = EngineFacts::read(&json!({
            "ServerVersion": "26.1.5", "ClientInfo": { "Version": "28.2.2" }, "Driver": "overlayfs",
            "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]],
            "SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless"], "DockerRootDir": "/var/lib/docker",
        }));
        assert!(docker.containerd_store && docker.rootless && !docker.podman);
        assert_eq!(docker.root.as_deref(), Some("/var/lib/docker".as_ref()));
        assert_eq!(docker.check("docker").found, "docker 26.1.5, rootless through `docker` 28.2.2; a call takes 0 ms");
        let podman = EngineFacts::read(&json!({
            "host": { "security": { "rootless": true } }, "version": { "Version": "5.4.2" },
            "store": { "graphDriverName": "overlay", "graphRoot": "/home/u/.local/share/containers/storage" },
        }));
        assert!(podman.podman && podman.rootless && !podman.containerd_store);
        assert_eq!(podman.driver, "overlay");
        assert_eq!(podman.check("podman").found, "podman 5.4.2, rootless; a call takes 0 ms");
    }

    #[test]
    fn an_old_or_far_engine_is_slow() {
        let state = |version: &str, call| {
            let facts = EngineFacts { version: version.to_owned(), call, ..EngineFacts::default() };
            facts.check("docker").state
        };
        assert_eq!(state("20.10.24+dfsg1", Duration::from_millis(20)), State::Ok);
        assert_eq!(state("19.03.15", Duration::from_millis(20)), State::Slow);
        assert_eq!(state("29.0.1", Duration::from_millis(200)), State::Slow);
        assert_eq!(state("unknown", Duration::ZERO), State::Ok);
    }
}
