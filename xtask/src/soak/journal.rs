//! What was done to a watch and what it said, in order, for the story of a finding.

use std::collections::VecDeque;
use std::time::Instant;

/// So many lines are kept.
const KEPT: usize = 1500;

/// The last things that happened in a lane.
pub struct Journal {
    name: String,
    begin: Instant,
    lines: VecDeque<String>,
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
        self.push(text.as_ref());
    }

    /// Notes something that the watch said.
    pub fn said(&mut self, text: impl AsRef<str>) {
        self.push(&format!("    {}", text.as_ref()));
    }

    fn push(&mut self, text: &str) {
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(format!("{:8.3} {text}", self.begin.elapsed().as_secs_f64()));
    }

    /// The last things that were done and said, each cut to `width` characters.
    pub fn tail(&self, count: usize, width: usize) -> Vec<String> {
        let cut = |text: &String| match text.char_indices().nth(width) {
            Some((at, _)) => format!("{}...", &text[..at]),
            None => text.clone(),
        };
        self.lines.range(self.lines.len().saturating_sub(count)..).map(cut).collect()
    }

    /// All that is kept.
    pub fn all(&self) -> String {
        self.lines.iter().map(|text| format!("{text}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{Journal, KEPT};

    #[test]
    fn the_last_lines_are_kept_in_order() {
        let mut journal = Journal::new("lane 0".to_owned(), Instant::now());
        for number in 0..KEPT {
            journal.step(format!("step {number}"));
            journal.said("word");
        }
        let tail = journal.tail(2, 100);
        assert!(tail[0].ends_with(&format!("step {}", KEPT - 1)) && tail[1].ends_with("word"));
        assert!(journal.tail(1, 3)[0].ends_with("..."));
        assert_eq!(journal.all().lines().count(), KEPT);
    }
}
