//! `minis2i watch` against the naive way to build on every save, and what it holds while it runs.

mod baseline;
mod chart;
mod child;
mod context;
mod edit;
mod fresh_build;
#[cfg(target_os = "linux")]
mod inotify_loop;
mod long_run;
mod many_files;
mod rounds;
pub mod row;
mod save;
mod save_latency;
mod sources;
mod table;
mod tag;
mod trigger;
mod watch_process;

use std::fs;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::json;

use super::engine_api::Api;
use super::engine_objects::Traces;
use super::options::Options;
use crate::{base_image, process, signals, workspace};
use chart::Contender;
use context::{Bench, Figures};
use row::Row;
use table::Finding;
use trigger::Trigger;

/// Saves that count, when nobody says.
const ROUNDS: usize = 15;

/// Where the results go.
const RESULTS: &str = "target/bench";

/// Rows that are measured together, in one series of turns.
struct Group {
    title: &'static str,
    rows: &'static [Row],
    measure: fn(&mut Bench) -> Result<Figures>,
}

const GROUPS: [Group; 7] = [
    Group { title: "sample pair", rows: &[Row::Pair, Row::Commit], measure: save_latency::pair },
    Group { title: "20,000 files", rows: &[Row::Tree, Row::Fresh], measure: save_latency::tree },
    Group { title: "save while the standby is prepared", rows: &[Row::Preparing], measure: save_latency::preparing },
    Group { title: "200 MB of artifacts", rows: &[Row::Artifacts], measure: save_latency::artifacts },
    Group { title: "many saves in a row", rows: &[Row::Endurance], measure: long_run::endurance },
    Group { title: "100,000 files", rows: &[Row::Memory, Row::Idle, Row::IdleMemory], measure: many_files::memory },
    Group { title: "100,000 ignored files", rows: &[Row::Ready], measure: many_files::ready },
];

/// Measures, prints and writes the table, and fails when a bar does not hold.
pub fn bench(options: &Options) -> Result<()> {
    base_image::ensure()?;
    process::show(&["cargo", "build", "--quiet", "--release", "--package", "minis2i"])?;
    let mut bench = Bench {
        traces: Traces::new(),
        api: Api::connect()?,
        trigger: Trigger::find(options.install)?,
        rounds: options.rounds.unwrap_or(ROUNDS),
        contenders: Vec::new(),
    };
    println!("the baseline runs under {}", bench.trigger.name());
    let mut findings = Vec::new();
    for group in GROUPS {
        if options.only.is_empty() || group.rows.iter().any(|row| options.only.contains(row)) {
            findings.extend(bench.findings(&group));
            // What was measured so far is not worth showing when somebody wants to be gone.
            signals::check()?;
        }
    }
    findings.retain(|finding| options.only.is_empty() || options.only.contains(&finding.row));
    findings.sort_by_key(|finding| Row::ALL.iter().position(|row| *row == finding.row));
    let written = bench.write(&findings);
    table::print(&findings);
    drop(bench);
    println!("{}", written?);
    match findings.iter().filter(|finding| !finding.holds()).count() {
        0 => Ok(()),
        broken => bail!("{broken} of the bars did not hold"),
    }
}

impl Bench {
    /// Measures a group. What goes wrong is part of its rows, and no matter of the others.
    fn findings(&mut self, group: &Group) -> Vec<Finding> {
        println!("{}", group.title);
        match (group.measure)(self) {
            Ok(measured) => {
                measured.into_iter().map(|(row, measured)| Finding { row, outcome: Ok(measured) }).collect()
            }
            Err(error) => {
                println!("  failed: {error:#}");
                let again = || anyhow!("{error:#}");
                group.rows.iter().map(|&row| Finding { row, outcome: Err(again()) }).collect()
            }
        }
    }

    /// Writes the results, and returns where they are.
    fn write(&self, findings: &[Finding]) -> Result<String> {
        let folder = workspace::root().join(RESULTS);
        fs::create_dir_all(&folder)?;
        let engine = process::output(&["docker", "info", "--format", "engine {{.ServerVersion}} with {{.Driver}}"])?;
        let json = json!({
            "engine": engine,
            "baseline": self.trigger.name(),
            "rounds": self.rounds,
            "rows": findings.iter().map(Finding::json).collect::<Vec<_>>(),
            "contenders": self.contenders.iter().map(Contender::json).collect::<Vec<_>>(),
        });
        let subtitle = format!(
            "Medians of {} saves from the rename of the saved file to the tag on the new image; {engine}; the baseline \
             runs under {}.",
            self.rounds,
            self.trigger.name()
        );
        let [data, page] = ["watch.json", "watch.html"].map(|name| folder.join(name));
        fs::write(&data, serde_json::to_string_pretty(&json)? + "\n").context("cannot write the results")?;
        fs::write(&page, chart::page(&subtitle, findings, &self.contenders)).context("cannot write the chart")?;
        Ok(format!("written: {RESULTS}/watch.json, {RESULTS}/watch.html"))
    }
}
