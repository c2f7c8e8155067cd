//! A build that is started when it is wanted, with nothing prepared.

use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result};

use super::child;
use super::context::WatchBench;
use super::tag;
use crate::bench::save::Save;
use crate::bench::{build_command, phases};

/// A build that is started when it is wanted.
pub struct FreshBuild<'a> {
    pub source: &'a Path,
    pub builder: &'a str,
    pub tag: String,
}

impl FreshBuild<'_> {
    /// From the start of the process to the tag, as with a save.
    pub fn build(&self, bench: &mut WatchBench) -> Result<Save> {
        let source = self.source.to_str().context("TMPDIR is not UTF-8")?;
        let mut command = build_command::command(source, self.builder, &self.tag, &[], &bench.objects);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let before = bench.api.image(&self.tag)?;
        let begin = Instant::now();
        let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let moved = tag::wait_until_moved(&mut bench.api, &self.tag, before.as_deref(), || Ok(()));
        if moved.is_err() {
            child::terminate(&mut child);
        }
        let (image, moved) = moved?;
        let output = child.wait_with_output()?;
        let phases = phases::phases(&String::from_utf8_lossy(&output.stdout))?;
        Ok(Save { whole: moved - begin, phases, image, standby: false })
    }
}
