//! What a watch holds after many saves in a row that it did not hold before.

use std::time::Duration;

use anyhow::Result;

use super::context::{Measurements, WatchBench};
use super::row::Row;
use super::sources::SamplePair;
use crate::bench::table::Measurement;
use crate::process_stats;
use crate::{process, signals};

/// Saves in a row for each round: 300 by default, enough to show what grows by one with each save.
const SAVES_PER_ROUND: usize = 20;

/// How long minis2i may take to remove what a build left. Chosen, not measured: it only ends a wait for a removal that
/// will never come.
const REMOVAL_LIMIT: Duration = Duration::from_secs(60);

/// How much resident memory goes up and down without anything being kept, in KiB, as observed.
const MEMORY_NOISE: u64 = 1024;

/// Saves one after the other, each when the tag is on the one before, and what is there more than before.
pub fn endurance(bench: &mut WatchBench) -> Result<Measurements> {
    let (pair, source) = (SamplePair::make(bench)?, SamplePair::source()?);
    let mut watch = pair.watch(bench, &source, "endurance")?;
    watch.wait_until_ready()?;
    // The first few saves fill caches, of this process and its allocator.
    for _ in 0..SAVES_PER_ROUND {
        watch.save(&mut bench.api)?;
    }
    watch.wait_for_standby()?;
    let before = ResourceCounts::settled(bench, watch.pid(), None)?;
    let saves = bench.rounds * SAVES_PER_ROUND;
    let mut last = None;
    for number in 0..saves {
        eprint!("\r  save {} of {saves}", number + 1);
        last = Some(watch.save(&mut bench.api)?);
    }
    eprintln!();
    watch.wait_for_standby()?;
    if let Some(save) = last {
        watch.edit.check_image(&save.image)?;
    }
    let after = ResourceCounts::settled(bench, watch.pid(), Some(&before))?;
    let note = format!("{saves} saves: {}", before.changes(&after));
    Ok(vec![(Row::Endurance, Measurement::plain(before.grown_kinds(&after) as f64, note))])
}

/// How many there are of each kind of thing.
struct ResourceCounts([(&'static str, u64); 6]);

impl ResourceCounts {
    /// Takes stock when no more than before is there, or there was time enough to remove it.
    fn settled(bench: &WatchBench, pid: u32, before: Option<&Self>) -> Result<Self> {
        let mut waited = Duration::ZERO;
        loop {
            signals::sleep(Duration::from_secs(1))?;
            waited += Duration::from_secs(1);
            let now = Self::count(bench, pid)?;
            let is_settled = match before {
                Some(before) => before.grown_kinds(&now) == 0,
                // One more look, for what comes late.
                None => waited > Duration::from_secs(3),
            };
            if is_settled || waited >= REMOVAL_LIMIT {
                return Ok(now);
            }
        }
    }

    fn count(bench: &WatchBench, pid: u32) -> Result<Self> {
        let count = |line: &[&str]| process::output(line).map(|text| text.lines().count() as u64);
        let ours = format!("label={}", bench.objects.label());
        let held = process_stats::resource_usage(pid)?;
        Ok(Self([
            ("containers", count(&["docker", "ps", "--all", "--quiet", "--filter", &ours])?),
            ("volumes", count(&["docker", "volume", "ls", "--quiet"])?),
            (
                "dangling images",
                count(&["docker", "images", "--quiet", "--filter", "dangling=true", "--filter", &ours])?,
            ),
            ("threads", held.threads),
            ("open files", held.files),
            (MEMORY, held.memory),
        ]))
    }

    /// How many kinds of things there are more of.
    fn grown_kinds(&self, after: &Self) -> usize {
        let slack = |name| if name == MEMORY { MEMORY_NOISE } else { 0 };
        self.0.iter().zip(&after.0).filter(|((name, before), (_, after))| *after > before + slack(*name)).count()
    }

    fn changes(&self, after: &Self) -> String {
        let change = |((name, before), (_, after)): (&(&str, u64), &(&str, u64))| format!("{name} {before} to {after}");
        self.0.iter().zip(&after.0).map(change).collect::<Vec<_>>().join(", ")
    }
}

const MEMORY: &str = "memory in KiB";
