//! How often what was done, and whether that was enough and all went well.

use super::finding::Kind;

/// How much of everything a run of half an hour must have.
const OPERATIONS: u64 = 10_000;
const KILLS: u64 = 300;
const CLI_FAULTS: u64 = 300;
const MINUTES: f64 = 30.0;

/// What was done, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub operations: u64,
    pub builds: u64,
    pub builds_ok: u64,
    pub builds_failed: u64,
    pub with_standby: u64,
    pub watches: u64,
    pub kills: u64,
    pub signals: u64,
    pub freezes: u64,
    pub cli_faults: u64,
    pub daemon_stops: u64,
    pub containers_removed: u64,
    pub tags_moved: u64,
    pub builders_changed: u64,
    /// How often an image was held against a fresh build.
    pub compared: u64,
    /// How often a watch that lived for a minute was looked at again.
    pub measured: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Self) {
        let Self { operations, builds, builds_ok, builds_failed, with_standby, watches, kills, signals, .. } = self;
        let pairs = [
            (operations, other.operations),
            (builds, other.builds),
            (builds_ok, other.builds_ok),
            (builds_failed, other.builds_failed),
            (with_standby, other.with_standby),
            (watches, other.watches),
            (kills, other.kills),
            (signals, other.signals),
            (&mut self.freezes, other.freezes),
            (&mut self.cli_faults, other.cli_faults),
            (&mut self.daemon_stops, other.daemon_stops),
            (&mut self.containers_removed, other.containers_removed),
            (&mut self.tags_moved, other.tags_moved),
            (&mut self.builders_changed, other.builders_changed),
            (&mut self.compared, other.compared),
            (&mut self.measured, other.measured),
        ];
        for (sum, more) in pairs {
            *sum += more;
        }
    }
}

/// A line of the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub what: &'static str,
    pub count: u64,
    pub bar: Option<Bar>,
}

/// What a count must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    AtLeast(u64),
    None,
}

impl Line {
    pub fn holds(&self) -> bool {
        match self.bar {
            Some(Bar::AtLeast(least)) => self.count >= least,
            Some(Bar::None) => self.count == 0,
            None => true,
        }
    }
}

/// The share of the bars that a run of this length must reach: all of them after half an hour.
pub fn share(minutes: f64, operations: Option<u64>) -> f64 {
    let share = match operations {
        Some(operations) => operations as f64 / OPERATIONS as f64,
        None => minutes / MINUTES,
    };
    share.min(1.0)
}

/// The lines of the result, with the bars of a run of that share.
pub fn lines(tally: &Tally, findings: &[Kind], share: f64) -> Vec<Line> {
    let plain = |what, count| Line { what, count, bar: None };
    let least = |what, count, all: u64| Line { what, count, bar: Some(Bar::AtLeast((all as f64 * share) as u64)) };
    let mut lines = vec![
        least("operations", tally.operations, OPERATIONS),
        plain("builds", tally.builds),
        plain("builds that were good", tally.builds_ok),
        plain("builds that failed", tally.builds_failed),
        plain("builds in a standby", tally.with_standby),
        plain("watches started", tally.watches),
        least("watches killed", tally.kills, KILLS),
        plain("watches ended by a signal", tally.signals),
        plain("watches stopped and continued", tally.freezes),
        least("faults of the CLI", tally.cli_faults, CLI_FAULTS),
        plain("daemon stopped and continued", tally.daemon_stops),
        plain("containers removed by others", tally.containers_removed),
        plain("tags moved by others", tally.tags_moved),
        plain("builders changed", tally.builders_changed),
        plain("images held against a fresh build", tally.compared),
        plain("looks at what a watch holds", tally.measured),
    ];
    for kind in Kind::ALL {
        let count = findings.iter().filter(|found| **found == kind).count() as u64;
        lines.push(Line { what: kind.name(), count, bar: Some(Bar::None) });
    }
    lines
}

/// The table as text.
pub fn table(lines: &[Line]) -> String {
    let row = |line: &Line| {
        let bar = match line.bar {
            Some(Bar::AtLeast(least)) => format!("at least {least}"),
            Some(Bar::None) => "0".to_owned(),
            None => String::new(),
        };
        let verdict = if line.holds() { "" } else { "does not hold" };
        format!("| {:<34} | {:>8} | {bar:<14} | {verdict:<13} |\n", line.what, line.count)
    };
    let head = format!("| {:<34} | {:>8} | {:<14} | {:<13} |\n", "what", "count", "bar", "");
    let rule = format!("|{:-<36}|{:->9}:|{:-<16}|{:-<15}|\n", "", "", "", "");
    head + &rule + &lines.iter().map(row).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::{Kind, Line, Tally, lines, share, table};

    fn broken(lines: &[Line]) -> Vec<&'static str> {
        lines.iter().filter(|line| !line.holds()).map(|line| line.what).collect()
    }

    #[test]
    fn half_an_hour_has_the_whole_bars() {
        assert_eq!((share(30.0, None), share(90.0, None), share(2.0, Some(5000))), (1.0, 1.0, 0.5));
        let enough = Tally { operations: 10_000, kills: 300, cli_faults: 300, ..Tally::default() };
        assert!(broken(&lines(&enough, &[], 1.0)).is_empty());
        let little = Tally { kills: 299, ..enough };
        assert_eq!(broken(&lines(&little, &[], 1.0)), ["watches killed"]);
        assert!(broken(&lines(&little, &[], 0.5)).is_empty());
    }

    #[test]
    fn each_finding_breaks_its_bar() {
        let found = lines(&Tally::default(), &[Kind::Stale, Kind::Stale], 0.0);
        assert_eq!(broken(&found), [Kind::Stale.name()]);
        assert!(table(&found).contains("does not hold"));
    }

    #[test]
    fn all_counts_are_added() {
        let mut sum = Tally { operations: 1, daemon_stops: 2, measured: 3, ..Tally::default() };
        sum.add(&sum.clone());
        assert_eq!(sum, Tally { operations: 2, daemon_stops: 4, measured: 6, ..Tally::default() });
    }
}
