//! A source of many small files, against `tar -c` piped into a container that waits for it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::bench::engine_objects::Traces;
use crate::bench::measure::{self, Build, Start};
use crate::{base_image, process};

const FOLDERS: u32 = 200;
const FILES: u32 = 100;
pub const FILE_SIZE: usize = 4096;

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
    let tree = grow()?;
    let builder = traces.builder("tree-builder");
    make_builder(&builder)?;
    minis2i(traces, &tree, &builder, Start::ANY)?;
    pipe(traces, &tree, &builder, Start::ANY)?;
    measure::take_turns(
        rounds,
        |start| minis2i(traces, &tree, &builder, start),
        |start| pipe(traces, &tree, &builder, start),
    )
}

/// Makes 20,000 files that differ from each other and can not be packed.
pub fn grow() -> Result<TempDir> {
    let tree = tempfile::tempdir()?;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for folder in 0..FOLDERS {
        let folder = tree.path().join(format!("folder-{folder}"));
        fs::create_dir(&folder)?;
        for file in 0..FILES {
            fs::write(folder.join(format!("file-{file}")), noise(&mut state))?;
        }
    }
    Ok(tree)
}

/// Bytes of a xorshift generator.
fn noise(state: &mut u64) -> Vec<u8> {
    let mut next = || {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        state.to_le_bytes()
    };
    (0..FILE_SIZE / 8).flat_map(|_| next()).collect()
}

/// Makes a builder whose `assemble` takes one file of the source.
pub fn make_builder(name: &str) -> Result<()> {
    crate::bench::builder_image::build(
        name,
        &format!(
            "FROM {}\n\
             LABEL io.openshift.s2i.scripts-url=image:///s2i\n\
             RUN mkdir /s2i && cd /s2i && printf '#!/bin/sh\\ncp /tmp/src/folder-0/file-0 /kept\\n' >assemble && \
             printf '#!/bin/sh\\nexec true\\n' >run && chmod 755 assemble run\n",
            base_image::NAME
        ),
    )
}

fn minis2i(traces: &Traces, tree: &TempDir, builder: &str, start: Start) -> Result<Build> {
    let source = tree.path().to_str().context("TMPDIR is not UTF-8")?;
    let build = measure::minis2i(&mut super::command(source, builder, &traces.name("tree-a"), traces), start)?;
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
