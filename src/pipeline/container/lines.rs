//! Showing the output of containers and CLIs in whole lines.

use std::io::Read;

use crate::child::for_each_piece;
use crate::report::Reporter;
use crate::report::message::{Message, OutputLine};

/// Splits output into lines. A line that is longer than [`LINE_LIMIT`] comes in parts, so that memory stays bounded.
#[derive(Default)]
pub struct Lines {
    buffer: Vec<u8>,
    /// A part of this line was shown already.
    cut: bool,
}

/// The longest line that comes whole, in bytes: chosen so that it holds what programs print for other programs, such as a
/// whole report in one line.
const LINE_LIMIT: usize = 16 * 1024 * 1024;

/// How much memory is kept for the next line, in bytes: enough for nearly all lines.
const KEPT_CAPACITY: usize = 64 * 1024;

impl Lines {
    /// Adds the next piece of output and calls `show` with each line that is now complete, and with each part of a line
    /// that is too long.
    pub fn feed(&mut self, piece: &[u8], mut show: impl FnMut(OutputLine)) {
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.add(&rest[..end], &mut show);
            self.end_line(&mut show);
            rest = &rest[end + 1..];
        }
        self.add(rest, &mut show);
    }

    /// Calls `show` with the remaining output, if any: a line without a line break.
    pub fn flush(&mut self, mut show: impl FnMut(OutputLine)) {
        if self.cut || !self.buffer.is_empty() {
            self.end_line(&mut show);
        }
    }

    /// Adds bytes without line breaks.
    fn add(&mut self, mut bytes: &[u8], show: &mut impl FnMut(OutputLine)) {
        while self.buffer.len() + bytes.len() > LINE_LIMIT {
            let (fitting, rest) = bytes.split_at(LINE_LIMIT - self.buffer.len());
            self.buffer.extend_from_slice(fitting);
            // A character that is cut would be shown as two that are not UTF-8.
            let end = end_of_characters(&self.buffer);
            show(OutputLine { text: &self.buffer[..end], more: true, paths: &[] });
            self.buffer.drain(..end);
            self.cut = true;
            bytes = rest;
        }
        self.buffer.extend_from_slice(bytes);
    }

    fn end_line(&mut self, show: &mut impl FnMut(OutputLine)) {
        show(OutputLine { text: &self.buffer, more: false, paths: &[] });
        self.buffer.clear();
        self.buffer.shrink_to(KEPT_CAPACITY);
        self.cut = false;
    }
}

/// Where the bytes end before a character of UTF-8 whose last bytes are missing.
fn end_of_characters(bytes: &[u8]) -> usize {
    let last = bytes.iter().rev().take(3).position(|byte| byte & 0b1100_0000 != 0b1000_0000);
    let Some(begin) = last.map(|position| bytes.len() - 1 - position) else { return bytes.len() };
    match str::from_utf8(&bytes[begin..]) {
        Err(error) if error.error_len().is_none() => begin,
        _ => bytes.len(),
    }
}

/// Shows a stream line by line until it ends.
pub fn relay_lines(stream: &mut impl Read, reporter: &Reporter) {
    let mut lines = Lines::default();
    let show = |line: OutputLine| reporter.emit(&Message::Output(line));
    for_each_piece(stream, |piece| lines.feed(piece, show));
    lines.flush(show);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{LINE_LIMIT, Lines, OutputLine};

    proptest! {
        #[test]
        fn lines_come_whole(text in "[ab\n]{0,60}", cut in 0_usize..60) {
            let bytes = text.as_bytes();
            let cut = cut.min(bytes.len());
            let mut lines = Lines::default();
            let mut seen = Vec::new();
            let mut show = |line: OutputLine| seen.push(String::from_utf8(line.text.to_vec()).unwrap());
            lines.feed(&bytes[..cut], &mut show);
            lines.feed(&bytes[cut..], &mut show);
            lines.flush(&mut show);
            let expected: Vec<&str> = text.strip_suffix('\n').unwrap_or(&text).split('\n').collect();
            let expected = if text.is_empty() { Vec::new() } else { expected };
            prop_assert_eq!(seen, expected);
        }
    }

    /// The lengths of the parts of a line of this length that is fed in pieces of this size.
    fn parts(length: usize, piece: usize, end: &[u8]) -> Vec<(usize, bool)> {
        let mut lines = Lines::default();
        let mut parts = Vec::new();
        let mut show = |line: OutputLine| parts.push((line.text.len(), line.more));
        vec![b'x'; length].chunks(piece).for_each(|piece| lines.feed(piece, &mut show));
        lines.feed(end, &mut show);
        lines.flush(&mut show);
        parts
    }

    #[test]
    fn a_line_over_96_kib_was_broken_in_two() {
        for length in [97 * 1024, LINE_LIMIT] {
            assert_eq!(parts(length, 32 * 1024, b"\n"), [(length, false)]);
            assert_eq!(parts(length, length, b""), [(length, false)]);
        }
    }

    #[test]
    fn a_line_over_the_limit_comes_in_parts() {
        let expected = [(LINE_LIMIT, true), (LINE_LIMIT, true), (5, false)];
        assert_eq!(parts(2 * LINE_LIMIT + 5, 32 * 1024, b"\n"), expected);
        assert_eq!(parts(2 * LINE_LIMIT + 5, 2 * LINE_LIMIT + 5, b""), expected);
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let mut lines = Lines::default();
        let mut parts = Vec::new();
        let mut show = |line: OutputLine| parts.push(String::from_utf8(line.text.to_vec()).unwrap());
        let text = "\u{20ac}".repeat(LINE_LIMIT / 3 + 2);
        lines.feed(text.as_bytes(), &mut show);
        lines.flush(&mut show);
        assert_eq!((parts.len(), parts.concat() == text), (2, true));
    }
}
