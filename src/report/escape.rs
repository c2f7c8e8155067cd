//! Making text from elsewhere, such as the name of a file, fit to be shown: in what minis2i says, it can neither begin a
//! line of its own nor change what a terminal shows.

use std::borrow::Cow;

use super::strip_escapes::without_escapes;

/// The text on one line: each character that is not seen, or that moves others, is shown as a program would write it, such
/// as `\n` or `\u{1b}`.
pub fn on_one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unseen(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// The lines of a text that may have several, such as an error message of the engine's CLI. What colours it is removed;
/// every other character that is not seen, except for tabs, is shown as in [`on_one_line`].
pub fn lines(text: &str) -> Vec<String> {
    let plain = without_escapes(text.as_bytes());
    let plain = String::from_utf8_lossy(&plain);
    plain.lines().map(|line| line.split('\t').map(on_one_line).collect::<Vec<_>>().join("\t")).collect()
}

/// A line of JSON in which also those characters are escaped that JSON lets through, since it may be shown on a terminal. Its
/// meaning stays the same.
pub fn json(line: Vec<u8>) -> Vec<u8> {
    match str::from_utf8(&line) {
        Ok(text) if text.contains(is_unseen) => {
            let escaped = |c: char| if is_unseen(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
            text.chars().map(escaped).collect::<String>().into_bytes()
        }
        _ => line,
    }
}

/// Control characters, line separators, and what has no width or changes the direction of the text.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{is_unseen, json, lines, on_one_line};

    #[test]
    fn a_name_made_a_line_of_its_own() {
        assert_eq!(on_one_line("a\nminis2i: build ok: x"), r"a\nminis2i: build ok: x");
        assert_eq!(on_one_line("a\u{1b}[2J\u{9b}1m\u{7f}"), r"a\u{1b}[2J\u{9b}1m\u{7f}");
        assert_eq!(on_one_line("a\u{202e}txt.exe\u{200b}"), r"a\u{202e}txt.exe\u{200b}");
        assert_eq!(on_one_line(r"äöü \n 日本"), r"äöü \n 日本");
    }

    #[test]
    fn an_error_of_the_engine_keeps_its_lines() {
        let text = "\u{1b}[31mred\u{1b}[0m:\ttab\r\nnext\u{8}\n";
        assert_eq!(lines(text), ["red:\ttab", r"next\u{8}"]);
    }

    proptest! {
        #[test]
        fn nothing_unseen_is_left(text in any::<String>()) {
            prop_assert!(!on_one_line(&text).contains(is_unseen));
            for line in lines(&text) {
                prop_assert!(!line.replace('\t', "").contains(is_unseen));
            }
        }

        #[test]
        fn json_means_the_same(text in any::<String>()) {
            let line = json(serde_json::to_vec(&text).unwrap());
            prop_assert_eq!(serde_json::from_slice::<String>(&line).unwrap(), text);
            prop_assert!(!str::from_utf8(&line).unwrap().contains(is_unseen));
        }
    }
}
