//! How much more time and memory ten times as much takes.

use std::time::Duration;

use super::case::Case;
use super::measured::Measured;

/// How much more ten times the work may take: a straight line, and a little for caches that do not hold it any more. A
/// target that the project set itself.
const FACTOR_LIMIT: f64 = 13.0;

/// How long the thread that decides may work at once: a target that the project set itself.
const STEP_LIMIT: Duration = Duration::from_millis(50);

/// How long a watch may take to end: what the README promises.
const END_LIMIT: Duration = Duration::from_secs(2);

/// The measurements of one case, the smallest size first.
pub struct Growth {
    pub case: &'static Case,
    pub measured: Vec<(usize, Measured)>,
}

impl Growth {
    /// The largest factor from one size to the next of what `figure` takes from a measurement.
    fn factor(&self, figure: impl Fn(&Measured) -> f64) -> f64 {
        let figures: Vec<f64> = self.measured.iter().map(|(_, measured)| figure(measured)).collect();
        figures.windows(2).map(|pair| pair[1] / pair[0]).fold(0.0, f64::max)
    }

    fn time_factor(&self) -> f64 {
        self.factor(|measured| measured.time.as_secs_f64())
    }

    fn memory_factor(&self) -> f64 {
        self.factor(|measured| measured.memory as f64)
    }

    pub fn holds(&self) -> bool {
        let watches = self.measured.iter().filter_map(|(_, measured)| measured.watch.as_ref());
        self.time_factor() <= FACTOR_LIMIT
            && self.memory_factor() <= FACTOR_LIMIT
            && watches.into_iter().all(|watch| watch.deciding <= STEP_LIMIT && watch.end <= END_LIMIT)
    }
}

/// What is said of a bar.
pub fn verdict(holds: bool) -> &'static str {
    if holds { "holds" } else { "DOES NOT HOLD" }
}

/// Prints the table.
pub fn print(growths: &[Growth]) {
    println!();
    for growth in growths {
        println!(
            "{:<18} time x {:>5.2}, memory x {:>5.2}  {}",
            growth.case.name,
            growth.time_factor(),
            growth.memory_factor(),
            verdict(growth.holds()),
        );
        growth.measured.iter().for_each(|(size, measured)| println!("  {size:>11}: {measured}"));
    }
    let (step, end) = (STEP_LIMIT.as_millis(), END_LIMIT.as_secs());
    println!("(bars: a factor of {FACTOR_LIMIT} for ten times as much, {step} ms of deciding, {end} s to the end)");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::case::Case;
    use super::super::measured::Measured;
    use super::Growth;

    #[test]
    fn a_square_does_not_hold_and_a_straight_line_does() {
        let growth = |millis: [u64; 3]| {
            let measured = |time| Measured { time: Duration::from_millis(time), memory: 1, watch: None };
            Growth { case: &Case::ALL[0], measured: millis.map(|time| (1, measured(time))).into() }
        };
        assert!(growth([100, 1000, 10_000]).holds());
        assert!(!growth([100, 200, 20_000]).holds());
    }
}
