//! Finding the errors that the output of a build names, with the places in the source. Lines come one after the other.

mod javascript;
mod one_line;
mod parts;
mod place;
mod python;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use crate::report::message::Problem;
use crate::report::strip_escapes::without_escapes;
use javascript::JavaScript;
use parts::mark_column;
use place::{Locate, Place};
use python::Python;

/// How many problems are told: more than anybody reads, and few enough for a list.
pub const PROBLEM_LIMIT: usize = 50;

/// How many more are told apart, so that memory stays bounded.
const COUNTED_LIMIT: usize = 10_000;

/// Longer lines are no messages for people, in bytes.
const LINE_LIMIT: usize = 8 * 1024;

/// How much of a message is kept, in bytes.
const MESSAGE_LIMIT: usize = 1000;

/// How many lines after an error the mark below its column may come: the line itself, and the mark.
const LINES_TO_MARK: u8 = 2;

/// Problems in their order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// The first [`PROBLEM_LIMIT`].
    pub problems: Vec<Problem>,
    /// How many more there were.
    pub more: usize,
}

/// A reader of lines that collects the problems in them.
#[derive(Default)]
pub struct ProblemFinder {
    python: Python,
    javascript: JavaScript,
    found: Problems,
    /// What was told apart: path, line and message.
    known: HashSet<(String, u64, String)>,
    /// The problem whose column a mark below it may show, and how many lines it may be away.
    unmarked: Option<(usize, u8)>,
}

impl ProblemFinder {
    /// Reads the next line, without its end. It may have any bytes.
    pub fn read(&mut self, line: &[u8], locate: Locate) {
        if line.len() > LINE_LIMIT {
            return;
        }
        let line = without_escapes(line);
        let line = line.trim_ascii_end();
        self.read_mark(line);
        if let Some((place, message)) = self.python.read(line, locate) {
            self.add(place, &message);
        }
        for (place, message) in self.javascript.read(line, locate) {
            self.add(place, &message);
        }
        self.read_one_line(line, locate);
    }

    /// All problems, once every line was read.
    pub fn finish(mut self) -> Problems {
        if let Some((place, message)) = self.javascript.finish() {
            self.add(place, &message);
        }
        self.found
    }

    fn read_one_line(&mut self, line: &[u8], locate: Locate) {
        for shape in one_line::SHAPES {
            let Some(claim) = shape(line) else { continue };
            let Some(path) = locate(claim.file) else { continue };
            let place = Place { path, line: claim.line, column: claim.column };
            if claim.repeats && self.is_named(&place) {
                return;
            }
            let added = self.add(place, claim.message);
            self.unmarked = added.filter(|_| claim.column.is_none()).map(|index| (index, LINES_TO_MARK));
            return;
        }
    }

    /// Takes the column of an error from the mark below it.
    fn read_mark(&mut self, line: &[u8]) {
        let Some((index, lines)) = self.unmarked.take() else { return };
        match mark_column(line) {
            Some(column) => self.found.problems[index].column = Some(column),
            None if lines > 1 => self.unmarked = Some((index, lines - 1)),
            None => {}
        }
    }

    fn is_named(&self, place: &Place) -> bool {
        let path = String::from_utf8_lossy(&place.path);
        self.found.problems.iter().any(|problem| problem.path == path && problem.line == place.line)
    }

    /// Adds a problem, unless it is known; its index, if it is one of those that are told.
    fn add(&mut self, place: Place, message: &[u8]) -> Option<usize> {
        let path = String::from_utf8_lossy(&place.path).into_owned();
        let message = one_space(message);
        if self.known.len() < COUNTED_LIMIT && !self.known.insert((path.clone(), place.line, message.clone())) {
            return None;
        }
        if self.found.problems.len() == PROBLEM_LIMIT {
            self.found.more += 1;
            return None;
        }
        self.found.problems.push(Problem { path, line: place.line, column: place.column, message });
        Some(self.found.problems.len() - 1)
    }
}

/// A message with single spaces, and not too long.
fn one_space(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(&message[..message.len().min(MESSAGE_LIMIT)]);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
