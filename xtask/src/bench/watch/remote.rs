//! `bench remote`: a watch whose engine is on another machine, 50 ms and 20 Mbit/s away, against the naive way over the same line.
//!
//! The line is the one of the tests, on this machine. The naive way is given what it would not have there: mounts of folders.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::context::WatchBench;
use super::edit::Edit;
use super::sources::{LargeSource, SamplePair};
use super::trigger::Trigger;
use super::watch_process::WatchProcess;
use crate::bench::baseline_build;
use crate::bench::build::table::{self, Limit, Line as TableLine, compare};
use crate::bench::engine_api::EngineApi;
use crate::bench::engine_link::{EngineLink, Line};
use crate::bench::engine_objects::EngineObjects;
use crate::bench::options::Options;
use crate::bench::phases;
use crate::bench::series::Series;
use crate::{base_image, process, program, signals};

/// How many turns count by default: an odd number, so that one of them is the median.
const ROUNDS: usize = 7;

/// How much of the naive way's time a save may take.
const SAVE_LIMIT: f64 = 0.2;

/// A line that carried nothing for so long has carried all: several times what a byte needs.
const QUIET: Duration = Duration::from_millis(500);

/// Less than this many KiB go to the engine for one file of a large source, before the tag.
const SENT_LIMIT: usize = 64;

/// Measures all, prints the table, and fails when a bar does not hold.
///
/// # Errors
/// When a bar does not hold, or a build fails.
pub fn bench(options: &Options) -> Result<()> {
    base_image::ensure()?;
    program::build(false)?;
    let rounds = options.rounds.unwrap_or(ROUNDS);
    let (objects, api) = (EngineObjects::new(), EngineApi::connect()?);
    let mut bench =
        WatchBench { objects, api, trigger: Trigger::Inotify, rounds, bars: Vec::new(), curves: Vec::new() };
    let lines = [sample_pair(&mut bench)?, large_source(&mut bench)?];
    drop(bench);
    table::print_and_check(&lines, "B: naive")
}

fn sample_pair(bench: &mut WatchBench) -> Result<TableLine> {
    let (link, pair) = (EngineLink::new(Line::FAR), SamplePair::make(bench)?);
    let sources = [SamplePair::source()?, SamplePair::source()?];
    let (tag, edit) = (Tag(bench.objects.name("remote-a")), SamplePair::edit(&sources[0]));
    let host = link.docker_host();
    let start = (sources[0].path(), pair.builder.as_str(), tag.0.as_str());
    let mut watch = WatchProcess::start_at(&host, start, edit)?;
    watch.wait_until_ready()?;
    watch.save_and_check(&mut bench.api)?;
    let mut naive = NaiveWay {
        host: &host,
        edit: SamplePair::edit(&sources[1]),
        source: sources[1].path(),
        builder: &pair.builder,
    };
    naive.save(bench)?;
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..bench.rounds {
        a.push(watch.save_and_check(&mut bench.api)?.whole);
        b.push(naive.save(bench)?);
    }
    Ok(compare(
        "a save of the sample pair, 50 ms and 20 Mbit/s away",
        &Series::new(a),
        &Series::new(b),
        Some(SAVE_LIMIT),
    ))
}

fn large_source(bench: &mut WatchBench) -> Result<TableLine> {
    let (link, tree) = (EngineLink::new(Line::FAR), LargeSource::make(bench)?);
    let (tag, edit) = (Tag(bench.objects.name("remote-tree")), tree.edit());
    let start = (tree.source.path(), tree.builder.as_str(), tag.0.as_str());
    let mut watch = WatchProcess::start_at(&link.docker_host(), start, edit)?;
    watch.wait_until_ready()?;
    wait_until_quiet(&link)?;
    let before = link.position();
    let save = watch.save(&mut bench.api)?;
    let sent = link.since(before).sent();
    watch.edit.check_image(&save.image)?;
    let limit = Limit { text: format!("under {SENT_LIMIT} KiB"), holds: sent < SENT_LIMIT * 1024 };
    Ok(TableLine {
        what: "  sent for one file of 4 KiB among 20,000",
        a: format!("{:.1} KiB", sent as f64 / 1024.0),
        b: String::new(),
        figure: format!("{:.2} s", save.whole.as_secs_f64()),
        limit: Some(limit),
    })
}

/// The tag of a watch. Dropping it, after the watch, removes its image.
struct Tag(String);

impl Drop for Tag {
    fn drop(&mut self) {
        process::succeeds(&["docker", "image", "rm", "--force", &self.0]);
    }
}

/// Waits until what the buffers on this machine hold has gone over the line, as it has when a user saves.
fn wait_until_quiet(link: &EngineLink) -> Result<()> {
    let mut position = None;
    while position != Some(link.position()) {
        position = Some(link.position());
        signals::sleep(QUIET)?;
    }
    Ok(())
}

/// The naive way, over the line.
struct NaiveWay<'a> {
    host: &'a str,
    edit: Edit,
    source: &'a Path,
    builder: &'a str,
}

impl NaiveWay<'_> {
    /// Saves and builds; returns how long it took until the commit had moved the tag.
    fn save(&mut self, bench: &WatchBench) -> Result<Duration> {
        self.edit.save()?;
        let program = std::env::current_exe()?;
        let [tag, container] = ["remote-b", "remote-container"].map(|name| bench.objects.name(name));
        let mut command = Command::new(program);
        command.args(["bench", baseline_build::TASK]).arg(self.source);
        command.args([self.builder, &tag, &container, bench.objects.label()]).env("DOCKER_HOST", self.host);
        let output = command.output()?;
        ensure!(output.status.success(), "the naive way failed: {}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout)?;
        let phases = phases::times(&report["phases"])?;
        let image = process::output(&["docker", "image", "inspect", "--format", "{{.Id}}", &tag])?;
        self.edit.check_image(&image)?;
        Ok(phases.iter().filter(|(name, _)| name != "remove").map(|(_, time)| *time).sum())
    }
}
