//! Variables for `assemble` and the image: their files, and who wins.

use anyhow::{Result, bail};

/// What a file of variables holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    pub variables: Vec<(String, String)>,
    /// Numbers of lines that say nothing, counted from 1.
    pub dropped: Vec<usize>,
}

/// Reads `NAME=VALUE` lines. Names and values are trimmed, values are literal; `#` lines, also indented ones, are
/// comments; a leading `export ` is dropped.
///
/// # Errors
/// Bytes that are no text.
pub fn parse(bytes: &[u8]) -> Result<Parsed> {
    let Ok(text) = std::str::from_utf8(bytes) else { bail!("it is not UTF-8 text") };
    if text.contains('\0') {
        bail!("it has a zero byte");
    }
    let mut parsed = Parsed::default();
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        match line.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                parsed.variables.push((name.trim().to_owned(), value.trim().to_owned()));
            }
            _ => parsed.dropped.push(number + 1),
        }
    }
    Ok(parsed)
}

/// One list without duplicates: later lists win over earlier ones, later entries over earlier ones.
pub fn merge(lists: impl IntoIterator<Item = Vec<(String, String)>>) -> Vec<(String, String)> {
    let mut merged: Vec<(String, String)> = Vec::new();
    for (name, value) in lists.into_iter().flatten() {
        match merged.iter_mut().find(|(known, _)| *known == name) {
            Some(entry) => entry.1 = value,
            None => merged.push((name, value)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::{merge, parse};
    use proptest::prelude::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text.as_bytes()).unwrap().variables
    }

    fn own(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn lines_are_read_as_the_reference_does() {
        let text = "\u{feff}A = b c  \n# no\n  # x=2\nB=\"q\"\nC=b=c\nD=\nE=a # b\nF=$B\\n\r\nexport G=1\n";
        let expected =
            [("A", "b c"), ("B", "\"q\""), ("C", "b=c"), ("D", ""), ("E", "a # b"), ("F", "$B\\n"), ("G", "1")];
        assert_eq!(pairs(text), own(&expected));
    }

    #[test]
    fn lines_that_say_nothing_are_named() {
        assert_eq!(parse(b"A=1\nB\n\n=x\n").unwrap().dropped, [2, 4]);
    }

    #[test]
    fn a_line_of_any_length_is_kept() {
        let long = "x".repeat(200_000);
        assert_eq!(pairs(&format!("A={long}\nB=1"))[0].1.len(), 200_000);
    }

    #[test]
    fn what_is_no_text_is_an_error() {
        assert!(parse(b"A=\xff").is_err());
        assert!(parse(b"A=\0").is_err());
    }

    #[test]
    fn the_last_one_wins_in_its_first_place() {
        let merged = merge([own(&[("A", "1"), ("B", "1")]), own(&[("A", "2")])]);
        assert_eq!(merged, own(&[("A", "2"), ("B", "1")]));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_fault(text in "\\PC*") {
            let parsed = parse(text.as_bytes()).unwrap();
            prop_assert!(parsed.variables.iter().all(|(name, _)| !name.is_empty() && !name.contains('=')));
        }
    }
}
