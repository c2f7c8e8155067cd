//! The end of the output of a build, for the case that a build fails that showed none, or that the user wants to see it again.

use std::collections::VecDeque;

use super::message::{OutputLine, SourcePath};

/// How many lines are kept: chosen so that they hold the messages of a compiler and what led to them.
const LINE_COUNT: usize = 200;

/// How many bytes of lines are kept: chosen so that the longest line fits, which has 16 MiB.
const SIZE_LIMIT: usize = 16 * 1024 * 1024;

/// The last lines of output.
#[derive(Clone)]
pub struct RecentOutput {
    /// How many lines are kept at most.
    line_limit: usize,
    lines: VecDeque<KeptLine>,
    /// How many bytes of memory these lines have.
    size: usize,
    /// How many lines before these are not kept.
    pub left_out: u64,
}

impl Default for RecentOutput {
    /// No line yet; as many are kept as a build that fails shows.
    fn default() -> Self {
        Self::with_limit(LINE_COUNT)
    }
}

/// What an [`OutputLine`] has.
#[derive(Clone)]
struct KeptLine {
    text: Vec<u8>,
    more: bool,
    paths: Vec<SourcePath>,
}

impl KeptLine {
    /// How many bytes of memory it has.
    fn size(&self) -> usize {
        let paths = self.paths.iter().map(|path| size_of::<SourcePath>() + path.source.len());
        self.text.len() + paths.sum::<usize>()
    }
}

impl RecentOutput {
    /// No line yet; at most so many are kept, with at most [`SIZE_LIMIT`] bytes.
    pub fn with_limit(line_limit: usize) -> Self {
        Self { line_limit, lines: VecDeque::new(), size: 0, left_out: 0 }
    }

    /// Keeps a line, and as many of those before it as there is room for.
    pub fn add(&mut self, line: &OutputLine) {
        let line = KeptLine { text: line.text.to_vec(), more: line.more, paths: line.paths.to_vec() };
        self.size += line.size();
        self.lines.push_back(line);
        while self.lines.len() > self.line_limit || (self.size > SIZE_LIMIT && self.lines.len() > 1) {
            let Some(line) = self.lines.pop_front() else { return };
            self.size -= line.size();
            self.left_out += u64::from(!line.more);
        }
    }

    /// Whether nothing was printed.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The lines that are kept, the oldest first.
    pub fn lines(&self) -> impl Iterator<Item = OutputLine<'_>> {
        self.lines.iter().map(|line| OutputLine { text: &line.text, more: line.more, paths: &line.paths })
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
            recent.add(&OutputLine { text: number.to_string().as_bytes(), more: false, paths: &[] });
        }
        assert_eq!((recent.left_out, recent.lines().count()), (7, LINE_COUNT));
        assert_eq!(recent.lines().next().unwrap().text, b"7");
    }

    #[test]
    fn long_lines_leave_no_room_for_those_before_them() {
        let mut recent = RecentOutput::default();
        let long = vec![b'x'; SIZE_LIMIT / 2 + 1];
        for _ in 0..3 {
            recent.add(&OutputLine { text: &long, more: false, paths: &[] });
        }
        assert_eq!((recent.left_out, recent.lines().count()), (2, 1));
    }
}
