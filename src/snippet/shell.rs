//! Words and lines for a POSIX shell.
//!
//! A line is one line whatever is in its words, so that it can stand where a format ends a command at a line feed. It has
//! neither `${` nor `{{` in it, which many formats replace before a shell sees them.

use std::fmt::Write;

use super::quote::is_hidden;

/// Which pairs of characters may not stand side by side in quotes.
type Breaks<'a> = &'a dyn Fn(char, char) -> bool;

/// A command as a line for a POSIX shell.
pub fn line(words: &[String]) -> String {
    on_one_line(|breaks| joined(words, breaks), &begins_template)
}

/// The same with the value of a variable in the place of one of the words.
pub fn line_with_variable(words: &[String], at: usize, variable: &str) -> String {
    let word = |(index, word): (usize, &String), breaks: Breaks| {
        if index == at { format!("\"${variable}\"") } else { quoted(word, breaks) }
    };
    let text = |breaks: Breaks| words.iter().enumerate().map(|it| word(it, breaks)).collect::<Vec<_>>().join(" ");
    on_one_line(text, &begins_template)
}

/// A command as a line without any variable of the shell: each `$` is followed by an end of quotes.
pub fn line_without_variables(words: &[String]) -> String {
    on_one_line(|breaks| joined(words, breaks), &|before, next| before == '$' || begins_template(before, next))
}

/// A command as words that start it through a shell, of which each is one line.
pub fn program(mut words: Vec<String>) -> Vec<String> {
    // So that signals for the shell reach the command.
    words.insert(0, "exec".to_owned());
    ["sh".to_owned(), "-c".to_owned(), line(&words)].into()
}

/// Whether these two characters begin something that a format replaces: `${`, `{{`.
fn begins_template(before: char, next: char) -> bool {
    next == '{' && (before == '$' || before == '{')
}

fn joined(words: &[String], breaks: Breaks) -> String {
    words.iter().map(|word| quoted(word, breaks)).collect::<Vec<_>>().join(" ")
}

/// A line as it is, or one in which `printf` makes the characters that are not seen of their octal numbers.
fn on_one_line(text: impl Fn(Breaks) -> String, breaks: Breaks) -> String {
    let plain = text(breaks);
    if !plain.contains(is_hidden) {
        return plain;
    }
    let mut format = String::new();
    for c in text(&|_, _| false).chars() {
        match c {
            '%' => format.push_str("%%"),
            '\\' => format.push_str(r"\\"),
            c if is_hidden(c) => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| {
                write!(format, "\\{byte:03o}").expect("a string can be written to");
            }),
            c => format.push(c),
        }
    }
    format!("eval \"$(printf {})\"", quoted(&format, breaks))
}

/// A word in single quotes where the shell needs them. Between two characters that `breaks` names, the quotes end and begin
/// again.
fn quoted(word: &str, breaks: Breaks) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    // Shells replace `=name` at the beginning of a word, too.
    if !word.is_empty() && !word.starts_with('=') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    let mut text = String::from("'");
    let mut before = None;
    for c in word.chars() {
        if before.is_some_and(|before| breaks(before, c)) {
            text.push_str("''");
        }
        match c {
            '\'' => text.push_str(r"'\''"),
            c => text.push(c),
        }
        before = Some(c);
    }
    text.push('\'');
    text
}
