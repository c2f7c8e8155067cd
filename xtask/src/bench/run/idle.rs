//! What connections cost on which nothing happens.

use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Resource, getrlimit, setrlimit};

use super::context::{Measurements, RunBench};
use super::http::Connection;
use super::row::Row;
use super::watched_app::WatchedApp;
use crate::bench::table::Measurement;
use crate::{process_stats, signals};

/// As many as the table says.
const CONNECTIONS: usize = 1000;

/// How long nothing happens; the table says it, too.
const IDLE: Duration = Duration::from_secs(10);

/// Opens connections, asks once on each, and leaves them alone.
pub fn measure(bench: &mut RunBench) -> Result<Measurements> {
    allow_many_files()?;
    let app = WatchedApp::run(bench, "idle")?;
    let pid = app.watch.pid();
    // What comes after a build is not idling.
    signals::sleep(Duration::from_secs(5))?;
    let files_before = process_stats::resource_usage(pid)?.files;
    let without = idle_time(pid)?;
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut connection = Connection::open(app.address).context("cannot connect to the app")?;
        connection.get("/bytes/1").context("a request failed")?;
        connections.push(connection);
    }
    signals::sleep(Duration::from_secs(1))?;
    let held = process_stats::resource_usage(pid)?;
    let with = idle_time(pid)?;
    for connection in &mut connections {
        connection.get("/bytes/1").context("a connection that was idle does not work")?;
    }
    let memory = held.memory as f64 / 1024.0;
    let time = format!("with none {:.1} ms; all {CONNECTIONS} work afterwards", without.as_secs_f64() * 1000.0);
    let files = format!("with none {files_before}; {memory:.0} MiB, {} threads", held.threads);
    Ok(vec![
        (Row::Idle, Measurement::plain(with.as_secs_f64() * 1000.0, time)),
        (Row::IdleFiles, Measurement::plain(held.files as f64, files)),
    ])
}

/// Processor time that a process uses while nothing happens.
fn idle_time(pid: u32) -> Result<Duration> {
    let before = process_stats::processor_time(pid)?;
    signals::sleep(IDLE)?;
    Ok(process_stats::processor_time(pid)?.saturating_sub(before))
}

/// Lets this process have as many open files as it may.
fn allow_many_files() -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).context("cannot raise the limit of open files")
}
