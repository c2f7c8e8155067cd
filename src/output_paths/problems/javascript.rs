//! Errors of JavaScript as node prints them: a header with the place for what cannot be parsed, and the frames of a stack for
//! what is thrown.

use super::parts::{mark_column, split_once, trailing_number};
use super::place::{Locate, Place};

/// How many lines may be between a header and its error, or an error and its frames.
const PATIENCE: u8 = 20;

/// A reader of such errors.
#[derive(Default)]
pub struct JavaScript {
    /// The place that was named in a line of its own, before the error.
    header: Option<Place>,
    /// There was a mark below the line of the header.
    marked: bool,
    /// The line that names the error.
    error: Option<Vec<u8>>,
    /// Frames of that error were read.
    in_frames: bool,
    /// How many lines were read since the last one that meant something.
    age: u8,
}

/// A line of a stack, with its place if it names one.
struct Frame<'t>(Option<(&'t [u8], u64, u64)>);

impl JavaScript {
    /// Reads the next line; places and messages of the errors that are complete with it.
    pub fn read(&mut self, line: &[u8], locate: Locate) -> Vec<(Place, Vec<u8>)> {
        let mut complete = Vec::new();
        if let Some(Frame(place)) = frame(line) {
            self.in_frames = true;
            let place = place.filter(|_| self.error.is_some());
            if let Some((file, line, column)) = place
                && let Some(path) = locate(file)
                && let Some(error) = self.error.take()
            {
                *self = Self { in_frames: true, ..Self::default() };
                complete.push((Place { path, line, column: Some(column) }, error));
            }
            return complete;
        }
        self.age += 1;
        if self.in_frames || self.age > PATIENCE {
            complete.extend(self.finish());
        }
        if let Some(place) = header(line, locate) {
            complete.extend(self.finish());
            self.header = Some(place);
        } else if let (Some(column), Some(place), false) = (mark_column(line), &mut self.header, self.marked) {
            place.column = Some(column);
            (self.marked, self.age) = (true, 0);
        } else if (self.header.is_none() || self.error.is_none()) && (is_error(line) || self.marked && !line.is_empty())
        {
            (self.error, self.age) = (Some(line.trim_ascii().to_vec()), 0);
        }
        complete
    }

    /// Ends an error of which no frame was in the source: its header names the place, if there was one with
    /// a mark below it.
    pub fn finish(&mut self) -> Option<(Place, Vec<u8>)> {
        let Self { header, marked, error, .. } = std::mem::take(self);
        header.filter(|_| marked).zip(error)
    }
}

/// The place in `PATH:LINE`, if that is all of the line and the path is absolute.
fn header(line: &[u8], locate: Locate) -> Option<Place> {
    if !line.starts_with(b"/") && !line.starts_with(b"file://") {
        return None;
    }
    let (file, number) = trailing_number(line)?;
    Some(Place { path: locate(file)?, line: number, column: None })
}

/// The line of a stack: `at NAME (FILE:LINE:COLUMN)`, `at FILE:LINE:COLUMN`, or one without a place.
fn frame(line: &[u8]) -> Option<Frame<'_>> {
    let rest = line.strip_prefix(b"    ")?.trim_ascii_start().strip_prefix(b"at ")?;
    let rest = rest.strip_prefix(b"async ").unwrap_or(rest);
    // After the last frame, an object with further properties may be opened.
    let rest = rest.strip_suffix(b" {").unwrap_or(rest);
    let place = match rest.strip_suffix(b")") {
        Some(inside) => split_once(inside, b" (").map(|(_, place)| place),
        None => Some(rest),
    };
    let numbers = place.and_then(|place| {
        let (rest, column) = trailing_number(place)?;
        let (file, line) = trailing_number(rest)?;
        Some((file, line, column))
    });
    Some(Frame(numbers))
}

/// Whether a line is `NameError: MESSAGE`, also with a code after the name or `Uncaught` before it.
fn is_error(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    let line = line.strip_prefix(b"Uncaught ").unwrap_or(line);
    let head = split_once(line, b":").map_or(line, |(head, _)| head);
    let name = split_once(head, b" [").map_or(head, |(name, _)| name);
    (name.ends_with(b"Error") || name.ends_with(b"Exception"))
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.'))
}
