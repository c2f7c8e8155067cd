//! What many times have in common.

use std::time::Duration;

/// How times are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    pub count: usize,
    pub fastest: Duration,
    /// Of an even count, the mean of the two in the middle, as in the last line of a watch.
    pub median: Duration,
    /// The 95th percentile: the shortest of the times that at least 95 in 100 do not exceed.
    pub p95: Duration,
    pub slowest: Duration,
}

impl Spread {
    /// The spread of these times; `None` if there are none.
    pub fn of(times: impl IntoIterator<Item = Duration>) -> Option<Self> {
        let mut times: Vec<Duration> = times.into_iter().collect();
        times.sort_unstable();
        let (fastest, slowest) = (*times.first()?, *times.last()?);
        Some(Self { count: times.len(), fastest, median: median(&times), p95: percentile(&times, 95), slowest })
    }
}

/// The median of times that are sorted, of which there is at least one.
fn median(sorted: &[Duration]) -> Duration {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2 }
}

/// The nearest-rank percentile of times that are sorted, of which there is at least one.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted[rank - 1]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::Spread;

    fn spread(times: &[u64]) -> Option<[u64; 4]> {
        let spread = Spread::of(times.iter().map(|ms| Duration::from_millis(*ms)))?;
        let [fastest, median, p95, slowest] = [spread.fastest, spread.median, spread.p95, spread.slowest];
        Some([fastest, median, p95, slowest].map(|time| u64::try_from(time.as_millis()).unwrap()))
    }

    #[test]
    fn small_counts_have_a_spread_too() {
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[7]), Some([7, 7, 7, 7]));
        assert_eq!(spread(&[9, 3]), Some([3, 6, 9, 9]));
        assert_eq!(spread(&[5, 1, 3]), Some([1, 3, 5, 5]));
    }

    #[test]
    fn one_time_in_twenty_is_above_the_percentile() {
        let times: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(spread(&times), Some([1, 50, 95, 100]));
        let times: Vec<u64> = (1..=20).collect();
        assert_eq!(spread(&times), Some([1, 10, 19, 20]));
        let times: Vec<u64> = (1..=21).collect();
        assert_eq!(spread(&times), Some([1, 11, 20, 21]));
    }

    proptest! {
        #[test]
        fn at_least_95_in_100_do_not_exceed_the_percentile(times in prop::collection::vec(0_u64..50, 1..200)) {
            let [fastest, median, p95, slowest] = spread(&times).unwrap();
            let within = |limit| times.iter().filter(|time| **time <= limit).count() * 100;
            prop_assert!(within(p95) >= times.len() * 95);
            prop_assert!(p95 == 0 || within(p95 - 1) < times.len() * 95);
            prop_assert!(fastest <= median && median <= p95 && p95 <= slowest);
        }
    }
}
