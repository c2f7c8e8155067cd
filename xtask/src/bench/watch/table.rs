//! The table: what was measured, and whether it holds.

use anyhow::Result;
use serde_json::{Value, json};

use super::row::{Row, Unit};
use crate::bench::series::Series;

/// What was measured for a row, or why it could not be.
pub struct RowResult {
    pub row: Row,
    pub outcome: Result<Measurement>,
}

/// A figure and what it was made of.
pub struct Measurement {
    pub figure: f64,
    /// The two sides of a ratio, or nothing.
    pub sides: Vec<RatioSide>,
    /// What else is worth knowing.
    pub note: String,
}

/// One side of a ratio, in seconds.
pub struct RatioSide {
    pub median: f64,
    pub range: [f64; 2],
}

impl RatioSide {
    pub fn new(series: &Series) -> Self {
        Self { median: series.median().as_secs_f64(), range: series.range().map(|time| time.as_secs_f64()) }
    }
}

impl Measurement {
    /// The ratio of the medians of two series.
    pub fn ratio(a: &Series, b: &Series, note: impl Into<String>) -> Self {
        let figure = a.median().as_secs_f64() / b.median().as_secs_f64();
        Self { figure, sides: vec![RatioSide::new(a), RatioSide::new(b)], note: note.into() }
    }

    pub fn plain(figure: f64, note: impl Into<String>) -> Self {
        Self { figure, sides: Vec::new(), note: note.into() }
    }
}

/// The heads of the columns that [`RowResult::cells`] fills.
pub const HEADS: [&str; 8] = ["row", "what", "A", "B", "figure", "bar", "beyond", "note"];

impl RowResult {
    /// Whether the bar holds; a row that could not be measured does not.
    pub fn holds(&self) -> bool {
        self.outcome.as_ref().is_ok_and(|measured| self.row.is_within(measured.figure, self.row.limits().0))
    }

    fn holds_beyond(&self) -> Option<bool> {
        let (measured, beyond) = (self.outcome.as_ref().ok()?, self.row.limits().1?);
        Some(self.row.is_within(measured.figure, beyond))
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
        let side = |side: Option<&RatioSide>| side.map(RatioSide::write).unwrap_or_default();
        let [name, what] = [self.row.name(), self.row.description()].map(str::to_owned);
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
            "what": self.row.description(),
            "a_seconds": side(0),
            "b_seconds": side(1),
            "figure": measured.map(|measured| measured.figure),
            "unit": match self.row.unit() {
                Unit::Ratio => "ratio",
                Unit::Seconds => "s",
                Unit::Mebibytes => "MiB",
                Unit::Ticks => "ticks",
                Unit::GrownKinds => "count",
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

impl RatioSide {
    fn write(&self) -> String {
        let [least, most] = self.range;
        format!("{:.3} s ({least:.3} to {most:.3})", self.median)
    }
}

/// Prints the table.
pub fn print(results: &[RowResult]) {
    let mut lines = vec![HEADS.map(str::to_owned)];
    lines.extend(results.iter().map(RowResult::cells));
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

    use super::{Measurement, Row, RowResult};

    fn result(row: Row, figure: f64) -> RowResult {
        RowResult { row, outcome: Ok(Measurement::plain(figure, "")) }
    }

    #[test]
    fn a_ratio_may_be_at_its_bar_and_memory_must_be_under_it() {
        assert!(result(Row::Pair, 0.25).holds() && !result(Row::Pair, 0.251).holds());
        assert!(result(Row::Memory, 59.9).holds() && !result(Row::Memory, 60.0).holds());
        assert!(result(Row::Endurance, 0.0).holds() && !result(Row::Endurance, 1.0).holds());
    }

    #[test]
    fn beyond_is_told_beside_the_bar() {
        let cells = result(Row::Pair, 0.2).cells();
        assert_eq!((cells[5].as_str(), cells[6].as_str()), ("0.25 yes", "0.18 NO"));
    }

    #[test]
    fn a_row_that_failed_does_not_hold_and_says_why() {
        let result = RowResult { row: Row::Ready, outcome: Err(anyhow!("no engine").context("cannot start")) };
        assert!(!result.holds());
        assert_eq!(result.cells()[7], "error: cannot start: no engine");
        assert_eq!(result.json()["error"], "cannot start: no engine");
    }
}
