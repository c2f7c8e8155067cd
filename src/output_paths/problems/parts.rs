//! Taking lines of output apart.

use crate::output_paths::position::parse_number;

/// The parts before and after the first occurrence.
pub fn split_once<'t>(text: &'t [u8], separator: &[u8]) -> Option<(&'t [u8], &'t [u8])> {
    let at = memchr::memmem::find(text, separator)?;
    Some((&text[..at], &text[at + separator.len()..]))
}

/// The parts before and after the last occurrence.
pub fn rsplit_once<'t>(text: &'t [u8], separator: &[u8]) -> Option<(&'t [u8], &'t [u8])> {
    let at = memchr::memmem::rfind(text, separator)?;
    Some((&text[..at], &text[at + separator.len()..]))
}

/// The parts of `TEXT:NUMBER`.
pub fn trailing_number(text: &[u8]) -> Option<(&[u8], u64)> {
    let (before, digits) = rsplit_once(text, b":")?;
    Some((before, parse_number(digits)?))
}

/// The column of a line that has nothing but a mark such as `^` or `^~~~`, from 1.
pub fn mark_column(line: &[u8]) -> Option<u64> {
    let mark = line.trim_ascii();
    let is_mark = mark.first() == Some(&b'^') && mark.iter().all(|byte| matches!(byte, b'^' | b'~'));
    is_mark.then(|| (indentation(line) + 1) as u64)
}

/// How many blanks a line begins with.
pub fn indentation(line: &[u8]) -> usize {
    line.len() - line.trim_ascii_start().len()
}
