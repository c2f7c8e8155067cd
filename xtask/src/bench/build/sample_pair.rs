//! The sample pair, built again and again, against the same work as a chain of CLI calls, each after the other.

use anyhow::Result;

use super::measured_build::{self, MeasuredBuild};
use crate::bench::build_command;
use crate::bench::cli_chain::{ChainTimes, CliChain};
use crate::bench::engine_objects::EngineObjects;
use crate::bench::turns::{self, TurnStart};
use crate::{sample_builder, workspace};

/// Both contenders' times, after a build each that is not incremental yet.
pub fn measure(objects: &mut EngineObjects, rounds: usize) -> Result<(Vec<MeasuredBuild>, Vec<ChainTimes>)> {
    let builder = objects.builder("pair-builder");
    sample_builder::build(&builder)?;
    build_with_minis2i(objects, &builder, TurnStart::NOW)?;
    build_with_cli_chain(objects, &builder, TurnStart::NOW)?;
    turns::take_turns(
        rounds,
        |start| build_with_minis2i(objects, &builder, start),
        |start| build_with_cli_chain(objects, &builder, start),
    )
}

fn build_with_minis2i(objects: &EngineObjects, builder: &str, start: TurnStart) -> Result<MeasuredBuild> {
    let mut command = build_command::command("testapp", builder, &objects.name("pair-a"), &[], objects);
    let build = measured_build::run(&mut command, start)?;
    objects.wait_until_removed()?;
    Ok(build)
}

fn build_with_cli_chain(objects: &EngineObjects, builder: &str, start: TurnStart) -> Result<ChainTimes> {
    let (source, tag, container) =
        (workspace::root().join("testapp"), objects.name("pair-b"), objects.name("pair-container"));
    start.wait();
    CliChain { source: &source, builder, tag: &tag, container: &container, label: objects.label() }.build()
}
