//! `minis2i build` against doing the same by hand: the sample pair, and a large source.

pub mod measured_build;
mod sample_pair;
pub mod table;
mod tar_pipe;

use std::time::Duration;

use anyhow::Result;

use super::cli_chain::ChainTimes;
use super::engine_objects::EngineObjects;
use super::options::Options;
use super::series::Series;
use crate::{base_image, program};
use measured_build::MeasuredBuild;
use table::{Limit, Line, compare};

/// How many turns of the sample pair count by default: an odd number, so that one of them is the median.
const ROUNDS: usize = 11;

/// How many turns with the large source count. They take seconds each.
const LARGE_SOURCE_ROUNDS: usize = 5;

/// How much of the naive way's time a build of the sample pair may take: a target that the project set itself.
const SAMPLE_PAIR_LIMIT: f64 = 0.62;

/// How much of the time of `tar` into a waiting container a build of the large source may take: another such target.
const LARGE_SOURCE_LIMIT: f64 = 1.3;

/// The most memory that a build of the large source may need, in MiB: another such target.
const MEMORY_LIMIT: f64 = 40.0;

/// Measures all, prints the table, and fails when a bar does not hold.
pub fn bench(options: &Options) -> Result<()> {
    let rounds = options.rounds.unwrap_or(ROUNDS);
    base_image::ensure()?;
    program::build(false)?;
    let mut objects = EngineObjects::new();
    println!("sample pair, incremental");
    let (builds, chains) = sample_pair::measure(&mut objects, rounds)?;
    measured_build::show_phases(&builds);
    let mut lines = Vec::from(sample_pair_lines(&builds, &chains));
    println!("20,000 files of 4 KiB");
    let (builds, piped) = tar_pipe::measure(&mut objects, LARGE_SOURCE_ROUNDS)?;
    measured_build::show_phases(&builds);
    lines.extend(large_source_lines(&builds, &piped));
    lines.push(memory_line(&builds));
    drop(objects);
    table::print_and_check(&lines, "B: naive")
}

fn whole(builds: &[MeasuredBuild]) -> Series {
    Series::new(builds.iter().map(|build| build.whole))
}

/// The bar is for the time as it is; beside it, for comparison, the part that is not the engine's commit, which is the
/// same work on both sides and may have a sleep in it.
fn sample_pair_lines(builds: &[MeasuredBuild], chains: &[ChainTimes]) -> [Line; 2] {
    let before_commit = Series::new(builds.iter().map(|build| build.whole.saturating_sub(build.phase("commit"))));
    let chained = Series::new(chains.iter().map(|chain| chain.whole));
    let chained_before = Series::new(chains.iter().map(|chain| chain.whole - chain.commit()));
    [
        compare("sample pair, incremental", &whole(builds), &chained, Some(SAMPLE_PAIR_LIMIT)),
        compare("  without the commits", &before_commit, &chained_before, None),
    ]
}

/// The bar is for what is alike on both sides: the container waits already. Beside it, for comparison, the build as a
/// user sees it, and the naive way that leaves the files where they are, as a container that is thrown away might.
fn large_source_lines(builds: &[MeasuredBuild], piped: &[tar_pipe::PipeTimes]) -> [Line; 3] {
    let times = |time: fn(&tar_pipe::PipeTimes) -> Duration| Series::new(piped.iter().map(time));
    let all = times(|turn| turn.whole);
    let without_removal = times(|turn| turn.whole - turn.removal);
    let waiting = Series::new(builds.iter().map(|build| build.whole.saturating_sub(build.phase("start"))));
    [
        compare("20,000 files of 4 KiB, container waiting", &waiting, &all, Some(LARGE_SOURCE_LIMIT)),
        compare("  the whole build against the same", &whole(builds), &all, None),
        compare("  container waiting; B never removes the files", &waiting, &without_removal, None),
    ]
}

fn memory_line(builds: &[MeasuredBuild]) -> Line {
    let most = builds.iter().map(|build| build.memory).max().unwrap_or(0) as f64 / f64::from(1 << 20);
    Line {
        what: "peak memory with 20,000 files",
        a: format!("{most:.1} MiB"),
        b: String::new(),
        figure: String::new(),
        limit: Some(Limit { text: format!("at most {MEMORY_LIMIT:.0} MiB"), holds: most <= MEMORY_LIMIT }),
    }
}
