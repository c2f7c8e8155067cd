//! The sample pair, built again and again, against the same work as a chain of CLI calls, each after the other.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::measure::{self, Build, Start};
use super::traces::Traces;
use crate::{demo, run};

const SCRIPTS: &str = "/usr/libexec/s2i";

/// One turn of the naive way.
pub struct Chain {
    pub whole: Duration,
    /// What of it went into the commit.
    pub commit: Duration,
}

/// Both contenders' times, after a build each that is not incremental yet.
pub fn compete(traces: &mut Traces, rounds: usize) -> Result<(Vec<Build>, Vec<Chain>)> {
    let builder = traces.builder("pair-builder");
    demo::builder(&builder)?;
    minis2i(traces, &builder, Start::ANY)?;
    sequential(traces, &builder, Start::ANY)?;
    measure::take_turns(rounds, |start| minis2i(traces, &builder, start), |start| sequential(traces, &builder, start))
}

fn minis2i(traces: &Traces, builder: &str, start: Start) -> Result<Build> {
    let mut command = super::build::command("testapp", builder, &traces.name("pair-a"), traces);
    let build = measure::minis2i(&mut command, start)?;
    traces.wait()?;
    Ok(build)
}

/// The naive order: list, inspect, save the artifacts to our own disk, assemble with mounts, commit, remove.
fn sequential(traces: &Traces, builder: &str, start: Start) -> Result<Chain> {
    let tag = traces.name("pair-b");
    let begin = start.wait();
    let previous = run::output(&["docker", "images", "--quiet", &tag])?;
    run::output(&["docker", "image", "inspect", builder])?;
    let artifacts = tempfile::tempdir()?;
    // The sample's `assemble` moves artifacts away, as a user that this folder does not belong to.
    fs::set_permissions(artifacts.path(), fs::Permissions::from_mode(0o777))?;
    if !previous.is_empty() {
        save_artifacts(traces, &previous, artifacts.path())?;
    }
    let container = assemble(traces, builder, artifacts.path())?;
    let change = format!("CMD [\"{SCRIPTS}/run\"]");
    let assembled = Instant::now();
    run::output(&["docker", "commit", "--change", &change, &container, &tag])?;
    let commit = assembled.elapsed();
    run::output(&["docker", "rm", &container])?;
    drop(artifacts);
    let whole = begin.elapsed();
    // minis2i removes what it supersedes off the user's clock; so may this.
    if !previous.is_empty() {
        run::output(&["docker", "image", "rm", &previous])?;
    }
    Ok(Chain { whole, commit })
}

fn save_artifacts(traces: &Traces, image: &str, into: &Path) -> Result<()> {
    let script = format!("{SCRIPTS}/save-artifacts");
    let mut line = run::command(&["docker", "run", "--rm", "--label", traces.label(), image, &script]);
    let mut process = line.stdout(Stdio::piped()).spawn()?;
    let mut archive = tar::Archive::new(process.stdout.take().expect("stdout is piped"));
    archive.unpack(into)?;
    // Padding follows the end of an archive; a pipe closed before it makes the CLI fail, now and then.
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    ensure!(process.wait()?.success(), "`save-artifacts` failed");
    Ok(())
}

/// Returns the name of the container, which has ended.
fn assemble(traces: &Traces, builder: &str, artifacts: &Path) -> Result<String> {
    let name = traces.name("pair-container");
    let source = format!("type=bind,source={},target=/tmp/src,readonly", run::root().join("testapp").display());
    let artifacts = format!("type=bind,source={},target=/tmp/artifacts", artifacts.display());
    let script = format!("{SCRIPTS}/assemble");
    let options = ["--name", &name, "--label", traces.label(), "--mount", &source, "--mount", &artifacts];
    run::output(&[&["docker", "run"], &options[..], &[builder, &script]].concat())?;
    Ok(name)
}
