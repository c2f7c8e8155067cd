//! Which files of a work tree git has in its index.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::command::query_git_within;
use crate::cancel::Cancel;

/// How long git may take to list its index: a hundred times what 100,000 files take (0.06 s), for slow disks.
const LIMIT: Duration = Duration::from_secs(6);

/// The paths in an index, sorted, in one piece of memory.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TrackedPaths {
    /// Each path ends with a NUL.
    text: Vec<u8>,
    begins: Vec<usize>,
}

impl TrackedPaths {
    /// Asks git for all of a work tree with this top folder.
    ///
    /// # Errors
    /// When git cannot be started, fails, or does not answer in time, or work was cancelled.
    pub fn ask(top: &Path, cancel: &Cancel) -> Result<Self> {
        query_git_within(top, &["ls-files", "--cached", "-z"], LIMIT, cancel).map(Self::of)
    }

    /// Takes in paths that end with a NUL each.
    fn of(text: Vec<u8>) -> Self {
        let ends = text.iter().enumerate().filter(|(_, byte)| **byte == 0).map(|(end, _)| end + 1);
        let mut begins: Vec<usize> = std::iter::once(0).chain(ends).collect();
        begins.pop();
        let mut paths = Self { text, begins };
        // git sorts them, but for the parts of an index that is split.
        let Self { text, begins } = &mut paths;
        begins.sort_by(|one, other| path_at(text, *one).cmp(path_at(text, *other)));
        paths
    }

    /// Whether git has this file, or has a submodule here.
    pub fn has(&self, path: &[u8]) -> bool {
        self.begins.binary_search_by(|begin| path_at(&self.text, *begin).cmp(path)).is_ok()
    }

    /// Whether git has a file below this folder.
    pub fn has_below(&self, folder: &[u8]) -> bool {
        let top = [folder, b"/"].concat();
        let next = self.begins.partition_point(|begin| path_at(&self.text, *begin) < top.as_slice());
        self.begins.get(next).is_some_and(|begin| path_at(&self.text, *begin).starts_with(&top))
    }
}

fn path_at(text: &[u8], begin: usize) -> &[u8] {
    text[begin..].split(|byte| *byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::TrackedPaths;

    #[test]
    fn files_and_the_folders_above_them_are_found() {
        let paths = TrackedPaths::of(b"a-b\0a/b/c\0a0\0z\0".to_vec());
        assert!(paths.has(b"a/b/c") && paths.has(b"z") && !paths.has(b"a") && !paths.has(b"a/b"));
        assert!(paths.has_below(b"a") && paths.has_below(b"a/b") && !paths.has_below(b"a/b/c"));
        assert!(!paths.has_below(b"z") && !paths.has_below(b"b"));
        assert!(!TrackedPaths::of(Vec::new()).has(b""));
    }
}
