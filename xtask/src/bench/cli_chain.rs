//! The naive way to build: a chain of CLI calls, each after the other.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::process;
use crate::sample_builder::SCRIPTS;

/// One turn of the naive way.
pub struct ChainTimes {
    pub whole: Duration,
    /// What it did, in this order.
    pub phases: Vec<(&'static str, Duration)>,
}

impl ChainTimes {
    /// What went into the commit.
    pub fn commit(&self) -> Duration {
        self.phases.iter().filter(|(name, _)| *name == "commit").map(|(_, time)| *time).sum()
    }
}

/// What the naive way is to build, and how its container is named and marked.
pub struct CliChain<'a> {
    pub source: &'a Path,
    pub builder: &'a str,
    pub tag: &'a str,
    pub container: &'a str,
    pub label: &'a str,
}

impl CliChain<'_> {
    /// The naive order: list, inspect, save the artifacts to our own disk, assemble with mounts, commit, remove.
    pub fn build(&self) -> Result<ChainTimes> {
        let mut clock = PhaseClock::new();
        let previous = process::output(&["docker", "images", "--quiet", self.tag])?;
        process::output(&["docker", "image", "inspect", self.builder])?;
        clock.end_phase("inspect");
        let artifacts = tempfile::tempdir()?;
        // The sample's `assemble` moves artifacts away, as a user that this folder does not belong to.
        fs::set_permissions(artifacts.path(), fs::Permissions::from_mode(0o777))?;
        if !previous.is_empty() {
            self.save_artifacts(&previous, artifacts.path())?;
        }
        clock.end_phase("artifacts");
        self.assemble(artifacts.path())?;
        clock.end_phase("assemble");
        let change = format!("CMD [\"{SCRIPTS}/run\"]");
        process::output(&["docker", "commit", "--change", &change, self.container, self.tag])?;
        clock.end_phase("commit");
        process::output(&["docker", "rm", self.container])?;
        drop(artifacts);
        clock.end_phase("remove");
        let chain = clock.finish();
        // minis2i removes what it supersedes off the user's clock; so may this.
        if !previous.is_empty() && !process::succeeds(&["docker", "image", "rm", &previous]) {
            // An app may still run it; then it goes with all that has the label.
            eprintln!("the image {previous} stays");
        }
        Ok(chain)
    }

    fn save_artifacts(&self, image: &str, into: &Path) -> Result<()> {
        let script = format!("{SCRIPTS}/save-artifacts");
        let mut line = process::command(&["docker", "run", "--rm", "--label", self.label, image, &script]);
        let mut process = line.stdout(Stdio::piped()).spawn()?;
        let mut archive = tar::Archive::new(process.stdout.take().expect("stdout is piped"));
        archive.unpack(into)?;
        // Padding follows the end of an archive; a pipe closed before it makes the CLI fail, now and then.
        io::copy(&mut archive.into_inner(), &mut io::sink())?;
        ensure!(process.wait()?.success(), "`save-artifacts` failed");
        Ok(())
    }

    /// Leaves the container, which has ended.
    fn assemble(&self, artifacts: &Path) -> Result<()> {
        let source = format!("type=bind,source={},target=/tmp/src,readonly", self.source.display());
        let artifacts = format!("type=bind,source={},target=/tmp/artifacts", artifacts.display());
        let script = format!("{SCRIPTS}/assemble");
        let options = ["--name", self.container, "--label", self.label, "--mount", &source, "--mount", &artifacts];
        process::output(&[&["docker", "run"], &options[..], &[self.builder, &script]].concat()).map(drop)
    }
}

/// Takes the time of one thing after the other.
struct PhaseClock {
    begin: Instant,
    last: Instant,
    phases: Vec<(&'static str, Duration)>,
}

impl PhaseClock {
    fn new() -> Self {
        let now = Instant::now();
        Self { begin: now, last: now, phases: Vec::new() }
    }

    fn end_phase(&mut self, name: &'static str) {
        let now = Instant::now();
        self.phases.push((name, now - self.last));
        self.last = now;
    }

    fn finish(self) -> ChainTimes {
        ChainTimes { whole: self.last - self.begin, phases: self.phases }
    }
}
