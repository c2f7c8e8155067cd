//! The end of the output of a build that is not shown, for the case that the build fails.

use std::collections::VecDeque;

use super::message::OutputLine;

/// How many lines are kept: chosen so that they hold the messages of a compiler and what led to them.
const LINE_COUNT: usize = 200;

/// How many bytes of lines are kept: chosen so that the longest line fits, which has 16 MiB.
const SIZE_LIMIT: usize = 16 * 1024 * 1024;

/// The last lines of output.
#[derive(Default)]
pub struct RecentOutput {
    lines: VecDeque<(Vec<u8>, bool)>,
    /// The bytes of these lines.
    size: usize,
    /// How many lines before these are not kept.
    pub left_out: u64,
}

impl RecentOutput {
    /// Keeps a line, and as many of those before it as there is room for.
    pub fn add(&mut self, line: &OutputLine) {
        self.size += line.text.len();
        self.lines.push_back((line.text.to_vec(), line.more));
        while self.lines.len() > LINE_COUNT || (self.size > SIZE_LIMIT && self.lines.len() > 1) {
            let Some((text, more)) = self.lines.pop_front() else { return };
            self.size -= text.len();
            self.left_out += u64::from(!more);
        }
    }

    /// The lines that are kept, the oldest first.
    pub fn lines(&self) -> impl Iterator<Item = OutputLine<'_>> {
        self.lines.iter().map(|(text, more)| OutputLine { text, more: *more })
    }
}

#[cfg(test)]
mod tests {
    use super::{LINE_COUNT, RecentOutput, SIZE_LIMIT};
    use crate::report::message::OutputLine;

    #[test]
    fn the_last_lines_are_kept_and_the_others_counted() {
        let mut recent = RecentOutput::default();
        for number in 0..LINE_COUNT + 7 {
            recent.add(&OutputLine { text: number.to_string().as_bytes(), more: false });
        }
        assert_eq!((recent.left_out, recent.lines().count()), (7, LINE_COUNT));
        assert_eq!(recent.lines().next().unwrap().text, b"7");
    }

    #[test]
    fn long_lines_leave_no_room_for_those_before_them() {
        let mut recent = RecentOutput::default();
        let long = vec![b'x'; SIZE_LIMIT / 2 + 1];
        for _ in 0..3 {
            recent.add(&OutputLine { text: &long, more: false });
        }
        assert_eq!((recent.left_out, recent.lines().count()), (2, 1));
    }
}
