//! An app that a watch keeps on the newest image: with `--run`, or by a hook.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::answered_save::{self, AnsweredSave};
use super::application::{self, PORT, free_address, publish};
use super::context::RunBench;
use super::http;
use super::restarted_app::{AppContainer, restart_script};
use crate::bench::engine_api::EngineApi;
use crate::bench::phases::{self, Phases};
use crate::bench::watch::sources::SamplePair;
use crate::bench::watch::watch_process::WatchProcess;
use crate::process;

/// A watch, and where its app is reached. Dropping it ends both.
pub struct WatchedApp {
    pub watch: WatchProcess,
    pub address: SocketAddr,
    /// The container that the hook starts.
    _hook_app: Option<AppContainer>,
    _source: TempDir,
}

impl WatchedApp {
    /// `minis2i watch --run`; waits until all is ready for a save.
    pub fn run(bench: &RunBench, tag: &str) -> Result<Self> {
        let address = free_address()?;
        Self::start(bench, tag, address, &["--run", "--publish", &publish(address)], None)
    }

    /// A watch whose hook starts the app anew; waits until all is ready for a save.
    pub fn by_hook(bench: &RunBench, tag: &str) -> Result<Self> {
        let address = free_address()?;
        let image = bench.watch.objects.name(tag);
        let app = AppContainer(bench.watch.objects.name("hook-app"));
        let script = restart_script(&app.0, bench.watch.objects.label(), address, &image);
        Self::start(bench, tag, address, &["--on-success", &script], Some(app))
    }

    fn start(
        bench: &RunBench,
        tag: &str,
        address: SocketAddr,
        options: &[&str],
        hook_app: Option<AppContainer>,
    ) -> Result<Self> {
        let (source, objects) = (SamplePair::source()?, &bench.watch.objects);
        let edit = SamplePair::edit(&source);
        let builder = &bench.application.builder;
        let mut watch = WatchProcess::start(source.path(), builder, &objects.name(tag), edit, objects, options)?;
        watch.wait_until_ready()?;
        // The first app may take longer.
        http::wait_for_app(address, || watch.check_alive())?;
        Ok(Self { watch, address, _hook_app: hook_app, _source: source })
    }

    /// Saves, waits for the answer, and until all is ready for the next save.
    pub fn save(&mut self, api: &mut EngineApi) -> Result<(AnsweredSave, Phases)> {
        let (mut edit, tag) = (self.watch.edit.clone(), self.watch.tag.clone());
        let save = answered_save::save(&mut edit, self.address, &tag, api, || self.watch.check_alive())?;
        self.watch.edit = edit;
        let phases = phases::times(&self.watch.wait_for_build()?["phases"])?;
        self.watch.wait_for_standby()?;
        Ok((save, phases))
    }

    /// Where the engine itself publishes the app's port, and where the app is without the engine.
    pub fn engine_addresses(&self) -> Result<(SocketAddr, SocketAddr)> {
        let ancestor = format!("ancestor={}", self.watch.tag);
        let format = "{{.ID}} {{.Ports}}";
        let all = process::output(&["docker", "ps", "--no-trunc", "--format", format, "--filter", &ancestor])?;
        let container = container_with_port(&all).with_context(|| format!("there is not one app but `{all}`"))?;
        application::engine_addresses(container)
    }
}

/// The only container that publishes the app's port, of lines with an id and ports.
fn container_with_port(all: &str) -> Option<&str> {
    let to_port = format!("->{PORT}/tcp");
    let mut with_port = all.lines().filter(|line| line.contains(&to_port));
    let (id, _) = with_port.next()?.split_once(' ')?;
    with_port.next().is_none().then_some(id)
}

#[cfg(test)]
mod tests {
    use super::container_with_port;

    #[test]
    fn the_container_with_the_port_is_the_app() {
        let app = "a1 127.0.0.1:49153->8080/tcp";
        assert_eq!(container_with_port(&format!("b2 \n{app}\nc3 8080/tcp")), Some("a1"));
        assert_eq!(container_with_port(&format!("{app}\nb2 127.0.0.1:49154->8080/tcp")), None);
        assert_eq!(container_with_port(""), None);
    }
}
