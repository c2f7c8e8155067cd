//! From a save to the tag, against other ways to get there.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tempfile::TempDir;

use super::chart::Contender;
use super::context::{Bench, Figures};
use super::fresh_build::Fresh;
use super::rounds::in_rounds;
use super::row::Row;
use super::save::Save;
use super::sources::{Pair, Tree, artifacts_builder};
use super::table::Measured;
use super::watch_process::Watch;
use crate::bench::series::Series;
use crate::{process, signals};

/// How often a save that is to meet the preparation of the standby may miss it.
const MISSES: usize = 5;

/// The sample pair: minis2i, the naive way, and a bare commit take turns.
pub fn pair(bench: &mut Bench) -> Result<Figures> {
    const GROUP: &str = "Sample pair";
    let pair = Pair::make(bench)?;
    let sources = [Pair::source()?, Pair::source()?];
    let mut watch = pair.watch(bench, &sources[0], "pair-a")?;
    watch.ready()?;
    let mut baseline = pair.baseline(bench, &sources[1], "pair-b")?;
    let kept = pair.assembled(bench)?;
    watch.turn(&mut bench.api)?;
    baseline.turn(&mut bench.api)?;
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let (mut commits, mut unpaused) = (Vec::new(), Vec::new());
    in_rounds(bench.rounds, |pace, start| {
        a.push(pace.turn(start, || watch.turn(&mut bench.api))?);
        b.push(pace.turn(start, || baseline.turn(&mut bench.api))?);
        commits.push(pace.turn(start, || bare_commit(&["docker", "commit", &kept], &bench.traces.name("pair-bare")))?);
        unpaused.push(pace.turn(start, || {
            bare_commit(&["docker", "commit", "--pause=false", &kept], &bench.traces.name("pair-unpaused"))
        })?);
        Ok(())
    })?;
    let left = |save: &Save| save.whole.saturating_sub(save.phase("settle") + save.phase("assemble"));
    let [left, commits, unpaused] = [a.iter().map(left).collect::<Vec<_>>(), commits, unpaused].map(Series::new);
    let note = format!("B with --pause=false: {}", unpaused.show());
    let baseline = format!("baseline under {}", bench.trigger.name());
    bench.contenders.extend([
        Contender::new(GROUP, "minis2i watch", &a),
        Contender::new(GROUP, baseline, &b),
        Contender::of_series(GROUP, "bare docker commit", "commit", &commits),
        Contender::of_series(GROUP, "bare docker commit --pause=false", "commit", &unpaused),
    ]);
    Ok(vec![
        (Row::Pair, Measured::ratio(&whole(&a), &whole(&b), standbys(&a))),
        (Row::Commit, Measured::ratio(&left, &commits, note)),
    ])
}

/// A one-line edit in a large source: a watch of it, a fresh build of it, and a watch of the sample pair take turns.
pub fn tree(bench: &mut Bench) -> Result<Figures> {
    const GROUP: &str = "One-line edit among 20,000 files";
    let (tree, same, pair, source) = (Tree::make(bench)?, Tree::make(bench)?, Pair::make(bench)?, Pair::source()?);
    let mut large = tree.watch(bench, "tree-a", &[])?;
    let mut memory = same.watch(bench, "tree-memory", &["--source-in-memory"])?;
    let mut small = pair.watch(bench, &source, "tree-pair")?;
    large.ready()?;
    memory.ready()?;
    small.ready()?;
    large.turn(&mut bench.api)?;
    memory.turn(&mut bench.api)?;
    small.turn(&mut bench.api)?;
    let fresh = Fresh { source: tree.source.path(), builder: &tree.builder, tag: bench.traces.name("tree-fresh") };
    fresh.build(bench)?;
    let (mut a, mut b, mut c, mut m) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    in_rounds(bench.rounds, |pace, start| {
        a.push(pace.turn(start, || large.turn(&mut bench.api))?);
        m.push(pace.turn(start, || memory.turn(&mut bench.api))?);
        b.push(pace.turn(start, || fresh.build(bench))?);
        c.push(pace.turn(start, || small.turn(&mut bench.api))?);
        Ok(())
    })?;
    bench.contenders.extend([
        Contender::new(GROUP, "minis2i watch", &a),
        Contender::new(GROUP, "minis2i watch --source-in-memory", &m),
        Contender::new(GROUP, "minis2i watch of the sample pair", &c),
        Contender::new(GROUP, "a fresh minis2i build", &b),
    ]);
    let [in_memory, small, fresh] = [&m, &c, &b].map(|saves| whole(saves).median().as_secs_f64());
    let beside = |other: f64| format!("with --source-in-memory {:.2}", in_memory / other);
    Ok(vec![
        (Row::Tree, Measured::ratio(&whole(&a), &whole(&c), format!("{} {}", beside(small), standbys(&a)))),
        (Row::Fresh, Measured::ratio(&whole(&a), &whole(&b), beside(fresh))),
    ])
}

/// A save that comes before the standby is ready, at moments spread over its preparation, and a fresh build.
pub fn preparing(bench: &mut Bench) -> Result<Figures> {
    const GROUP: &str = "Save while the standby is prepared";
    let (pair, source) = (Pair::make(bench)?, Pair::source()?);
    let mut watch = pair.watch(bench, &source, "preparing-a")?;
    watch.ready()?;
    let preparation = preparation(&mut watch, bench)?;
    let fresh = Fresh { source: source.path(), builder: &pair.builder, tag: bench.traces.name("preparing-b") };
    fresh.build(bench)?;
    let (mut a, mut b, mut missed) = (Vec::new(), Vec::new(), 0);
    let rounds = bench.rounds;
    in_rounds(rounds, |pace, start| {
        let part = (a.len() as f64 + 0.5) / rounds as f64;
        a.push(pace.turn(start, || save_early(&mut watch, bench, preparation.mul_f64(part), &mut missed))?);
        b.push(pace.turn(start, || fresh.build(bench))?);
        Ok(())
    })?;
    bench.contenders.extend([
        Contender::new(GROUP, "minis2i watch, saved again at once", &a),
        Contender::new(GROUP, "a fresh incremental minis2i build", &b),
    ]);
    let note = format!("saved within {:.2} s after the build before", preparation.as_secs_f64());
    Ok(vec![(Row::Preparing, Measured::ratio(&whole(&a), &whole(&b), note))])
}

/// How long the standby takes to be ready after a build.
fn preparation(watch: &mut Watch, bench: &mut Bench) -> Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..3 {
        watch.save(&mut bench.api)?;
        let begin = Instant::now();
        times.push(watch.rest()?.saturating_duration_since(begin));
    }
    Ok(Series::new(times).median())
}

/// Saves, and again some time after that build; returns what became of the second save. It counts only when the
/// standby was not ready yet; otherwise it is tried again, earlier.
fn save_early(watch: &mut Watch, bench: &mut Bench, mut delay: Duration, missed: &mut usize) -> Result<Save> {
    loop {
        watch.save(&mut bench.api)?;
        signals::sleep(delay)?;
        let late = watch.is_ready();
        let save = watch.save(&mut bench.api)?;
        watch.rest()?;
        watch.edit.prove(&save.image)?;
        if !late {
            return Ok(save);
        }
        *missed += 1;
        ensure!(*missed < MISSES, "the standby is ready too soon to be met in its preparation");
        delay /= 2;
    }
}

/// 200 MB of artifacts, and none.
pub fn artifacts(bench: &mut Bench) -> Result<Figures> {
    const GROUP: &str = "Artifacts";
    let builder = artifacts_builder(bench)?;
    let sources = [Pair::source()?, Pair::source()?];
    let start = |source: &TempDir, tag: &str, variable: &str| {
        let tag = bench.traces.name(tag);
        let more = ["--env", variable];
        Watch::start(source.path(), &builder, &tag, Pair::edit(source), &bench.traces, &more)
    };
    let mut with = start(&sources[0], "artifacts-a", "MEGABYTES=200")?;
    let mut without = start(&sources[1], "artifacts-b", "MEGABYTES=0")?;
    with.ready()?;
    without.ready()?;
    with.turn(&mut bench.api)?;
    without.turn(&mut bench.api)?;
    let (mut a, mut b) = (Vec::new(), Vec::new());
    in_rounds(bench.rounds, |pace, start| {
        a.push(pace.turn(start, || with.turn(&mut bench.api))?);
        b.push(pace.turn(start, || without.turn(&mut bench.api))?);
        Ok(())
    })?;
    bench.contenders.extend([
        Contender::new(GROUP, "minis2i watch with 200 MB of artifacts", &a),
        Contender::new(GROUP, "minis2i watch with none", &b),
    ]);
    let before = |saves: &[Save]| Series::new(saves.iter().map(|save| save.whole.saturating_sub(save.phase("commit"))));
    Ok(vec![(Row::Artifacts, Measured::ratio(&before(&a), &before(&b), standbys(&a)))])
}

fn whole(saves: &[Save]) -> Series {
    Series::new(saves.iter().map(|save| save.whole))
}

/// A note on saves that had to do without a standby.
fn standbys(saves: &[Save]) -> String {
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
