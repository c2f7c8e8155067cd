//! `minis2i watch` against the naive way to build on every save, and what it holds while it runs.

mod baseline;
mod beside_work;
mod bulk;
mod child;
pub mod context;
mod curve;
pub mod edit;
mod fresh_build;
#[cfg(target_os = "linux")]
mod inotify_loop;
mod long_run;
mod many_files;
pub mod on_save;
pub mod remote;
pub mod rounds;
pub mod row;
mod save_latency;
pub mod sources;
pub mod tag;
pub mod trigger;
pub mod watch_process;

use std::fs;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::json;

use super::chart::{self, ChartBar};
use super::curve_chart::Curve;
use super::engine_api::EngineApi;
use super::engine_objects::EngineObjects;
use super::options::Options;
use super::table::{self, RowResult};
use crate::{base_image, process, program, signals, workspace};
use context::{Measurements, WatchBench};
use row::Row;
use trigger::Trigger;

/// How many saves count by default: an odd number, so that one of them is the median.
const ROUNDS: usize = 15;

/// Where the results go.
const RESULTS: &str = "target/bench";

/// Rows that are measured together, in one series of turns.
struct Group {
    title: &'static str,
    rows: &'static [Row],
    measure: fn(&mut WatchBench) -> Result<Measurements>,
}

const GROUPS: [Group; 15] = [
    Group { title: "sample pair", rows: &[Row::Pair, Row::Commit], measure: save_latency::sample_pair },
    Group { title: "20,000 files", rows: &[Row::Tree, Row::Fresh], measure: save_latency::large_source },
    Group {
        title: "save while the standby is prepared",
        rows: &[Row::Preparing],
        measure: save_latency::during_preparation,
    },
    Group { title: "200 MB of artifacts", rows: &[Row::Artifacts], measure: save_latency::artifacts },
    Group { title: "many saves in a row", rows: &[Row::Endurance], measure: long_run::endurance },
    Group { title: "100,000 files", rows: &[Row::Memory, Row::Idle, Row::IdleMemory], measure: many_files::memory },
    Group { title: "100,000 files, an edit", rows: &[Row::Many, Row::ManyFresh], measure: curve::hundred_thousand },
    Group { title: "100,000 files, start", rows: &[Row::Start], measure: curve::start },
    Group { title: "bursts of new files", rows: &[Row::Burst], measure: bulk::bursts },
    Group { title: "git checkout", rows: &[Row::Checkout], measure: bulk::checkout },
    Group { title: "two watches", rows: &[Row::Two], measure: beside_work::two_watches },
    Group { title: "save right after a build", rows: &[Row::Soon], measure: beside_work::after_a_build },
    Group { title: "silent `save-artifacts`", rows: &[Row::Silent], measure: beside_work::silent_save_artifacts },
    Group { title: "1 to 100,000 files", rows: &[Row::Curve], measure: curve::curve },
    Group { title: "100,000 ignored files", rows: &[Row::Ready], measure: many_files::ready },
];

/// Measures, prints and writes the table, and fails when a bar does not hold.
pub fn bench(options: &Options) -> Result<()> {
    base_image::ensure()?;
    program::build(false)?;
    let mut bench = WatchBench {
        objects: EngineObjects::new(),
        api: EngineApi::connect()?,
        trigger: Trigger::find(options.install)?,
        rounds: options.rounds.unwrap_or(ROUNDS),
        bars: Vec::new(),
        curves: Vec::new(),
    };
    println!("the baseline runs under {}", bench.trigger.name());
    let mut results = Vec::new();
    for group in GROUPS {
        if options.only.is_empty() || group.rows.iter().any(|row| options.only.contains(row)) {
            results.extend(bench.results(&group));
            // After a signal the table is not printed: leaving soon matters more.
            signals::check()?;
        }
    }
    let is_wanted = |row: &Row| options.only.is_empty() || options.only.contains(row);
    results.retain(|result| Row::ALL.iter().any(|row| row.name() == result.row.name && is_wanted(row)));
    results.sort_by_key(|result| Row::ALL.iter().position(|row| row.name() == result.row.name));
    let written = bench.write(&results);
    table::print(&results);
    drop(bench);
    println!("{}", written?);
    match results.iter().filter(|result| !result.holds()).count() {
        0 => Ok(()),
        broken => bail!("{broken} of the bars did not hold"),
    }
}

impl WatchBench {
    /// Measures a group. What goes wrong is part of its rows, and no matter of the others.
    fn results(&mut self, group: &Group) -> Vec<RowResult> {
        println!("{}", group.title);
        match (group.measure)(self) {
            Ok(measured) => {
                let result = |(row, measured): (Row, _)| RowResult { row: row.info(), outcome: Ok(measured) };
                measured.into_iter().map(result).collect()
            }
            Err(error) => {
                println!("  failed: {error:#}");
                let again = || anyhow!("{error:#}");
                group.rows.iter().map(|row| RowResult { row: row.info(), outcome: Err(again()) }).collect()
            }
        }
    }

    /// Writes the results, and returns where they are.
    fn write(&self, results: &[RowResult]) -> Result<String> {
        let folder = workspace::root().join(RESULTS);
        fs::create_dir_all(&folder)?;
        let engine = process::output(&["docker", "info", "--format", "engine {{.ServerVersion}} with {{.Driver}}"])?;
        let json = json!({
            "engine": engine,
            "baseline": self.trigger.name(),
            "rounds": self.rounds,
            "rows": results.iter().map(RowResult::json).collect::<Vec<_>>(),
            "contenders": self.bars.iter().map(ChartBar::json).collect::<Vec<_>>(),
            "curves": self.curves.iter().map(Curve::json).collect::<Vec<_>>(),
        });
        let subtitle = format!(
            "Medians of {} saves from the rename of the saved file to the tag on the new image; {engine}; the baseline \
             runs under {}.",
            self.rounds,
            self.trigger.name()
        );
        let [data, page] = ["watch.json", "watch.html"].map(|name| folder.join(name));
        fs::write(&data, serde_json::to_string_pretty(&json)? + "\n").context("cannot write the results")?;
        fs::write(&page, chart::page("watch", &subtitle, results, &self.bars, &self.curves))
            .context("cannot write the chart")?;
        Ok(format!("written: {RESULTS}/watch.json, {RESULTS}/watch.html"))
    }
}
