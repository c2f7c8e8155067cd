//! A large source, against `tar -c` piped into a container that waits for it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::measured_build::{self, MeasuredBuild};
use crate::bench::engine_objects::EngineObjects;
use crate::bench::turns::{self, TurnStart};
use crate::bench::{build_command, large_source};
use crate::process;

/// What the container of the naive way does with the tree: exactly what a build leaves it with. Unpacking, taking one
/// file, and removing the source, since what is committed is to be small.
const UNPACK_SCRIPT: &str = "mkdir /tmp/src && echo waiting && tar -x -C /tmp/src && echo unpacked && \
    cp /tmp/src/folder-0/file-0 /kept && rm -rf /tmp/src && echo removed";

/// One turn of the naive way. The container waits before the time starts.
pub struct PipeTimes {
    /// Until the image is committed.
    pub whole: Duration,
    /// The part of it in which the files were removed again.
    pub removal: Duration,
}

/// Both contenders' times, after a turn each that does not count.
pub fn measure(objects: &mut EngineObjects, rounds: usize) -> Result<(Vec<MeasuredBuild>, Vec<PipeTimes>)> {
    let tree = large_source::make()?;
    let builder = objects.builder("tree-builder");
    large_source::make_builder(&builder)?;
    build_with_minis2i(objects, &tree, &builder, TurnStart::NOW)?;
    build_with_pipe(objects, &tree, &builder, TurnStart::NOW)?;
    turns::take_turns(
        rounds,
        |start| build_with_minis2i(objects, &tree, &builder, start),
        |start| build_with_pipe(objects, &tree, &builder, start),
    )
}

fn build_with_minis2i(
    objects: &EngineObjects,
    tree: &TempDir,
    builder: &str,
    start: TurnStart,
) -> Result<MeasuredBuild> {
    let source = tree.path().to_str().context("TMPDIR is not UTF-8")?;
    let build = measured_build::run(
        &mut build_command::command(source, builder, &objects.name("tree-a"), &[], objects),
        start,
    )?;
    objects.wait_until_removed()?;
    Ok(build)
}

fn build_with_pipe(objects: &EngineObjects, tree: &TempDir, builder: &str, start: TurnStart) -> Result<PipeTimes> {
    let (name, tag) = (objects.name("tree-container"), objects.name("tree-b"));
    let previous = process::output(&["docker", "images", "--quiet", &tag])?;
    let (mut container, mut stdout) = start_waiting(objects, &name, builder)?;
    let begin = start.wait();
    send(tree.path(), &mut container)?;
    expect_line(&mut stdout, "unpacked")?;
    let unpacked = Instant::now();
    expect_line(&mut stdout, "removed")?;
    let removal = unpacked.elapsed();
    ensure!(container.wait()?.success(), "the container could not take the tree");
    process::output(&["docker", "commit", &name, &tag])?;
    let whole = begin.elapsed();
    process::output(&["docker", "rm", &name])?;
    if !previous.is_empty() {
        process::output(&["docker", "image", "rm", &previous])?;
    }
    Ok(PipeTimes { whole, removal })
}

/// Starts the container and returns when it is known to wait for its standard input.
fn start_waiting(objects: &EngineObjects, name: &str, image: &str) -> Result<(Child, BufReader<ChildStdout>)> {
    let options = ["--interactive", "--name", name, "--label", objects.label()];
    let line = [&["docker", "run"], &options[..], &[image, "/bin/sh", "-c", UNPACK_SCRIPT]].concat();
    let mut container = process::command(&line).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut stdout = BufReader::new(container.stdout.take().expect("stdout is piped"));
    expect_line(&mut stdout, "waiting")?;
    Ok((container, stdout))
}

/// Runs `tar -c` with the container's standard input as its output; no bytes pass through this process.
fn send(tree: &Path, container: &mut Child) -> Result<()> {
    let into = container.stdin.take().expect("stdin is piped");
    let status = Command::new("tar").args(["-c", "-C"]).arg(tree).arg(".").stdout(into).status()?;
    ensure!(status.success(), "`tar -c` failed");
    Ok(())
}

fn expect_line(stdout: &mut impl BufRead, word: &str) -> Result<()> {
    let mut line = String::new();
    stdout.read_line(&mut line)?;
    ensure!(line.trim() == word, "the container said `{}` instead of `{word}`", line.trim());
    Ok(())
}
