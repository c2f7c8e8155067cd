//! The changed paths as the value of an environment variable.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// The most bytes that the value may have: half of what Linux lets one variable have, so that the user's own environment
/// has room in what a program can be started with altogether.
const SIZE_LIMIT: usize = 64 * 1024;

/// Paths, as far as there is room for them.
#[derive(Debug, PartialEq, Eq)]
pub struct ChangedVariable {
    /// A path a line, without a line feed at the end.
    pub value: OsString,
    /// How many paths are not in the value.
    pub more: usize,
}

impl ChangedVariable {
    /// The first paths, byte for byte, as far as there is room. A path with a line feed would look like two, and one with a
    /// zero byte cannot be: they are only counted.
    pub fn new(paths: &[PathBuf]) -> Self {
        let mut value = Vec::new();
        let mut listed = 0;
        for path in paths {
            let path = path.as_os_str().as_bytes();
            if path.contains(&b'\n') || path.contains(&0) {
                continue;
            }
            if value.len() + 1 + path.len() > SIZE_LIMIT {
                break;
            }
            if listed > 0 {
                value.push(b'\n');
            }
            value.extend_from_slice(path);
            listed += 1;
        }
        Self { value: OsString::from_vec(value), more: paths.len() - listed }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::{ChangedVariable, SIZE_LIMIT};

    fn variable(paths: &[&str]) -> (String, usize) {
        let paths: Vec<_> = paths.iter().map(PathBuf::from).collect();
        let variable = ChangedVariable::new(&paths);
        (variable.value.into_string().unwrap(), variable.more)
    }

    #[test]
    fn a_path_is_a_line_and_one_with_a_line_feed_is_counted() {
        assert_eq!(variable(&[]), (String::new(), 0));
        assert_eq!(variable(&["a b", "c/d"]), ("a b\nc/d".to_owned(), 0));
        assert_eq!(variable(&["a\nb", "c", "d"]), ("c\nd".to_owned(), 1));
    }

    #[test]
    fn what_is_too_much_for_one_variable_is_counted() {
        let paths: Vec<_> = (0..20_000).map(|number| format!("folder/file-{number}")).collect();
        let (value, more) = variable(&paths.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(value.len() <= SIZE_LIMIT && value.len() > SIZE_LIMIT - 100, "{}", value.len());
        assert_eq!(value.lines().count() + more, paths.len());
        assert!(value.lines().eq(paths.iter().take(paths.len() - more)));
    }

    proptest! {
        #[test]
        fn each_path_is_listed_or_counted(paths in prop::collection::vec("[a\n]{1,4}", 0..20)) {
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            let (value, more) = variable(&paths);
            prop_assert_eq!(value.lines().count() + more, paths.len());
        }
    }
}
