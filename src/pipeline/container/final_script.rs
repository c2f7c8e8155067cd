//! The last file of an upload: the shell text that puts the finishing touches to the source, then runs `assemble`.

use std::collections::BTreeSet;

use super::shell::quote;
use crate::source::snapshot::parent;

/// What the container has to do when the upload is complete.
#[derive(Clone, Debug, Default)]
pub struct FinalScript {
    /// What all paths here are below, but for that of `assemble`.
    pub destination: String,
    /// Paths to remove first: sent, but not part of the snapshot any more.
    pub remove: Vec<Vec<u8>>,
    /// Folders whose modification time the removals moved, with the time to set.
    pub touch: Vec<(Vec<u8>, (i64, u32))>,
    /// Folders that came writable so that they could be filled, with their own mode.
    pub modes: Vec<(Vec<u8>, u32)>,
    /// The path of `assemble`.
    pub assemble: String,
    pub keep_source: bool,
    /// Folders of a large source that are removed side by side: waiting for the disk is most of what removing takes.
    pub removal_groups: Vec<Vec<Vec<u8>>>,
}

impl FinalScript {
    /// The shell text: one function, so that a text without its end defines nothing.
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
            // Not every `touch` knows fractions.
            text.extend([format!("touch -m -d @{seconds}.{nanos:09} -- ").as_bytes(), &path].concat());
            text.extend([format!(" 2>/dev/null || touch -m -d @{seconds} -- ").as_bytes(), &path, b"\n"].concat());
        }
        text.extend_from_slice(&self.clearing());
        let what = if self.keep_source { "keep" } else { "remove" };
        text.extend([b"minis2i_go ", quote(self.assemble.as_bytes()).as_slice(), b" "].concat());
        text.extend_from_slice(what.as_bytes());
        text.extend_from_slice(b"\n}\n");
        text
    }

    /// The shell text of the function that removes the folders of a large source.
    fn clearing(&self) -> Vec<u8> {
        let mut text = b"minis2i_clear() {\n:\n".to_vec();
        let source = [self.destination.as_bytes(), b"/src"].concat();
        for group in &self.removal_groups {
            let below: Vec<_> = group.iter().map(|path| [&source, b"/".as_slice(), path].concat()).collect();
            // Through a link that `assemble` put there, something else would be removed.
            let parents: BTreeSet<&[u8]> = below.iter().map(|path| parent(path)).chain([source.as_slice()]).collect();
            text.extend_from_slice(b"{ ");
            for folder in parents {
                text.extend([b"[ -L ", quote(folder).as_slice(), b" ] || "].concat());
            }
            text.extend_from_slice(b"rm -rf --");
            below.iter().for_each(|path| text.extend([b" ", quote(path).as_slice()].concat()));
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
