//! The sample pair, built again and again, against the same work as a chain of CLI calls, each after the other.

use anyhow::Result;

use super::measured_build::{self, Build};
use crate::bench::build_command;
use crate::bench::cli_chain::{Chain, Naive};
use crate::bench::engine_objects::Traces;
use crate::bench::turns::{self, Start};
use crate::{sample_builder, workspace};

/// Both contenders' times, after a build each that is not incremental yet.
pub fn compete(traces: &mut Traces, rounds: usize) -> Result<(Vec<Build>, Vec<Chain>)> {
    let builder = traces.builder("pair-builder");
    sample_builder::build(&builder)?;
    minis2i(traces, &builder, Start::ANY)?;
    sequential(traces, &builder, Start::ANY)?;
    turns::take_turns(rounds, |start| minis2i(traces, &builder, start), |start| sequential(traces, &builder, start))
}

fn minis2i(traces: &Traces, builder: &str, start: Start) -> Result<Build> {
    let mut command = build_command::command("testapp", builder, &traces.name("pair-a"), traces);
    let build = measured_build::minis2i(&mut command, start)?;
    traces.wait()?;
    Ok(build)
}

fn sequential(traces: &Traces, builder: &str, start: Start) -> Result<Chain> {
    let (source, tag, container) =
        (workspace::root().join("testapp"), traces.name("pair-b"), traces.name("pair-container"));
    start.wait();
    Naive { source: &source, builder, tag: &tag, container: &container, label: traces.label() }.build()
}
