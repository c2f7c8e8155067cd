//! Texts as the formats want them quoted; those for a shell are in `shell`.

use std::fmt::Write;

/// Whether a character is not seen, ends a line, or changes the direction of the text: it is escaped in all formats.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// A text in double quotes for YAML.
pub fn yaml(text: &str) -> String {
    unicode_escaped(text)
}

/// A text in double quotes for Starlark, the language of Tilt, which is also one for Python.
pub fn starlark(text: &str) -> String {
    unicode_escaped(text)
}

/// A text in double quotes for Lua: what is not seen is written byte by byte, as all versions of the language read it.
pub fn lua(text: &str) -> String {
    in_quotes(text, |c, quoted| {
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            write!(quoted, "\\{byte:03}").expect("a string can be written to");
        }
    })
}

/// A text as a word of a command line of systemd, which replaces `%` and `$`, and has the escapes of C.
pub fn systemd(text: &str) -> String {
    let doubled = text.replace('%', "%%").replace('$', "$$");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+$".contains(c);
    if !doubled.is_empty() && doubled.chars().all(is_plain) {
        return doubled;
    }
    in_quotes(&doubled, |c, quoted| {
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            write!(quoted, "\\x{byte:02x}").expect("a string can be written to");
        }
    })
}

/// A text as the value of an attribute in XML, which cannot hold control characters.
pub fn xml(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A word of the parameters of a tool in an editor of JetBrains: double quotes, in which a backslash only stands for itself
/// unless a quote follows. Each `$` is followed by an end of the quotes, since names between two of them are replaced.
pub fn jetbrains(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    let text = word.trim_end_matches('\\');
    let quoted = text.replace('"', "\\\"").replace('$', "$\"\"");
    // A backslash before the closing quote would escape it.
    format!("\"{quoted}\"{}", &word[text.len()..])
}

fn unicode_escaped(text: &str) -> String {
    in_quotes(text, |c, quoted| {
        let code = u32::from(c);
        let written = if code <= 0xffff { write!(quoted, "\\u{code:04x}") } else { write!(quoted, "\\U{code:08x}") };
        written.expect("a string can be written to");
    })
}

/// A text in double quotes, with a backslash before quotes and backslashes, and what is not seen written by `escape`.
fn in_quotes(text: &str, escape: impl Fn(char, &mut String)) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if is_hidden(c) => escape(c, &mut quoted),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
