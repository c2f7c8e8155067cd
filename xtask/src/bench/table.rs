//! The table: what was measured, and whether it holds.

use anyhow::Result;
use serde_json::{Value, json};

use super::bar::{Bar, Unit};
use super::series::Series;

/// What is measured, and what it must keep to.
#[derive(Clone, Copy, Debug)]
pub struct RowInfo {
    /// What `--only` calls it.
    pub name: &'static str,
    pub description: &'static str,
    pub unit: Unit,
    /// Without one, the figure is for information.
    pub bar: Option<Bar>,
    /// The tighter limit that is aimed at.
    pub beyond: Option<Bar>,
}

/// What was measured for a row, or why it could not be.
pub struct RowResult {
    pub row: RowInfo,
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

    /// How fast A is in relation to B, from the times that the same work took both.
    pub fn speed(a: &Series, b: &Series, note: impl Into<String>) -> Self {
        let Self { figure, sides, note } = Self::ratio(a, b, note);
        Self { figure: 1.0 / figure, sides, note }
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
        self.outcome.as_ref().is_ok_and(|measured| self.row.bar.is_none_or(|bar| bar.holds(measured.figure)))
    }

    fn holds_beyond(&self) -> Option<bool> {
        let (measured, beyond) = (self.outcome.as_ref().ok()?, self.row.beyond?);
        Some(beyond.holds(measured.figure))
    }

    /// The words of its line.
    pub fn cells(&self) -> [String; 8] {
        let unit = self.row.unit;
        let bar = self.row.bar.map(|bar| bar.write(unit, self.holds())).unwrap_or_default();
        let beyond = self.row.beyond.zip(self.holds_beyond());
        let beyond = beyond.map(|(beyond, holds)| beyond.write(unit, holds)).unwrap_or_default();
        let (sides, figure, note) = match &self.outcome {
            Ok(measured) => (&measured.sides[..], unit.write(measured.figure), measured.note.clone()),
            Err(error) => (&[][..], "-".to_owned(), format!("error: {error:#}").replace('\n', " ")),
        };
        let side = |side: Option<&RatioSide>| side.map(RatioSide::write).unwrap_or_default();
        let [name, what] = [self.row.name, self.row.description].map(str::to_owned);
        [name, what, side(sides.first()), side(sides.get(1)), figure, bar, beyond, note]
    }

    pub fn json(&self) -> Value {
        let measured = self.outcome.as_ref().ok();
        let side = |at: usize| {
            let side = measured?.sides.get(at)?;
            Some(json!({"median": side.median, "least": side.range[0], "most": side.range[1]}))
        };
        json!({
            "row": self.row.name,
            "what": self.row.description,
            "a_seconds": side(0),
            "b_seconds": side(1),
            "figure": measured.map(|measured| measured.figure),
            "unit": self.row.unit.name(),
            "bar": self.row.bar.map(Bar::limit),
            "holds": self.holds(),
            "beyond": self.row.beyond.map(Bar::limit),
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
    use std::time::Duration;

    use anyhow::anyhow;

    use super::{Bar, Measurement, RowInfo, RowResult, Series, Unit};

    fn row(bar: Option<Bar>, beyond: Option<Bar>) -> RowInfo {
        RowInfo { name: "row", description: "what", unit: Unit::Ratio, bar, beyond }
    }

    fn result(row: RowInfo, figure: f64) -> RowResult {
        RowResult { row, outcome: Ok(Measurement::plain(figure, "")) }
    }

    #[test]
    fn a_row_without_a_bar_holds() {
        let result = result(row(None, None), 9.0);
        assert!(result.holds());
        assert_eq!((result.cells()[5].as_str(), &result.json()["bar"]), ("", &serde_json::Value::Null));
    }

    #[test]
    fn beyond_is_told_beside_the_bar() {
        let cells = result(row(Some(Bar::AtMost(0.25)), Some(Bar::AtMost(0.18))), 0.2).cells();
        assert_eq!((cells[5].as_str(), cells[6].as_str()), ("<= 0.25 met", "<= 0.18 MISSED"));
    }

    #[test]
    fn a_row_that_failed_does_not_hold_and_says_why() {
        let error = anyhow!("no engine").context("cannot start");
        let result = RowResult { row: row(None, None), outcome: Err(error) };
        assert!(!result.holds());
        assert_eq!(result.cells()[7], "error: cannot start: no engine");
        assert_eq!(result.json()["error"], "cannot start: no engine");
    }

    #[test]
    fn half_the_time_is_twice_the_speed() {
        let series = |millis| Series::new([Duration::from_millis(millis)]);
        let measured = Measurement::speed(&series(500), &series(1000), "");
        assert_eq!(measured.figure, 2.0);
    }
}
