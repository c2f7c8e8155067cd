//! The screen of the terminal, and when each of its rows got what it holds.

use std::num::NonZero;
use std::time::Duration;

use vt100::{Color, Parser};

/// The size of the terminal: wide enough for the longest message, and high enough that nothing scrolls away.
pub const COLUMNS: u16 = 150;
pub const ROWS: u16 = 60;

/// A screen, and what each row holds since when.
pub struct Screen {
    parser: Parser,
    changed: Vec<(String, Duration)>,
}

/// A part of a row in one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub text: String,
    /// The number of one of the sixteen colours of terminals, if it is not the usual one.
    pub colour: Option<u8>,
    pub bold: bool,
    pub dim: bool,
}

/// A row, and when it got what it holds.
#[derive(Debug)]
pub struct Row {
    pub runs: Vec<Run>,
    pub at: Duration,
}

const fn nonzero(size: u16) -> NonZero<u16> {
    NonZero::new(size).expect("a screen has a size")
}

impl Screen {
    pub fn new() -> Self {
        let changed = vec![(String::new(), Duration::ZERO); usize::from(ROWS)];
        Self { parser: Parser::new(nonzero(ROWS), nonzero(COLUMNS), 0), changed }
    }

    /// Prints what the terminal got at a time since the beginning.
    pub fn print(&mut self, bytes: &[u8], at: Duration) {
        self.parser.process(bytes);
        let rows = self.parser.screen().rows(0, COLUMNS);
        for (row, changed) in rows.zip(&mut self.changed) {
            if row != changed.0 {
                *changed = (row, at);
            }
        }
    }

    /// All that it shows.
    pub fn text(&self) -> String {
        self.parser.screen().contents()
    }

    /// The rows down to the last one that holds something, with other words in the place of some.
    pub fn rows(&self, words: &[(&str, &str)]) -> Vec<Row> {
        let last = self.changed.iter().rposition(|(text, _)| !text.is_empty()).map_or(0, |last| last + 1);
        let rows = (0..ROWS).zip(&self.changed).take(last);
        rows.map(|(row, (_, at))| Row { runs: self.runs(row, words), at: *at }).collect()
    }

    fn runs(&self, row: u16, words: &[(&str, &str)]) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for cell in (0..COLUMNS).filter_map(|column| self.parser.screen().cell(row, column)) {
            let text = if cell.has_contents() { cell.contents() } else { " " };
            let colour = match cell.fgcolor() {
                Color::Idx(number) if number < 16 => Some(number),
                _ => None,
            };
            let next = Run { text: text.to_owned(), colour, bold: cell.bold(), dim: cell.dim() };
            match runs.last_mut().filter(|run| (run.colour, run.bold, run.dim) == (next.colour, next.bold, next.dim)) {
                Some(run) => run.text.push_str(text),
                None => runs.push(next),
            }
        }
        if let Some(last) = runs.last_mut() {
            last.text.truncate(last.text.trim_end().len());
        }
        for run in &mut runs {
            run.text = words.iter().fold(std::mem::take(&mut run.text), |text, (from, to)| text.replace(from, to));
        }
        runs.retain(|run| !run.text.is_empty());
        runs
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Run, Screen};

    #[test]
    fn a_row_holds_what_was_printed_last_and_since_then() {
        let mut screen = Screen::new();
        screen.print(b"| waiting\r\n", Duration::from_secs(1));
        screen.print(b"\x1b[A\x1b[2K\x1b[1;32mok:\x1b[0m my-img\r\n", Duration::from_secs(2));
        let rows = screen.rows(&[("my-img", "img")]);
        let run = |text: &str, colour, bold| Run { text: text.to_owned(), colour, bold, dim: false };
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].at, Duration::from_secs(2));
        assert_eq!(rows[0].runs, [run("ok:", Some(2), true), run(" img", None, false)]);
    }
}
