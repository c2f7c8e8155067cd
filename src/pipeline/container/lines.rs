//! Showing the output of containers and CLIs in whole lines.

use std::io::Read;

use crate::child::for_each_piece;
use crate::report::Reporter;
use crate::report::message::Message;

/// Splits output into lines. A very long line is split into parts, so that memory stays bounded.
#[derive(Default)]
pub struct Lines {
    buffer: Vec<u8>,
}

/// The longest line that is not split, in bytes: the capacity of a pipe on Linux.
const LINE_LIMIT: usize = 64 * 1024;

impl Lines {
    /// Adds the next piece of output and calls `show` with each line that is now complete, without its line break.
    pub fn feed(&mut self, piece: &[u8], mut show: impl FnMut(&[u8])) {
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.buffer.extend_from_slice(&rest[..end]);
            show(&self.buffer);
            self.buffer.clear();
            rest = &rest[end + 1..];
        }
        self.buffer.extend_from_slice(rest);
        if self.buffer.len() > LINE_LIMIT {
            self.flush(show);
        }
    }

    /// Calls `show` with the remaining output, if any: a line without a line break.
    pub fn flush(&mut self, mut show: impl FnMut(&[u8])) {
        if !self.buffer.is_empty() {
            show(&self.buffer);
            self.buffer.clear();
        }
    }
}

/// Shows a stream line by line until it ends.
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
