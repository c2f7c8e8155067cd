//! The line and the column that follow a path in a text, in the forms that compilers and interpreters print.

use crate::report::strip_escapes::{ESC, after_sequence};

/// The most digits of a number of a line or a column.
const MOST_DIGITS: usize = 9;

/// What is left of a text; escape sequences are passed over.
#[derive(Clone, Copy)]
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn pass_escapes(&mut self) {
        while let [ESC, rest @ ..] = self.0 {
            self.0 = after_sequence(rest);
        }
    }

    /// Goes past this text; whether it is there.
    fn take(&mut self, text: &[u8]) -> bool {
        self.pass_escapes();
        match self.0.strip_prefix(text) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// Goes past a number from 1 on.
    fn number(&mut self) -> Option<u64> {
        self.pass_escapes();
        let digits = self.0.iter().take(MOST_DIGITS + 1).take_while(|byte| byte.is_ascii_digit()).count();
        let number = parse_number(&self.0[..digits])?;
        self.0 = &self.0[digits..];
        Some(number)
    }
}

/// The line and the column at the beginning of `text`, which follows a path.
pub fn position_after(text: &[u8]) -> (Option<u64>, Option<u64>) {
    let mut cursor = Cursor(text);
    if cursor.take(b":[") || cursor.take(b"(") {
        let line = cursor.number();
        let column = if line.is_some() && cursor.take(b",") { cursor.number() } else { None };
        return (line, column);
    }
    if cursor.take(b":") {
        let line = cursor.number();
        let column = if line.is_some() && cursor.take(b":") { cursor.number() } else { None };
        return (line, column);
    }
    let _ = cursor.take(b"\"") || cursor.take(b"'");
    let named = cursor.take(b", line ") || cursor.take(b" on line ") || cursor.take(b" line ");
    (if named { cursor.number() } else { None }, None)
}

/// The number from 1 on that these digits are.
pub fn parse_number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > MOST_DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    (number > 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::position_after;

    #[test]
    fn lines_and_columns_are_read_in_all_their_forms() {
        let forms: [(&str, Option<u64>, Option<u64>); 16] = [
            (":12:5: error", Some(12), Some(5)),
            (":12: error", Some(12), None),
            (":12", Some(12), None),
            ("(12,5): error TS1", Some(12), Some(5)),
            ("(12): error", Some(12), None),
            (":[12,5] message", Some(12), Some(5)),
            ("\", line 12, in f", Some(12), None),
            (" on line 12", Some(12), None),
            (" line 12.", Some(12), None),
            ("\u{1b}[0m:\u{1b}[93m12\u{1b}[0m:\u{1b}[93m5\u{1b}[0m", Some(12), Some(5)),
            (": error", None, None),
            (":0:5", None, None),
            (":1234567890", None, None),
            ("", None, None),
            (" (12 lines)", None, None),
            (":12:x", Some(12), None),
        ];
        for (text, line, column) in forms {
            assert_eq!(position_after(text.as_bytes()), (line, column), "{text:?}");
        }
    }
}
