//! The last file of an upload: the shell text that completes the source in the container and then runs `assemble`.

use std::collections::BTreeSet;

use super::shell::quote;
use crate::source::snapshot::parent;

/// What the container has to do when the upload is complete. Paths are relative to the destination, except that of
/// `assemble`.
#[derive(Clone, Debug, Default)]
pub struct FinalScript {
    /// The folder in which the upload was extracted.
    pub destination: String,
    /// Paths to remove: they were sent but are not in the source any more.
    pub remove: Vec<Vec<u8>>,
    /// Folders whose modification times the removals change, with the time to set, in seconds and nanoseconds.
    pub touch: Vec<(Vec<u8>, (i64, u32))>,
    /// Folders that were sent writable so that they could be filled, with the mode to set.
    pub modes: Vec<(Vec<u8>, u32)>,
    /// The path of `assemble`.
    pub assemble: String,
    /// Leave the source in the image.
    pub keep_source: bool,
    /// Groups of folders in a large source, relative to it, that are removed in parallel.
    pub removal_groups: Vec<Vec<Vec<u8>>>,
}

impl FinalScript {
    /// The shell text. It defines a function that the container calls, so that a text that was cut short does nothing.
    pub fn text(&self) -> Vec<u8> {
        let mut text = b"minis2i_finish() {\n".to_vec();
        let quote_below = |path: &[u8]| quote(&[self.destination.as_bytes(), b"/", path].concat());
        for path in &self.remove {
            text.extend([b"rm -rf -- ", quote_below(path).as_slice(), b"\n"].concat());
        }
        for (path, mode) in &self.modes {
            text.extend([format!("chmod {mode:o} -- ").as_bytes(), &quote_below(path), b"\n"].concat());
        }
        for (path, (seconds, nanos)) in &self.touch {
            let path = quote_below(path);
            // Some versions of `touch` do not accept fractions of a second.
            text.extend([format!("touch -m -d @{seconds}.{nanos:09} -- ").as_bytes(), &path].concat());
            text.extend([format!(" 2>/dev/null || touch -m -d @{seconds} -- ").as_bytes(), &path, b"\n"].concat());
        }
        text.extend_from_slice(&self.source_removal());
        let action = if self.keep_source { "keep" } else { "remove" };
        text.extend([b"minis2i_go ", quote(self.assemble.as_bytes()).as_slice(), b" "].concat());
        text.extend_from_slice(action.as_bytes());
        text.extend_from_slice(b"\n}\n");
        text
    }

    /// The shell text of the function that removes the groups of folders in a large source.
    fn source_removal(&self) -> Vec<u8> {
        let mut text = b"minis2i_clear() {\n:\n".to_vec();
        let source = [self.destination.as_bytes(), b"/src"].concat();
        for group in &self.removal_groups {
            let paths: Vec<_> = group.iter().map(|path| [&source, b"/".as_slice(), path].concat()).collect();
            // If `assemble` replaced a folder by a symlink, `rm` would remove files elsewhere.
            let parents: BTreeSet<&[u8]> = paths.iter().map(|path| parent(path)).chain([source.as_slice()]).collect();
            text.extend_from_slice(b"{ ");
            for folder in parents {
                text.extend([b"[ -L ", quote(folder).as_slice(), b" ] || "].concat());
            }
            text.extend_from_slice(b"rm -rf --");
            paths.iter().for_each(|path| text.extend([b" ", quote(path).as_slice()].concat()));
            text.extend_from_slice(b" 2>/dev/null; } &\n");
        }
        text.extend_from_slice(b"wait\n}\n");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::FinalScript;

    #[test]
    fn groups_are_not_removed_through_links() {
        let removal_groups = vec![vec![b"a".to_vec(), b"b/c".to_vec()]];
        let finish = FinalScript { destination: "/tmp".to_owned(), removal_groups, ..FinalScript::default() };
        let script = String::from_utf8(finish.text()).unwrap();
        let line =
            "{ [ -L '/tmp/src' ] || [ -L '/tmp/src/b' ] || rm -rf -- '/tmp/src/a' '/tmp/src/b/c' 2>/dev/null; } &";
        assert!(script.contains(line), "{script}");
    }

    #[test]
    fn names_of_removed_files_can_not_break_out() {
        let finish = FinalScript {
            destination: "/tmp".to_owned(),
            remove: vec![b"src/a'; touch b '".to_vec()],
            ..FinalScript::default()
        };
        let script = String::from_utf8(finish.text()).unwrap();
        assert!(script.contains(r"rm -rf -- '/tmp/src/a'\''; touch b '\'''"), "{script}");
    }
}
