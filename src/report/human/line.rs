//! The parts that all lines of text have in common.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::report::escape::on_one_line;

/// The end of a part of a line that is too long for one message.
pub const LINE_CUT: &[u8] = b" [the line goes on]\n";

pub const GOOD: Style = AnsiColor::Green.on_default().bold();
pub const BAD: Style = AnsiColor::Red.on_default().bold();
pub const WARN: Style = AnsiColor::Yellow.on_default().bold();
pub const SOFT: Style = AnsiColor::Cyan.on_default().bold();
pub const FAINT: Style = Style::new().dimmed();

/// Writes a line: its beginning in a style, then the text.
pub fn write_line(out: &mut impl Write, style: Style, beginning: &str, text: &str) -> io::Result<()> {
    writeln!(out, "{style}{beginning}{style:#} {}", on_one_line(text))
}
