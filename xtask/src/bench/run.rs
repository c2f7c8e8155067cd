//! `minis2i watch --run` against starting the app anew by hand: how soon a save is seen, what clients notice of it, and what
//! the way through our forwarder costs.

mod answered_save;
mod application;
mod context;
mod http;
mod idle;
mod load;
mod outcome;
mod restarted_app;
pub mod row;
mod save_to_answer;
mod steady;
mod steady_client;
mod throughput;
mod watched_app;

use std::fs;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::json;

use super::chart::{self, ChartBar};
use super::engine_api::EngineApi;
use super::engine_objects::EngineObjects;
use super::options::Options;
use super::table::{self, RowResult};
use super::watch::context::WatchBench;
use super::watch::trigger::Trigger;
use crate::{base_image, process, program, signals, workspace};
use application::Application;
use context::{Measurements, RunBench};
use row::Row;

/// How many turns count by default: an odd number, so that one of them is the median.
const ROUNDS: usize = 11;

/// Through how many saves a client asks all the time, by default.
const SAVES: usize = 50;

/// Where the results go.
const RESULTS: &str = "target/bench";

/// Rows that are measured together.
struct Group {
    title: &'static str,
    rows: &'static [Row],
    measure: fn(&mut RunBench) -> Result<Measurements>,
}

const GROUPS: [Group; 4] = [
    Group {
        title: "from a save to an answer",
        rows: &[Row::Save, Row::Start, Row::SameTag, Row::Naive],
        measure: save_to_answer::measure,
    },
    Group { title: "a client that asks all the time", rows: &[Row::Failures], measure: steady::measure },
    Group { title: "through the forwarder", rows: &[Row::Downloads, Row::Requests], measure: throughput::measure },
    Group { title: "1,000 idle connections", rows: &[Row::Idle, Row::IdleFiles], measure: idle::measure },
];

/// Measures, prints and writes the table, and fails when a bar does not hold.
pub fn bench(options: &Options) -> Result<()> {
    base_image::ensure()?;
    program::build(false)?;
    let mut watch = WatchBench {
        objects: EngineObjects::new(),
        api: EngineApi::connect()?,
        trigger: Trigger::find(options.install)?,
        rounds: options.rounds.unwrap_or(ROUNDS),
        bars: Vec::new(),
        curves: Vec::new(),
    };
    println!("the baseline runs under {}", watch.trigger.name());
    let application = Application::make(&mut watch)?;
    let mut bench = RunBench { watch, application, saves: options.saves.unwrap_or(SAVES) };
    let is_wanted = |row: &Row| options.run_rows.is_empty() || options.run_rows.contains(row);
    let mut results = Vec::new();
    for group in GROUPS.iter().filter(|group| group.rows.iter().any(is_wanted)) {
        let measured = bench.results(group);
        results.extend(measured.into_iter().filter(|(row, _)| is_wanted(row)).map(|(_, result)| result));
        // After a signal the table is not printed: leaving soon matters more.
        signals::check()?;
    }
    let written = bench.write(&results);
    table::print(&results);
    drop(bench);
    println!("{}", written?);
    match results.iter().filter(|result| !result.holds()).count() {
        0 => Ok(()),
        broken => bail!("{broken} of the bars did not hold"),
    }
}

impl RunBench {
    /// Measures a group. What goes wrong is part of its rows, and no matter of the others.
    fn results(&mut self, group: &Group) -> Vec<(Row, RowResult)> {
        println!("{}", group.title);
        let result = |row: Row, outcome| (row, RowResult { row: row.info(), outcome });
        match (group.measure)(self) {
            Ok(measured) => {
                for (row, measured) in &measured {
                    println!("  {}: {}; {}", row.name(), row.info().unit.write(measured.figure), measured.note);
                }
                measured.into_iter().map(|(row, measured)| result(row, Ok(measured))).collect()
            }
            Err(error) => {
                println!("  failed: {error:#}");
                group.rows.iter().map(|row| result(*row, Err(anyhow!("{error:#}")))).collect()
            }
        }
    }

    /// Writes the results, and returns where they are.
    fn write(&self, results: &[RowResult]) -> Result<String> {
        let folder = workspace::root().join(RESULTS);
        fs::create_dir_all(&folder)?;
        let engine = process::output(&["docker", "info", "--format", "engine {{.ServerVersion}} with {{.Driver}}"])?;
        let (rounds, trigger) = (self.watch.rounds, self.watch.trigger.name());
        let json = json!({
            "engine": engine,
            "baseline": trigger,
            "rounds": rounds,
            "saves": self.saves,
            "rows": results.iter().map(RowResult::json).collect::<Vec<_>>(),
            "contenders": self.watch.bars.iter().map(ChartBar::json).collect::<Vec<_>>(),
        });
        let subtitle = format!(
            "Medians of {rounds} saves from the rename of the saved file to the first answer with the new content; {engine}; \
             the baselines run under {trigger}."
        );
        let [data, page] = ["run.json", "run.html"].map(|name| folder.join(name));
        fs::write(&data, serde_json::to_string_pretty(&json)? + "\n").context("cannot write the results")?;
        let html = chart::page("run", &subtitle, results, &self.watch.bars, &[]);
        fs::write(&page, html).context("cannot write the chart")?;
        Ok(format!("written: {RESULTS}/run.json, {RESULTS}/run.html"))
    }
}
