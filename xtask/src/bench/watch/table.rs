//! The table: what is measured, what it must not exceed, and whether it does.

use anyhow::Result;
use serde_json::{Value, json};

use crate::bench::series::Series;

/// What is measured. The order is that of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    Pair,
    Commit,
    Tree,
    Fresh,
    Preparing,
    Artifacts,
    Endurance,
    Memory,
    Ready,
    Idle,
    IdleMemory,
}

/// How a figure is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Ratio,
    Seconds,
    Mebibytes,
    /// Of processor time, a hundredth of a second each.
    Ticks,
    /// Things of which there are more than before.
    More,
}

impl Row {
    pub const ALL: [Self; 11] = [
        Self::Pair,
        Self::Commit,
        Self::Tree,
        Self::Fresh,
        Self::Preparing,
        Self::Artifacts,
        Self::Endurance,
        Self::Memory,
        Self::Ready,
        Self::Idle,
        Self::IdleMemory,
    ];

    /// What `--only` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pair => "pair",
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Fresh => "fresh",
            Self::Preparing => "preparing",
            Self::Artifacts => "artifacts",
            Self::Endurance => "endurance",
            Self::Memory => "memory",
            Self::Ready => "ready",
            Self::Idle => "idle",
            Self::IdleMemory => "idle-memory",
        }
    }

    pub fn what(self) -> &'static str {
        match self {
            Self::Pair => "sample pair: watch / baseline on every save",
            Self::Commit => "sample pair: (save to tag - settle - assemble) / bare `docker commit`",
            Self::Tree => "one-line edit among 20,000 files: watch / watch of the sample pair",
            Self::Fresh => "the same edit: watch / a fresh `minis2i build`",
            Self::Preparing => "save while the standby is prepared / a fresh incremental build",
            Self::Artifacts => "200 MB of artifacts / none, both without the commit",
            Self::Endurance => "saves in a row: kinds of things that grew",
            Self::Memory => "100,000 files: most memory",
            Self::Ready => "100,000 ignored files: start to watching",
            Self::Idle => "100,000 files: processor time while idle",
            Self::IdleMemory => "100,000 files: memory while idle",
        }
    }

    /// What must not be exceeded, and what we would rather not exceed.
    fn limits(self) -> (f64, Option<f64>) {
        match self {
            Self::Pair => (0.25, Some(0.18)),
            Self::Commit => (1.8, Some(1.4)),
            Self::Tree => (2.5, Some(1.5)),
            Self::Fresh => (0.15, Some(0.08)),
            Self::Preparing => (1.1, Some(1.0)),
            Self::Artifacts => (1.3, Some(1.1)),
            Self::Endurance | Self::Idle => (0.0, None),
            Self::Memory => (60.0, Some(40.0)),
            Self::Ready => (1.0, None),
            Self::IdleMemory => (30.0, None),
        }
    }

    fn unit(self) -> Unit {
        match self {
            Self::Endurance => Unit::More,
            Self::Memory | Self::IdleMemory => Unit::Mebibytes,
            Self::Ready => Unit::Seconds,
            Self::Idle => Unit::Ticks,
            _ => Unit::Ratio,
        }
    }

    /// Whether a figure keeps to a limit; "under" excludes the limit, "at most" does not.
    fn keeps(self, figure: f64, limit: f64) -> bool {
        match self.unit() {
            Unit::Seconds | Unit::Mebibytes => figure < limit,
            Unit::Ratio | Unit::Ticks | Unit::More => figure <= limit,
        }
    }
}

impl Unit {
    fn write(self, figure: f64) -> String {
        match self {
            Self::Ratio => format!("{figure:.2}"),
            Self::Seconds => format!("{figure:.2} s"),
            Self::Mebibytes => format!("{figure:.0} MiB"),
            Self::Ticks => format!("{figure:.0} ticks"),
            Self::More => format!("{figure:.0}"),
        }
    }
}

/// What a row came to.
pub struct Finding {
    pub row: Row,
    pub outcome: Result<Measured>,
}

/// A figure and what it was made of.
pub struct Measured {
    pub figure: f64,
    /// The two sides of a ratio, or nothing.
    pub sides: Vec<Side>,
    /// What else is worth knowing.
    pub note: String,
}

/// One side of a ratio, in seconds.
pub struct Side {
    pub median: f64,
    pub range: [f64; 2],
}

impl Side {
    pub fn new(series: &Series) -> Self {
        Self { median: series.median().as_secs_f64(), range: series.range().map(|time| time.as_secs_f64()) }
    }
}

impl Measured {
    /// The ratio of the medians of two series.
    pub fn ratio(a: &Series, b: &Series, note: impl Into<String>) -> Self {
        let figure = a.median().as_secs_f64() / b.median().as_secs_f64();
        Self { figure, sides: vec![Side::new(a), Side::new(b)], note: note.into() }
    }

    pub fn plain(figure: f64, note: impl Into<String>) -> Self {
        Self { figure, sides: Vec::new(), note: note.into() }
    }
}

/// The heads of the columns that [`Finding::cells`] fills.
pub const HEADS: [&str; 8] = ["row", "what", "A", "B", "figure", "bar", "beyond", "note"];

impl Finding {
    /// Whether the bar holds; a row that could not be measured does not.
    pub fn holds(&self) -> bool {
        self.outcome.as_ref().is_ok_and(|measured| self.row.keeps(measured.figure, self.row.limits().0))
    }

    fn holds_beyond(&self) -> Option<bool> {
        let (measured, beyond) = (self.outcome.as_ref().ok()?, self.row.limits().1?);
        Some(self.row.keeps(measured.figure, beyond))
    }

    /// The words of its line.
    pub fn cells(&self) -> [String; 8] {
        let (unit, (bar, beyond)) = (self.row.unit(), self.row.limits());
        let limit = |limit: f64, holds: bool| format!("{} {}", unit.write(limit), if holds { "yes" } else { "NO" });
        let beyond = match (beyond, self.holds_beyond()) {
            (Some(beyond), Some(holds)) => limit(beyond, holds),
            _ => String::new(),
        };
        let (sides, figure, note) = match &self.outcome {
            Ok(measured) => (&measured.sides[..], unit.write(measured.figure), measured.note.clone()),
            Err(error) => (&[][..], "-".to_owned(), format!("error: {error:#}").replace('\n', " ")),
        };
        let side = |side: Option<&Side>| side.map(Side::write).unwrap_or_default();
        let [name, what] = [self.row.name(), self.row.what()].map(str::to_owned);
        [name, what, side(sides.first()), side(sides.get(1)), figure, limit(bar, self.holds()), beyond, note]
    }

    pub fn json(&self) -> Value {
        let (bar, beyond) = self.row.limits();
        let measured = self.outcome.as_ref().ok();
        let side = |at: usize| {
            let side = measured?.sides.get(at)?;
            Some(json!({"median": side.median, "least": side.range[0], "most": side.range[1]}))
        };
        json!({
            "row": self.row.name(),
            "what": self.row.what(),
            "a_seconds": side(0),
            "b_seconds": side(1),
            "figure": measured.map(|measured| measured.figure),
            "unit": match self.row.unit() {
                Unit::Ratio => "ratio",
                Unit::Seconds => "s",
                Unit::Mebibytes => "MiB",
                Unit::Ticks => "ticks",
                Unit::More => "count",
            },
            "bar": bar,
            "holds": self.holds(),
            "beyond": beyond,
            "holds_beyond": self.holds_beyond(),
            "note": measured.map(|measured| &measured.note),
            "error": self.outcome.as_ref().err().map(|error| format!("{error:#}")),
        })
    }
}

impl Side {
    fn write(&self) -> String {
        let [least, most] = self.range;
        format!("{:.3} s ({least:.3} to {most:.3})", self.median)
    }
}

/// Prints the table.
pub fn print(findings: &[Finding]) {
    let mut lines = vec![HEADS.map(str::to_owned)];
    lines.extend(findings.iter().map(Finding::cells));
    let widest = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 8] = std::array::from_fn(widest);
    println!();
    for line in &lines {
        let padded = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        println!("{}", padded.collect::<Vec<_>>().join("  ").trim_end());
    }
    println!("(A and B are the two sides of a ratio: median (least to most) of turns taken one after the other)");
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::{Finding, Measured, Row};

    fn finding(row: Row, figure: f64) -> Finding {
        Finding { row, outcome: Ok(Measured::plain(figure, "")) }
    }

    #[test]
    fn a_ratio_may_be_at_its_bar_and_memory_must_be_under_it() {
        assert!(finding(Row::Pair, 0.25).holds() && !finding(Row::Pair, 0.251).holds());
        assert!(finding(Row::Memory, 59.9).holds() && !finding(Row::Memory, 60.0).holds());
        assert!(finding(Row::Endurance, 0.0).holds() && !finding(Row::Endurance, 1.0).holds());
    }

    #[test]
    fn beyond_is_told_beside_the_bar() {
        let cells = finding(Row::Pair, 0.2).cells();
        assert_eq!((cells[5].as_str(), cells[6].as_str()), ("0.25 yes", "0.18 NO"));
    }

    #[test]
    fn a_row_that_failed_does_not_hold_and_says_why() {
        let finding = Finding { row: Row::Ready, outcome: Err(anyhow!("no engine").context("cannot start")) };
        assert!(!finding.holds());
        assert_eq!(finding.cells()[7], "error: cannot start: no engine");
        assert_eq!(finding.json()["error"], "cannot start: no engine");
    }
}
