//! Since when something is there that should go.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long what a watch, or one that was killed, could not remove may be there while everything goes on: the minute in
/// which a killed run's commit may still come, and some for removals that were made to fail.
pub const LIMIT: Duration = Duration::from_secs(90);

/// When each thing was first seen, as long as it is seen each time.
#[derive(Debug, Default)]
pub struct Ages(BTreeMap<String, Instant>);

impl Ages {
    /// Takes in all that is seen `now`; returns what is there for too long.
    pub fn note(&mut self, seen: Vec<String>, now: Instant) -> Vec<String> {
        let before = std::mem::take(&mut self.0);
        self.0 = seen
            .into_iter()
            .map(|what| (before.get(&what).copied().unwrap_or(now), what))
            .map(|(first, what)| (what, first))
            .collect();
        let overdue = self.0.iter().filter(|(_, first)| now.saturating_duration_since(**first) > LIMIT);
        overdue.map(|(what, _)| what.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Ages, LIMIT};

    #[test]
    fn only_what_stays_is_overdue() {
        let (mut ages, begin, late) = (Ages::default(), Instant::now(), LIMIT + Duration::from_secs(1));
        let seen = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        assert!(ages.note(seen(&["a", "b"]), begin).is_empty());
        assert!(ages.note(seen(&["a"]), begin + LIMIT / 2).is_empty());
        assert_eq!(ages.note(seen(&["a", "b", "c"]), begin + late), ["a"]);
    }
}
