//! What was done to a watch and what it said, in order, for the story of a finding.

use std::collections::VecDeque;
use std::time::Instant;

/// So many lines are kept.
const KEPT: usize = 1500;

/// The last things that happened in a lane.
pub struct Journal {
    name: String,
    begin: Instant,
    lines: VecDeque<(bool, String)>,
}

impl Journal {
    pub fn new(name: String, begin: Instant) -> Self {
        Self { name, begin, lines: VecDeque::new() }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Notes something that was done.
    pub fn step(&mut self, text: impl AsRef<str>) {
        self.push(true, text.as_ref());
    }

    /// Notes something that was said.
    pub fn said(&mut self, text: impl AsRef<str>) {
        self.push(false, text.as_ref());
    }

    fn push(&mut self, is_step: bool, text: &str) {
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back((is_step, format!("{:8.3} {text}", self.begin.elapsed().as_secs_f64())));
    }

    /// The last things that were done.
    pub fn steps(&self, count: usize) -> Vec<&str> {
        let steps: Vec<&str> = self.lines.iter().filter(|(step, _)| *step).map(|(_, text)| text.as_str()).collect();
        steps[steps.len().saturating_sub(count)..].to_vec()
    }

    /// All that is kept.
    pub fn all(&self) -> String {
        self.lines.iter().map(|(_, text)| format!("{text}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{Journal, KEPT};

    #[test]
    fn the_last_steps_are_kept_in_order() {
        let mut journal = Journal::new("lane 0".to_owned(), Instant::now());
        for number in 0..KEPT {
            journal.step(format!("step {number}"));
            journal.said("word");
        }
        let steps = journal.steps(2);
        assert!(steps[0].ends_with(&format!("step {}", KEPT - 2)) && steps[1].ends_with(&format!("step {}", KEPT - 1)));
        assert_eq!(journal.all().lines().count(), KEPT);
    }
}
