//! A large source, against `tar -c` piped into a container that waits for it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::measured_build::{self, Build};
use crate::bench::engine_objects::Traces;
use crate::bench::turns::{self, Start};
use crate::bench::{build_command, large_source};
use crate::process;

/// What the container of the naive way does with the tree: exactly what a build leaves it with. Unpacking, taking one
/// file, and removing the source, since what is committed is to be small.
const UNPACK: &str = "mkdir /tmp/src && echo waiting && tar -x -C /tmp/src && echo unpacked && \
    cp /tmp/src/folder-0/file-0 /kept && rm -rf /tmp/src && echo removed";

/// One turn of the naive way, the container waiting before the clock starts.
pub struct Piped {
    /// Until the image is committed.
    pub whole: Duration,
    /// What of it went into removing the files again.
    pub removal: Duration,
}

/// Both contenders' times, after a turn each that does not count.
pub fn compete(traces: &mut Traces, rounds: usize) -> Result<(Vec<Build>, Vec<Piped>)> {
    let tree = large_source::grow()?;
    let builder = traces.builder("tree-builder");
    large_source::make_builder(&builder)?;
    minis2i(traces, &tree, &builder, Start::ANY)?;
    pipe(traces, &tree, &builder, Start::ANY)?;
    turns::take_turns(
        rounds,
        |start| minis2i(traces, &tree, &builder, start),
        |start| pipe(traces, &tree, &builder, start),
    )
}

fn minis2i(traces: &Traces, tree: &TempDir, builder: &str, start: Start) -> Result<Build> {
    let source = tree.path().to_str().context("TMPDIR is not UTF-8")?;
    let build =
        measured_build::minis2i(&mut build_command::command(source, builder, &traces.name("tree-a"), traces), start)?;
    traces.wait()?;
    Ok(build)
}

fn pipe(traces: &Traces, tree: &TempDir, builder: &str, start: Start) -> Result<Piped> {
    let (name, tag) = (traces.name("tree-container"), traces.name("tree-b"));
    let previous = process::output(&["docker", "images", "--quiet", &tag])?;
    let (mut container, mut said) = start_waiting(traces, &name, builder)?;
    let begin = start.wait();
    send(tree.path(), &mut container)?;
    expect(&mut said, "unpacked")?;
    let unpacked = Instant::now();
    expect(&mut said, "removed")?;
    let removal = unpacked.elapsed();
    ensure!(container.wait()?.success(), "the container could not take the tree");
    process::output(&["docker", "commit", &name, &tag])?;
    let whole = begin.elapsed();
    process::output(&["docker", "rm", &name])?;
    if !previous.is_empty() {
        process::output(&["docker", "image", "rm", &previous])?;
    }
    Ok(Piped { whole, removal })
}

/// Starts the container and returns when it is known to wait for its standard input.
fn start_waiting(traces: &Traces, name: &str, image: &str) -> Result<(Child, BufReader<ChildStdout>)> {
    let line =
        ["docker", "run", "--interactive", "--name", name, "--label", traces.label(), image, "/bin/sh", "-c", UNPACK];
    let mut container = process::command(&line).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut said = BufReader::new(container.stdout.take().expect("stdout is piped"));
    expect(&mut said, "waiting")?;
    Ok((container, said))
}

/// Runs `tar -c` with the container's standard input as its output; nothing of ours stands between.
fn send(tree: &Path, container: &mut Child) -> Result<()> {
    let into = container.stdin.take().expect("stdin is piped");
    let status = Command::new("tar").args(["-c", "-C"]).arg(tree).arg(".").stdout(into).status()?;
    ensure!(status.success(), "`tar -c` failed");
    Ok(())
}

fn expect(said: &mut impl BufRead, word: &str) -> Result<()> {
    let mut line = String::new();
    said.read_line(&mut line)?;
    ensure!(line.trim() == word, "the container said `{}` instead of `{word}`", line.trim());
    Ok(())
}
