//! Tracebacks of Python: the last frame that is in the source, and the line of the exception.

use super::parts::{indentation, rsplit_once, split_once};
use super::place::{Locate, Place};
use crate::output_paths::position::parse_number;

/// A reader of tracebacks.
#[derive(Default)]
pub struct Python {
    /// How many blanks are before each frame of the traceback that is being read.
    indentation: Option<usize>,
    /// The last frame in the source.
    place: Option<Place>,
}

impl Python {
    /// Reads the next line; the place and the message of the exception that it ends with.
    pub fn read(&mut self, line: &[u8], locate: Locate) -> Option<(Place, Vec<u8>)> {
        let indented = indentation(line);
        if let Some((file, number)) = frame(line)
            && indented >= 2
        {
            if self.indentation != Some(indented) {
                *self = Self { indentation: Some(indented), place: None };
            }
            if let Some(path) = locate(file) {
                self.place = Some(Place { path, line: number, column: None });
            }
            return None;
        }
        if line.is_empty() || indented >= self.indentation? {
            return None;
        }
        let Self { place, .. } = std::mem::take(self);
        let message = line.trim_ascii();
        is_exception(message).then_some((place?, message.to_vec()))
    }
}

/// The file and the line in `File "FILE", line LINE`.
fn frame(line: &[u8]) -> Option<(&[u8], u64)> {
    let rest = line.trim_ascii_start().strip_prefix(b"File \"")?;
    let (file, rest) = rsplit_once(rest, b"\", line ")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    Some((file, parse_number(&rest[..digits])?))
}

/// Whether a line is `Name`, `module.Name` or one of them with a message.
fn is_exception(line: &[u8]) -> bool {
    let name = split_once(line, b":").map_or(line, |(name, _)| name);
    let starts = name.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
    starts && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | 0x80..))
}
