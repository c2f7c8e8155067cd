//! Speed and memory, side by side with the naive way. Limits on wall-clock time live here only, never in tests.

mod build;
mod builder_image;
mod engine_api;
mod engine_objects;
mod measure;
mod options;
mod private_engine;
mod process_stats;
mod watch;

use anyhow::{Context, Result, bail};

use crate::signals;
use options::Options;

/// The task: measures one command.
pub fn task(args: &[String]) -> Result<()> {
    let (what, rest) = args.split_first().context("bench what? `cargo xtask bench build` or `... watch`")?;
    if what == watch::BASELINE {
        return watch::baseline_build(rest);
    }
    let bench = match what.as_str() {
        "build" => build::bench,
        "watch" => watch::bench,
        _ => bail!("no bench `{what}`; there are `build` and `watch`"),
    };
    let options = Options::parse(what, rest)?;
    signals::catch()?;
    // Where the engine in use hides what is measured, an engine of our own runs this once more.
    if !options.engine_as_is && private_engine::took_over(what, rest)? {
        return Ok(());
    }
    bench(&options)
}

/// One line of the table.
struct Row {
    what: &'static str,
    /// Minis2i.
    a: String,
    /// The naive way.
    b: String,
    figure: String,
    bar: Option<Bar>,
}

/// What a figure must not exceed.
struct Bar {
    limit: String,
    holds: bool,
}

impl Row {
    /// The words of its cells.
    fn cells(&self) -> [&str; 6] {
        let (limit, holds) = match &self.bar {
            Some(Bar { limit, holds: true }) => (limit.as_str(), "yes"),
            Some(Bar { limit, holds: false }) => (limit.as_str(), "NO"),
            None => ("", ""),
        };
        [self.what, &self.a, &self.b, &self.figure, limit, holds]
    }
}

/// Prints the table.
///
/// # Errors
/// When a bar does not hold.
fn conclude(rows: &[Row]) -> Result<()> {
    let mut lines = vec![["what", "A: minis2i", "B: naive", "ratio", "bar", "holds"]];
    lines.extend(rows.iter().map(Row::cells));
    let widths: [usize; 6] = std::array::from_fn(|column| widest(&lines, column));
    println!();
    for line in &lines {
        let padded = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        println!("{}", padded.collect::<Vec<_>>().join("  ").trim_end());
    }
    println!("(median (least to most) of turns taken A B A B)");
    let broken = rows.iter().filter(|row| row.bar.as_ref().is_some_and(|bar| !bar.holds)).count();
    if broken > 0 {
        bail!("{broken} of the bars did not hold");
    }
    Ok(())
}

fn widest(lines: &[[&str; 6]], column: usize) -> usize {
    lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0)
}
