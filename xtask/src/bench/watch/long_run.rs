//! What a watch holds: over many saves, with many files, and while nothing happens.

use std::fs;
use std::time::Duration;

use anyhow::Result;

use super::save;
use super::sources::{Pair, fill};
use super::table::{Measured, Row};
use super::{Bench, Figures};
use crate::bench::process_stats;
use crate::bench::series::Series;
use crate::process;

/// Saves in a row for each round that was asked for.
const SAVES_PER_ROUND: usize = 20;

/// How long what a build left may take to be removed.
const TIDY_LIMIT: Duration = Duration::from_secs(60);

/// Resident memory goes up and down by so much without anything being kept, in KiB.
const NOISE: u64 = 1024;

const MANY_FILES: usize = 100_000;

/// How long a watch is left alone for each round that was asked for, and at most.
const IDLE_PER_ROUND: Duration = Duration::from_secs(4);
const IDLE: Duration = Duration::from_secs(60);

/// Starts that are timed, at most.
const STARTS: usize = 5;

/// Saves one after the other, each when the tag is on the one before, and what is there more than before.
pub fn endurance(bench: &mut Bench) -> Result<Figures> {
    let (pair, source) = (Pair::make(bench)?, Pair::source()?);
    let mut watch = pair.watch(bench, &source, "endurance")?;
    watch.ready()?;
    // The first few saves fill caches, of this process and its allocator.
    for _ in 0..SAVES_PER_ROUND {
        watch.save(&mut bench.api)?;
    }
    watch.rest()?;
    let before = Stock::at_rest(bench, watch.pid(), None)?;
    let saves = bench.rounds * SAVES_PER_ROUND;
    let mut last = None;
    for number in 0..saves {
        eprint!("\r  save {} of {saves}", number + 1);
        last = Some(watch.save(&mut bench.api)?);
    }
    eprintln!();
    watch.rest()?;
    if let Some(save) = last {
        watch.edit.prove(&save.image)?;
    }
    let after = Stock::at_rest(bench, watch.pid(), Some(&before))?;
    let note = format!("{saves} saves: {}", before.changes(&after));
    Ok(vec![(Row::Endurance, Measured::plain(before.grown(&after) as f64, note))])
}

/// How many there are of each kind of thing.
struct Stock([(&'static str, u64); 6]);

impl Stock {
    /// Takes stock when no more than before is there, or there was time enough to remove it.
    fn at_rest(bench: &Bench, pid: u32, before: Option<&Self>) -> Result<Self> {
        let mut waited = Duration::ZERO;
        loop {
            save::sleep(Duration::from_secs(1))?;
            waited += Duration::from_secs(1);
            let now = Self::take(bench, pid)?;
            let settled = match before {
                Some(before) => before.grown(&now) == 0,
                // One more look, for what comes late.
                None => waited > Duration::from_secs(3),
            };
            if settled || waited >= TIDY_LIMIT {
                return Ok(now);
            }
        }
    }

    fn take(bench: &Bench, pid: u32) -> Result<Self> {
        let count = |line: &[&str]| process::output(line).map(|text| text.lines().count() as u64);
        let ours = format!("label={}", bench.traces.label());
        let held = process_stats::holdings(pid)?;
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
    fn grown(&self, after: &Self) -> usize {
        let slack = |name| if name == MEMORY { NOISE } else { 0 };
        self.0.iter().zip(&after.0).filter(|((name, before), (_, after))| *after > before + slack(*name)).count()
    }

    fn changes(&self, after: &Self) -> String {
        let change = |((name, before), (_, after)): (&(&str, u64), &(&str, u64))| format!("{name} {before} to {after}");
        self.0.iter().zip(&after.0).map(change).collect::<Vec<_>>().join(", ")
    }
}

const MEMORY: &str = "memory in KiB";

/// A source of 100,000 files: the most memory that it needs, and what it costs while nothing happens.
pub fn memory(bench: &mut Bench) -> Result<Figures> {
    let (pair, source) = (Pair::make(bench)?, Pair::source()?);
    fill(source.path(), MANY_FILES)?;
    let mut watch = pair.watch(bench, &source, "memory")?;
    watch.ready()?;
    let save = watch.turn(&mut bench.api)?;
    let pid = watch.pid();
    let peak = process_stats::peak_memory(pid)? as f64 / 1024.0;
    // What comes after a build, such as the removal of what it superseded, is not idling.
    save::sleep(Duration::from_secs(5))?;
    let children = process_stats::children(pid);
    let ticks = || -> Result<(u64, u64)> {
        let below = children.iter().filter_map(|child| process_stats::ticks(*child).ok()).sum();
        Ok((process_stats::ticks(pid)?, below))
    };
    let before = ticks()?;
    let idle = IDLE.min(IDLE_PER_ROUND * u32::try_from(bench.rounds)?);
    save::sleep(idle)?;
    let after = ticks()?;
    let held = process_stats::holdings(pid)?.memory as f64 / 1024.0;
    let saved = format!("a save takes {:.2} s", save.whole.as_secs_f64());
    let ticked = format!("in {} s; its {} engine CLIs: {}", idle.as_secs(), children.len(), after.1 - before.1);
    Ok(vec![
        (Row::Memory, Measured::plain(peak, saved)),
        (Row::Idle, Measured::plain((after.0 - before.0) as f64, ticked)),
        (Row::IdleMemory, Measured::plain(held, "")),
    ])
}

/// A source with 100,000 ignored files: how soon it is watched, and with how many kernel watches.
pub fn ready(bench: &mut Bench) -> Result<Figures> {
    let (pair, source) = (Pair::make(bench)?, Pair::source()?);
    fill(&source.path().join("ignored"), MANY_FILES)?;
    fs::write(source.path().join(".gitignore"), "ignored/\n")?;
    let (mut times, mut watches) = (Vec::new(), 0);
    for number in 0..STARTS.min(bench.rounds) {
        let mut watch = pair.watch(bench, &source, &format!("ready-{number}"))?;
        times.push(watch.watching()?);
        watches = process_stats::watches(watch.pid())?;
    }
    let median = Series::new(times).median().as_secs_f64();
    Ok(vec![(Row::Ready, Measured::plain(median, format!("{watches} kernel watches")))])
}
