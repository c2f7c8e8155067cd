//! How the time from a save to the tag depends on the number of files in the source: a line that should be flat.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use tempfile::TempDir;

use super::baseline::Baseline;
use super::context::{Measurements, WatchBench};
use super::edit::Edit;
use super::fresh_build::FreshBuild;
use super::rounds::run_rounds;
use super::row::Row;
use super::sources::{SamplePair, add_small_files};
use super::watch_process::WatchProcess;
use crate::bench::chart::ChartBar;
use crate::bench::curve_chart::Curve;
use crate::bench::save::Save;
use crate::bench::series::Series;
use crate::bench::table::Measurement;
use crate::{process_stats, signals};

/// The sizes of the sources.
const SIZES: [usize; 6] = [1, 100, 1_000, 10_000, 20_000, 100_000];

/// A save by the other contenders takes tens of seconds with many files, so that few of them have to do.
const SLOW_ROUNDS: usize = 3;

/// The most files with which all rounds are taken.
const FAST: usize = 1_000;

/// The points of one contender: numbers of files, and seconds.
type Points = Vec<(f64, f64)>;

/// A source of so many small files, one of which is saved again and again.
pub struct ManyFiles {
    pub source: TempDir,
    pub builder: String,
}

impl ManyFiles {
    /// The sample source with so many files in all. The file that is saved is not among the others, as not every trigger of
    /// the naive way sees what is in folders.
    pub fn make(bench: &mut WatchBench, files: usize) -> Result<Self> {
        let SamplePair { builder } = SamplePair::make(bench)?;
        let source = SamplePair::source()?;
        add_small_files(&source.path().join("tree"), files - 1)?;
        Ok(Self { source, builder })
    }

    /// The file that `assemble` takes.
    fn edit(&self) -> Edit {
        SamplePair::edit(&self.source)
    }

    /// Watches it with these options, until it is ready for a save.
    pub fn watch(&self, bench: &mut WatchBench, tag: &str, options: &[&str]) -> Result<WatchProcess> {
        let tag = bench.objects.name(tag);
        let mut watch =
            WatchProcess::start(self.source.path(), &self.builder, &tag, self.edit(), &bench.objects, options)?;
        watch.wait_until_ready()?;
        Ok(watch)
    }

    fn baseline(&self, bench: &WatchBench, tag: &str) -> Result<Baseline> {
        let tag = bench.objects.name(tag);
        Baseline::start(&bench.trigger, self.source.path(), &self.builder, &tag, self.edit(), &bench.objects)
    }

    /// Builds it from nothing.
    pub fn fresh(&self, bench: &mut WatchBench, tag: &str) -> Result<Save> {
        let path: &Path = self.source.path();
        FreshBuild { source: path, builder: &self.builder, tag: bench.objects.name(tag) }.build(bench)
    }
}

/// One edit among more and more files, by `watch` and by the naive way.
pub fn curve(bench: &mut WatchBench) -> Result<Measurements> {
    let (mut ours, mut theirs) = (Points::new(), Points::new());
    for files in SIZES {
        let rounds = if files > FAST { SLOW_ROUNDS.min(bench.rounds) } else { bench.rounds };
        eprintln!("  {files} files");
        let (mine, other) = (ManyFiles::make(bench, files)?, ManyFiles::make(bench, files)?);
        let mut watch = mine.watch(bench, &format!("curve-{files}"), &[])?;
        let mut baseline = other.baseline(bench, &format!("curve-baseline-{files}"))?;
        watch.save_and_check(&mut bench.api)?;
        let (mut a, mut b) = (Vec::new(), Vec::new());
        run_rounds(rounds, |pace, start| {
            a.push(pace.turn(start, || watch.save_and_check(&mut bench.api))?.whole);
            b.push(pace.turn(start, || baseline.save_and_check(&mut bench.api))?.whole);
            Ok(())
        })?;
        for (points, times) in [(&mut ours, a), (&mut theirs, b)] {
            points.push((files as f64, Series::new(times).median().as_secs_f64()));
        }
    }
    let rise = |points: &Points| points[points.len() - 1].1 / points[0].1;
    let note = format!("the baseline {:.0} times", rise(&theirs));
    let figure = rise(&ours);
    let baseline = format!("baseline under {}", bench.trigger.name());
    bench.curves =
        vec![Curve { name: "minis2i watch".to_owned(), points: ours }, Curve { name: baseline, points: theirs }];
    Ok(vec![(Row::Curve, Measurement::plain(figure, note))])
}

/// One edit among 100,000 files: the watch, a watch of the sample pair and a fresh build take turns.
pub fn hundred_thousand(bench: &mut WatchBench) -> Result<Measurements> {
    const GROUP: &str = "One-line edit among 100,000 files";
    let many = ManyFiles::make(bench, 100_000)?;
    let (pair, source) = (SamplePair::make(bench)?, SamplePair::source()?);
    let mut large = many.watch(bench, "many-a", &[])?;
    let mut small = pair.watch(bench, &source, "many-pair")?;
    small.wait_until_ready()?;
    large.save_and_check(&mut bench.api)?;
    small.save_and_check(&mut bench.api)?;
    many.fresh(bench, "many-fresh")?;
    let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
    run_rounds(bench.rounds, |pace, start| {
        a.push(pace.turn(start, || large.save_and_check(&mut bench.api))?);
        c.push(pace.turn(start, || small.save_and_check(&mut bench.api))?);
        // A fresh build takes half a minute with what it leaves to remove.
        if b.len() < SLOW_ROUNDS {
            b.push(pace.turn(start, || many.fresh(bench, "many-fresh"))?);
        }
        Ok(())
    })?;
    bench.bars.extend([
        ChartBar::new(GROUP, "minis2i watch", &a),
        ChartBar::new(GROUP, "minis2i watch of the sample pair", &c),
        ChartBar::new(GROUP, "a fresh minis2i build", &b),
    ]);
    let whole = |saves: &[Save]| Series::new(saves.iter().map(|save| save.whole));
    let (a, b, c) = (whole(&a), whole(&b), whole(&c));
    Ok(vec![(Row::Many, Measurement::ratio(&a, &c, "")), (Row::ManyFresh, Measurement::ratio(&a, &b, ""))])
}

/// How soon a source of 100,000 files is watched, from the start of the process.
pub fn start(bench: &mut WatchBench) -> Result<Measurements> {
    let many = ManyFiles::make(bench, 100_000)?;
    let mut times = Vec::new();
    for number in 0..bench.rounds.min(5) {
        let tag = bench.objects.name(&format!("start-{number}"));
        let edit = many.edit();
        let mut watch = WatchProcess::start(many.source.path(), &many.builder, &tag, edit, &bench.objects, &[])?;
        times.push(watch.wait_until_watching()?);
        let watches = process_stats::inotify_watches(watch.pid())?;
        drop(watch);
        signals::sleep(Duration::from_secs(1))?;
        if number == 0 {
            eprintln!("  {watches} kernel watches");
        }
    }
    let times = Series::new(times);
    Ok(vec![(Row::Start, Measurement::plain(times.median().as_secs_f64(), times.summary()))])
}
