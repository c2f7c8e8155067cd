//! What a watch of very many files needs: memory, processor time while nothing happens, and the time to its start.

use std::fs;
use std::time::Duration;

use anyhow::Result;

use super::context::{Measurements, WatchBench};
use super::row::Row;
use super::sources::{SamplePair, add_small_files};
use crate::bench::series::Series;
use crate::bench::table::Measurement;
use crate::process_stats;
use crate::signals;

/// As many as the table says.
const MANY_FILES: usize = 100_000;

/// How long a watch is left alone for each round, and at most: a minute by default.
const IDLE_PER_ROUND: Duration = Duration::from_secs(4);
const IDLE_AT_MOST: Duration = Duration::from_secs(60);

/// How many starts are timed, at most. Chosen, not measured.
const STARTS: usize = 5;

/// A source of 100,000 files: the most memory that it needs, and what it costs while nothing happens.
pub fn memory(bench: &mut WatchBench) -> Result<Measurements> {
    let (pair, source) = (SamplePair::make(bench)?, SamplePair::source()?);
    add_small_files(source.path(), MANY_FILES)?;
    let mut watch = pair.watch(bench, &source, "memory")?;
    watch.wait_until_ready()?;
    let save = watch.save_and_check(&mut bench.api)?;
    let pid = watch.pid();
    let peak = process_stats::peak_memory(pid)? as f64 / 1024.0;
    // What comes after a build, such as the removal of what it superseded, is not idling.
    signals::sleep(Duration::from_secs(5))?;
    let children = process_stats::children(pid);
    let ticks = || -> Result<(u64, u64)> {
        let below = children.iter().filter_map(|child| process_stats::cpu_ticks(*child).ok()).sum();
        Ok((process_stats::cpu_ticks(pid)?, below))
    };
    let before = ticks()?;
    let idle = IDLE_AT_MOST.min(IDLE_PER_ROUND * u32::try_from(bench.rounds)?);
    signals::sleep(idle)?;
    let after = ticks()?;
    let held = process_stats::resource_usage(pid)?.memory as f64 / 1024.0;
    let saved = format!("a save takes {:.2} s", save.whole.as_secs_f64());
    let ticked = format!("in {} s; its {} engine CLIs: {}", idle.as_secs(), children.len(), after.1 - before.1);
    Ok(vec![
        (Row::Memory, Measurement::plain(peak, saved)),
        (Row::Idle, Measurement::plain((after.0 - before.0) as f64, ticked)),
        (Row::IdleMemory, Measurement::plain(held, "")),
    ])
}

/// A source with 100,000 ignored files: how soon it is watched, and with how many kernel watches.
pub fn ready(bench: &mut WatchBench) -> Result<Measurements> {
    let (pair, source) = (SamplePair::make(bench)?, SamplePair::source()?);
    add_small_files(&source.path().join("ignored"), MANY_FILES)?;
    fs::write(source.path().join(".gitignore"), "ignored/\n")?;
    let (mut times, mut watches) = (Vec::new(), 0);
    for number in 0..STARTS.min(bench.rounds) {
        let mut watch = pair.watch(bench, &source, &format!("ready-{number}"))?;
        times.push(watch.wait_until_watching()?);
        watches = process_stats::inotify_watches(watch.pid())?;
    }
    let median = Series::new(times).median().as_secs_f64();
    Ok(vec![(Row::Ready, Measurement::plain(median, format!("{watches} kernel watches")))])
}
