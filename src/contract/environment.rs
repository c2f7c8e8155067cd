//! Environment variables for `assemble` and the image: the format of files such as `.s2i/environment`, and the
//! precedence of several lists. Reading the files is left to the settings.

use std::collections::HashMap;

use anyhow::{Result, bail};

/// The content of a file of variables.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// Names and values, in the order of the file.
    pub variables: Vec<(String, String)>,
    /// Numbers of the lines that define no variable and are ignored, counted from 1.
    pub dropped: Vec<usize>,
}

/// Parses `NAME=VALUE` lines. Names and values are trimmed, and values are literal, without quoting or expansion. Lines
/// that start with `#`, indented or not, are comments. A leading `export ` is dropped.
///
/// # Errors
/// If the bytes are not UTF-8 or contain a zero byte. The error is a sentence about the file.
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

/// Merges lists of names and values into one without duplicates. The last value of a name wins and takes the position
/// of its first one.
pub fn merge(lists: impl IntoIterator<Item = Vec<(String, String)>>) -> Vec<(String, String)> {
    let mut merged: Vec<(String, String)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (name, value) in lists.into_iter().flatten() {
        match places.get(&name) {
            Some(place) => merged[*place].1 = value,
            None => {
                places.insert(name.clone(), merged.len());
                merged.push((name, value));
            }
        }
    }
    merged
}

/// Whether the value has the text `$NAME` or `${NAME}` of its own variable, as if a shell replaced it.
pub fn names_itself(name: &str, value: &str) -> bool {
    let continues = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    value.match_indices('$').any(|(index, _)| {
        let rest = &value[index + 1..];
        let braced = rest.strip_prefix('{').and_then(|rest| rest.strip_prefix(name));
        braced.is_some_and(|rest| !continues(rest)) || rest.strip_prefix(name).is_some_and(|rest| !continues(rest))
    })
}

#[cfg(test)]
mod tests {
    use super::{merge, names_itself, parse};
    use proptest::prelude::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text.as_bytes()).unwrap().variables
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn lines_are_read_as_the_reference_does() {
        let text = "\u{feff}A = b c  \n# no\n  # x=2\nB=\"q\"\nC=b=c\nD=\nE=a # b\nF=$B\\n\r\nexport G=1\n";
        let expected =
            [("A", "b c"), ("B", "\"q\""), ("C", "b=c"), ("D", ""), ("E", "a # b"), ("F", "$B\\n"), ("G", "1")];
        assert_eq!(pairs(text), owned(&expected));
    }

    #[test]
    fn lines_without_a_variable_are_counted() {
        assert_eq!(parse(b"A=1\nB\n\n=x\n").unwrap().dropped, [2, 4]);
    }

    #[test]
    fn values_with_their_own_name_are_noticed() {
        for value in ["/x:$PATH", "$PATH:/x", "${PATH}", "${PATH:-/bin}", "$A$PATH"] {
            assert!(names_itself("PATH", value), "{value}");
        }
        for value in ["/x", "PATH", "$PATH_TWO", "${PATHS}", "$OTHER", "$"] {
            assert!(!names_itself("PATH", value), "{value}");
        }
    }

    #[test]
    fn a_line_of_any_length_is_kept() {
        let long = "x".repeat(200_000);
        assert_eq!(pairs(&format!("A={long}\nB=1"))[0].1.len(), 200_000);
    }

    #[test]
    fn bytes_that_are_not_text_are_an_error() {
        assert!(parse(b"A=\xff").is_err());
        assert!(parse(b"A=\0").is_err());
    }

    #[test]
    fn the_last_value_wins_at_the_first_position() {
        let merged = merge([owned(&[("A", "1"), ("B", "1")]), owned(&[("A", "2")])]);
        assert_eq!(merged, owned(&[("A", "2"), ("B", "1")]));
    }

    proptest! {
        /// Looking for each name among all others says the same, but takes the square of the time.
        #[test]
        fn a_merge_is_what_looking_for_each_name_gives(lists in prop::collection::vec(
            prop::collection::vec(("[a-e]", "[0-9]"), 0..8), 0..4,
        )) {
            let mut expected: Vec<(String, String)> = Vec::new();
            for (name, value) in lists.clone().into_iter().flatten() {
                match expected.iter_mut().find(|(known, _)| *known == name) {
                    Some(entry) => entry.1 = value,
                    None => expected.push((name, value)),
                }
            }
            prop_assert_eq!(merge(lists), expected);
        }

        #[test]
        fn any_text_is_parsed_without_an_error(text in "\\PC*") {
            let parsed = parse(text.as_bytes()).unwrap();
            prop_assert!(parsed.variables.iter().all(|(name, _)| !name.is_empty() && !name.contains('=')));
        }
    }
}
