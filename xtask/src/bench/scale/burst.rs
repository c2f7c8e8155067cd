//! A burst of 20,000 new files under a standby, against a build of the whole tree by `minis2i build`.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::build_cases;
use super::context::{Bench, small_source};
use super::growth::verdict;
use super::watch_cases::Watched;
use crate::bench::series::Series;
use crate::bench::watch::sources::add_small_files;

pub const NAME: &str = "burst";

const FILES: usize = 20_000;

/// How many turns count: an odd number, so that one of them is the median.
const ROUNDS: usize = 3;

/// How much longer the tag may take, from the last file of the burst, than a build of that tree: a target that the project
/// set itself.
const LIMIT: f64 = 1.3;

/// Measures, prints a line, and returns whether the bar holds.
pub fn holds(bench: &Bench) -> Result<bool> {
    let (mut bursts, mut builds) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bench.objects.wait_until_removed()?;
        bursts.push(burst(bench)?);
        bench.objects.wait_until_removed()?;
        let source = small_source()?;
        add_small_files(&source.path().join("tree"), FILES)?;
        builds.push(build_cases::build(bench, source.path(), &["--no-incremental"])?.time);
    }
    let (burst, build) = (Series::new(bursts), Series::new(builds));
    let ratio = burst.median().as_secs_f64() / build.median().as_secs_f64();
    let holds = ratio <= LIMIT;
    println!("a burst of {FILES} files: tag after {}, a build {}", burst.summary(), build.summary());
    println!("  ratio {ratio:.2}, at most {LIMIT}  {}", verdict(holds));
    Ok(holds)
}

/// The time from the last file to the tag.
fn burst(bench: &Bench) -> Result<Duration> {
    let source = small_source()?;
    let mut watch = Watched::start(bench, &source)?;
    add_small_files(&source.path().join("tree"), FILES)?;
    let begin = Instant::now();
    watch.make_last_change()?;
    Ok(begin.elapsed())
}
