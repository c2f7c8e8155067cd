//! The table of `bench build`.

use anyhow::{Result, bail};

use crate::bench::series::Series;

/// One line of the table.
pub struct Line {
    pub what: &'static str,
    /// Minis2i.
    pub a: String,
    /// What it is compared with.
    pub b: String,
    pub figure: String,
    pub limit: Option<Limit>,
}

/// What a figure must not exceed.
pub struct Limit {
    pub text: String,
    pub holds: bool,
}

impl Line {
    /// The words of its cells.
    fn cells(&self) -> [&str; 6] {
        let (limit, holds) = match &self.limit {
            Some(Limit { text, holds: true }) => (text.as_str(), "yes"),
            Some(Limit { text, holds: false }) => (text.as_str(), "NO"),
            None => ("", ""),
        };
        [self.what, &self.a, &self.b, &self.figure, limit, holds]
    }
}

/// Prints the table; `beside` is the head of the second column of figures.
///
/// # Errors
/// When a figure exceeds its limit.
pub fn print_and_check(lines: &[Line], beside: &str) -> Result<()> {
    let mut cells = vec![["what", "A: minis2i", beside, "ratio", "bar", "holds"]];
    cells.extend(lines.iter().map(Line::cells));
    let widths: [usize; 6] = std::array::from_fn(|column| widest(&cells, column));
    println!();
    for line in &cells {
        let padded = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        println!("{}", padded.collect::<Vec<_>>().join("  ").trim_end());
    }
    println!("(median (least to most) of turns taken A B A B)");
    let broken = lines.iter().filter(|line| line.limit.as_ref().is_some_and(|limit| !limit.holds)).count();
    if broken > 0 {
        bail!("{broken} of the bars did not hold");
    }
    Ok(())
}

fn widest(lines: &[[&str; 6]], column: usize) -> usize {
    lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0)
}

/// Compares the medians of two series; `at_most` is the limit of their ratio, if there is one.
pub fn compare(what: &'static str, a: &Series, b: &Series, at_most: Option<f64>) -> Line {
    let ratio = a.median().as_secs_f64() / b.median().as_secs_f64();
    let limit = at_most.map(|at_most| Limit { text: format!("at most {at_most:.2}"), holds: ratio <= at_most });
    Line { what, a: a.summary(), b: b.summary(), figure: format!("{ratio:.2}"), limit }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Series, compare};

    #[test]
    fn a_ratio_may_be_at_its_limit() {
        let series = |millis| Series::new([Duration::from_millis(millis)]);
        let holds =
            |millis| compare("", &series(millis), &series(1000), Some(0.65)).limit.is_some_and(|limit| limit.holds);
        assert!(holds(650) && !holds(651));
    }
}
