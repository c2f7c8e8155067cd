//! From a save to the tag, against other ways to get there.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tempfile::TempDir;

use super::context::{Measurements, WatchBench};
use super::fresh_build::FreshBuild;
use super::rounds::run_rounds;
use super::row::Row;
use super::sources::{LargeSource, SamplePair, artifacts_builder};
use super::watch_process::WatchProcess;
use crate::bench::chart::ChartBar;
use crate::bench::save::Save;
use crate::bench::series::Series;
use crate::bench::table::Measurement;
use crate::{process, signals};

/// How often the save may come too late, when the standby is already prepared. Each time it comes earlier by half, so that
/// more often means that the standby is prepared at once.
const MISS_LIMIT: usize = 5;

/// The sample pair: minis2i, the naive way, and a bare commit take turns.
pub fn sample_pair(bench: &mut WatchBench) -> Result<Measurements> {
    const GROUP: &str = "Sample pair";
    let pair = SamplePair::make(bench)?;
    let sources = [SamplePair::source()?, SamplePair::source()?];
    let mut watch = pair.watch(bench, &sources[0], "pair-a")?;
    watch.wait_until_ready()?;
    let mut baseline = pair.baseline(bench, &sources[1], "pair-b")?;
    let kept = pair.start_assembled_container(bench)?;
    watch.save_and_check(&mut bench.api)?;
    baseline.save_and_check(&mut bench.api)?;
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let (mut commits, mut unpaused) = (Vec::new(), Vec::new());
    run_rounds(bench.rounds, |pace, start| {
        a.push(pace.turn(start, || watch.save_and_check(&mut bench.api))?);
        b.push(pace.turn(start, || baseline.save_and_check(&mut bench.api))?);
        commits.push(pace.turn(start, || bare_commit(&["docker", "commit", &kept], &bench.objects.name("pair-bare")))?);
        unpaused.push(pace.turn(start, || {
            bare_commit(&["docker", "commit", "--pause=false", &kept], &bench.objects.name("pair-unpaused"))
        })?);
        Ok(())
    })?;
    let left = |save: &Save| save.whole.saturating_sub(save.phase("settle") + save.phase("assemble"));
    let [left, commits, unpaused] = [a.iter().map(left).collect::<Vec<_>>(), commits, unpaused].map(Series::new);
    let note = format!("B with --pause=false: {}", unpaused.summary());
    let baseline = format!("baseline under {}", bench.trigger.name());
    bench.bars.extend([
        ChartBar::new(GROUP, "minis2i watch", &a),
        ChartBar::new(GROUP, baseline, &b),
        ChartBar::of_series(GROUP, "bare docker commit", "commit", &commits),
        ChartBar::of_series(GROUP, "bare docker commit --pause=false", "commit", &unpaused),
    ]);
    Ok(vec![
        (Row::Pair, Measurement::ratio(&whole(&a), &whole(&b), standby_note(&a))),
        (Row::Commit, Measurement::ratio(&left, &commits, note)),
    ])
}

/// A one-line edit in a large source: a watch of it, a fresh build of it, and a watch of the sample pair take turns.
pub fn large_source(bench: &mut WatchBench) -> Result<Measurements> {
    const GROUP: &str = "One-line edit among 20,000 files";
    let (tree, same, pair, source) =
        (LargeSource::make(bench)?, LargeSource::make(bench)?, SamplePair::make(bench)?, SamplePair::source()?);
    let mut large = tree.watch(bench, "tree-a", &[])?;
    let mut memory = same.watch(bench, "tree-memory", &["--source-in-memory"])?;
    let mut small = pair.watch(bench, &source, "tree-pair")?;
    large.wait_until_ready()?;
    memory.wait_until_ready()?;
    small.wait_until_ready()?;
    large.save_and_check(&mut bench.api)?;
    memory.save_and_check(&mut bench.api)?;
    small.save_and_check(&mut bench.api)?;
    let fresh =
        FreshBuild { source: tree.source.path(), builder: &tree.builder, tag: bench.objects.name("tree-fresh") };
    fresh.build(bench)?;
    let (mut a, mut b, mut c, mut m) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    run_rounds(bench.rounds, |pace, start| {
        a.push(pace.turn(start, || large.save_and_check(&mut bench.api))?);
        m.push(pace.turn(start, || memory.save_and_check(&mut bench.api))?);
        b.push(pace.turn(start, || fresh.build(bench))?);
        c.push(pace.turn(start, || small.save_and_check(&mut bench.api))?);
        Ok(())
    })?;
    bench.bars.extend([
        ChartBar::new(GROUP, "minis2i watch", &a),
        ChartBar::new(GROUP, "minis2i watch --source-in-memory", &m),
        ChartBar::new(GROUP, "minis2i watch of the sample pair", &c),
        ChartBar::new(GROUP, "a fresh minis2i build", &b),
    ]);
    let [in_memory, small, fresh] = [&m, &c, &b].map(|saves| whole(saves).median().as_secs_f64());
    let beside = |other: f64| format!("with --source-in-memory {:.2}", in_memory / other);
    Ok(vec![
        (Row::Tree, Measurement::ratio(&whole(&a), &whole(&c), format!("{} {}", beside(small), standby_note(&a)))),
        (Row::Fresh, Measurement::ratio(&whole(&a), &whole(&b), beside(fresh))),
    ])
}

/// A save that comes before the standby is ready, at moments spread over its preparation, and a fresh build.
pub fn during_preparation(bench: &mut WatchBench) -> Result<Measurements> {
    const GROUP: &str = "Save while the standby is prepared";
    let (pair, source) = (SamplePair::make(bench)?, SamplePair::source()?);
    let mut watch = pair.watch(bench, &source, "preparing-a")?;
    watch.wait_until_ready()?;
    let preparation = preparation_time(&mut watch, bench)?;
    let fresh = FreshBuild { source: source.path(), builder: &pair.builder, tag: bench.objects.name("preparing-b") };
    fresh.build(bench)?;
    let (mut a, mut b, mut missed) = (Vec::new(), Vec::new(), 0);
    let rounds = bench.rounds;
    run_rounds(rounds, |pace, start| {
        let part = (a.len() as f64 + 0.5) / rounds as f64;
        a.push(pace.turn(start, || save_before_standby(&mut watch, bench, preparation.mul_f64(part), &mut missed))?);
        b.push(pace.turn(start, || fresh.build(bench))?);
        Ok(())
    })?;
    bench.bars.extend([
        ChartBar::new(GROUP, "minis2i watch, saved again at once", &a),
        ChartBar::new(GROUP, "a fresh incremental minis2i build", &b),
    ]);
    let note = format!("saved within {:.2} s after the build before", preparation.as_secs_f64());
    Ok(vec![(Row::Preparing, Measurement::ratio(&whole(&a), &whole(&b), note))])
}

/// How long the standby takes to be ready after a build.
fn preparation_time(watch: &mut WatchProcess, bench: &mut WatchBench) -> Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..3 {
        watch.save(&mut bench.api)?;
        let begin = Instant::now();
        times.push(watch.wait_for_standby()?.saturating_duration_since(begin));
    }
    Ok(Series::new(times).median())
}

/// Saves, and again some time after that build; returns what became of the second save. It counts only when the
/// standby was not ready yet; otherwise it is tried again, earlier.
fn save_before_standby(
    watch: &mut WatchProcess,
    bench: &mut WatchBench,
    mut delay: Duration,
    missed: &mut usize,
) -> Result<Save> {
    loop {
        watch.save(&mut bench.api)?;
        signals::sleep(delay)?;
        let late = watch.standby_is_ready();
        let save = watch.save(&mut bench.api)?;
        watch.wait_for_standby()?;
        watch.edit.check_image(&save.image)?;
        if !late {
            return Ok(save);
        }
        *missed += 1;
        ensure!(*missed < MISS_LIMIT, "the standby is ready too soon to be met in its preparation");
        delay /= 2;
    }
}

/// 200 MB of artifacts, and none.
pub fn artifacts(bench: &mut WatchBench) -> Result<Measurements> {
    const GROUP: &str = "Artifacts";
    let builder = artifacts_builder(bench)?;
    let sources = [SamplePair::source()?, SamplePair::source()?];
    let start = |source: &TempDir, tag: &str, variable: &str| {
        let tag = bench.objects.name(tag);
        let more = ["--env", variable];
        WatchProcess::start(source.path(), &builder, &tag, SamplePair::edit(source), &bench.objects, &more)
    };
    let mut with = start(&sources[0], "artifacts-a", "MEGABYTES=200")?;
    let mut without = start(&sources[1], "artifacts-b", "MEGABYTES=0")?;
    with.wait_until_ready()?;
    without.wait_until_ready()?;
    with.save_and_check(&mut bench.api)?;
    without.save_and_check(&mut bench.api)?;
    let (mut a, mut b) = (Vec::new(), Vec::new());
    run_rounds(bench.rounds, |pace, start| {
        a.push(pace.turn(start, || with.save_and_check(&mut bench.api))?);
        b.push(pace.turn(start, || without.save_and_check(&mut bench.api))?);
        Ok(())
    })?;
    bench.bars.extend([
        ChartBar::new(GROUP, "minis2i watch with 200 MB of artifacts", &a),
        ChartBar::new(GROUP, "minis2i watch with none", &b),
    ]);
    let before = |saves: &[Save]| Series::new(saves.iter().map(|save| save.whole.saturating_sub(save.phase("commit"))));
    Ok(vec![(Row::Artifacts, Measurement::ratio(&before(&a), &before(&b), standby_note(&a)))])
}

fn whole(saves: &[Save]) -> Series {
    Series::new(saves.iter().map(|save| save.whole))
}

/// A note on saves that had to do without a standby.
fn standby_note(saves: &[Save]) -> String {
    let without = saves.iter().filter(|save| !save.standby).count();
    if without == 0 { String::new() } else { format!("{without} of {} saves found no standby", saves.len()) }
}

/// Commits a container by hand, and removes what the time before made.
fn bare_commit(commit: &[&str], tag: &str) -> Result<Duration> {
    let previous = process::output(&["docker", "images", "--quiet", tag])?;
    let begin = Instant::now();
    process::output(&[commit, &[tag]].concat())?;
    let whole = begin.elapsed();
    if !previous.is_empty() {
        process::output(&["docker", "image", "rm", &previous])?;
    }
    Ok(whole)
}
