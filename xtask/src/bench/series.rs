//! Times of the same thing: their median and range.

use std::time::Duration;

/// Times of the same thing.
pub struct Series(Vec<Duration>);

impl Series {
    /// From at least one time.
    pub fn new(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut times: Vec<_> = times.into_iter().collect();
        assert!(!times.is_empty(), "a series has at least one time");
        times.sort();
        Self(times)
    }

    pub fn median(&self) -> Duration {
        let middle = self.0.len() / 2;
        if self.0.len() % 2 == 1 { self.0[middle] } else { (self.0[middle - 1] + self.0[middle]) / 2 }
    }

    /// The least and the most.
    pub fn range(&self) -> [Duration; 2] {
        [self.0[0], self.0[self.0.len() - 1]]
    }

    /// The median, and the range it lies in.
    pub fn summary(&self) -> String {
        let [least, most] = self.range().map(|time| time.as_secs_f64());
        format!("{:.3} s ({least:.3} to {most:.3})", self.median().as_secs_f64())
    }

    /// The same for times that are short.
    pub fn summary_in_milliseconds(&self) -> String {
        let [least, most] = self.range().map(|time| time.as_secs_f64() * 1e3);
        format!("{:.2} ms ({least:.2} to {most:.2})", self.median().as_secs_f64() * 1e3)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Series;

    fn series(millis: &[u64]) -> Series {
        Series::new(millis.iter().copied().map(Duration::from_millis))
    }

    #[test]
    fn one_slow_turn_does_not_move_the_median() {
        assert_eq!(series(&[9000, 100, 200]).median(), Duration::from_millis(200));
        assert_eq!(series(&[100, 9000, 300, 200]).median(), Duration::from_millis(250));
    }
}
