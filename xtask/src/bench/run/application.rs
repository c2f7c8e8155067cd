//! The application: the sample pair, whose images serve the file that is saved.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::bench::watch::context::WatchBench;
use crate::bench::watch::sources::SamplePair;
use crate::{process, sample_builder, workspace};

/// The port in the container.
pub const PORT: u16 = 8080;

/// The builder of it.
pub struct Application {
    pub builder: String,
}

impl Application {
    pub fn make(bench: &mut WatchBench) -> Result<Self> {
        let pair = SamplePair::make(bench)?;
        let builder = bench.objects.builder("run");
        let context = tempfile::tempdir()?;
        compile(&context)?;
        let run = format!("{}/run", sample_builder::SCRIPTS);
        let text = format!("FROM {}\nCOPY run {run}\n", pair.builder);
        fs::write(context.path().join("Dockerfile"), text)?;
        let folder = context.path().to_str().context("TMPDIR is not UTF-8")?;
        process::output(&["docker", "build", "--quiet", "--tag", &builder, folder])?;
        Ok(Self { builder })
    }
}

/// Compiles the server to the file `run`, so that it needs nothing of its image.
fn compile(into: &TempDir) -> Result<()> {
    let path = |path: std::path::PathBuf| path.to_str().map(str::to_owned).context("TMPDIR is not UTF-8");
    let program = path(into.path().join("run"))?;
    let source = path(workspace::root().join("xtask/programs/web_server.rs"))?;
    let options = ["-C", "target-feature=+crt-static", "-C", "opt-level=3", "-C", "strip=symbols", "--edition=2024"];
    process::output(&[&["rustc"], &options[..], &["-o", &program, &source]].concat()).map(drop)
}

/// An address of this machine that nobody listens on right now.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// The value of `-p` that has the app listen there.
pub fn publish(address: SocketAddr) -> String {
    format!("{address}:{PORT}")
}

/// Where the engine publishes the port of an app's container, and where the container itself listens.
pub fn engine_addresses(container: &str) -> Result<(SocketAddr, SocketAddr)> {
    let inspect = |format: &str| process::output(&["docker", "inspect", "--format", format, container]);
    let ip = inspect("{{.NetworkSettings.IPAddress}}")?;
    let port = inspect(&format!("{{{{(index (index .NetworkSettings.Ports \"{PORT}/tcp\") 0).HostPort}}}}"))?;
    let published = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port.parse().context("the app has no port")?);
    Ok((published, SocketAddr::new(ip.parse().context("the app has no address")?, PORT)))
}
