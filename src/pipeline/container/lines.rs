//! Output in whole lines.

use std::io::Read;

use crate::child::for_each_piece;
use crate::report::Reporter;
use crate::report::message::Message;

/// Cuts output into lines. A line without an end is given out in parts when it gets very long.
#[derive(Default)]
pub struct Lines {
    held: Vec<u8>,
}

/// The longest part of a line, in bytes: a pipe's content, so that no line is held back for long.
const LINE_LIMIT: usize = 64 * 1024;

impl Lines {
    /// Takes the next piece; `show` gets each whole line, without its end.
    pub fn feed(&mut self, piece: &[u8], mut show: impl FnMut(&[u8])) {
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.held.extend_from_slice(&rest[..end]);
            show(&self.held);
            self.held.clear();
            rest = &rest[end + 1..];
        }
        self.held.extend_from_slice(rest);
        if self.held.len() > LINE_LIMIT {
            self.flush(show);
        }
    }

    /// Gives out what is left of a line without an end.
    pub fn flush(&mut self, mut show: impl FnMut(&[u8])) {
        if !self.held.is_empty() {
            show(&self.held);
            self.held.clear();
        }
    }
}

/// Shows a stream line by line, until it ends.
pub fn relay_lines(stream: &mut impl Read, reporter: &Reporter) {
    let mut lines = Lines::default();
    let show = |line: &[u8]| reporter.emit(&Message::Output(line));
    for_each_piece(stream, |piece| lines.feed(piece, show));
    lines.flush(show);
}

#[cfg(test)]
mod tests {
    use super::Lines;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lines_come_whole(text in "[ab\n]{0,60}", cut in 0_usize..60) {
            let bytes = text.as_bytes();
            let cut = cut.min(bytes.len());
            let mut lines = Lines::default();
            let mut seen = Vec::new();
            let mut show = |line: &[u8]| seen.push(String::from_utf8(line.to_vec()).unwrap());
            lines.feed(&bytes[..cut], &mut show);
            lines.feed(&bytes[cut..], &mut show);
            lines.flush(&mut show);
            let expected: Vec<&str> = text.strip_suffix('\n').unwrap_or(&text).split('\n').collect();
            let expected = if text.is_empty() { Vec::new() } else { expected };
            prop_assert_eq!(seen, expected);
        }
    }
}
