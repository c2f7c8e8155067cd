//! What the source held at one moment, and the difference between two such moments.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::entry::{Entry, Kind};
use super::rule_file::RuleLine;

/// The entries of the source that are sent, and what was left out, each sorted by path.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub entries: Vec<Arc<Entry>>,
    /// The paths that the rules hide; nothing below an ignored folder is listed.
    pub ignored: Vec<PathBuf>,
    /// Sockets, FIFOs and devices, which are not sent.
    pub special: Vec<PathBuf>,
    /// The ignored folders that were entered to find what is sent all the same; those with nothing of that kind below them
    /// are no entries.
    pub entered_ignored: HashSet<Box<[u8]>>,
    /// What is wrong with the rules, each as a sentence.
    pub rule_faults: Vec<String>,
    /// The rule that hides the first ignored path, if no file is left to send.
    pub emptied_by: Option<RuleLine>,
}

/// The difference between two snapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// The indices of new and changed entries in the newer snapshot.
    pub written: Vec<usize>,
    /// The paths that are gone, each folder before what was below it.
    pub removed: Vec<Box<[u8]>>,
    /// The paths where a folder became something else, or the reverse: they have to be removed before they are written.
    pub replaced: Vec<Box<[u8]>>,
}

impl Delta {
    /// Whether the snapshots are the same.
    pub fn is_empty(&self) -> bool {
        self.written.is_empty() && self.removed.is_empty() && self.replaced.is_empty()
    }
}

impl Snapshot {
    /// The entries below a folder, without the folder itself.
    pub fn below(&self, folder: &[u8]) -> &[Arc<Entry>] {
        if folder.is_empty() {
            return &self.entries;
        }
        let begin = [folder, b"/"].concat();
        // `0` is the byte after `/`.
        let end = [folder, b"0"].concat();
        let begin = self.entries.partition_point(|entry| *entry.path < *begin);
        let end = self.entries.partition_point(|entry| *entry.path < *end);
        &self.entries[begin..end]
    }

    /// The folders that lie in a folder itself. What lies deeper is passed over, not looked at.
    pub fn folders_in(&self, folder: &[u8]) -> impl Iterator<Item = &Arc<Entry>> {
        let below = self.below(folder);
        let skip = if folder.is_empty() { 0 } else { folder.len() + 1 };
        let mut index = 0;
        std::iter::from_fn(move || {
            loop {
                let entry = below.get(index)?;
                if let Some(end) = entry.path[skip..].iter().position(|byte| *byte == b'/') {
                    let after = [&entry.path[..skip + end], b"0"].concat();
                    index += below[index..].partition_point(|entry| *entry.path < *after);
                    continue;
                }
                index += 1;
                if entry.is_folder() {
                    return Some(entry);
                }
            }
        })
    }

    /// The size of all files in bytes.
    pub fn size(&self) -> u64 {
        self.entries.iter().map(|entry| entry.size).sum()
    }

    /// The entry with this path, if there is one.
    pub fn find(&self, path: &[u8]) -> Option<&Entry> {
        self.position(path).map(|index| &*self.entries[index])
    }

    /// The index of the entry with this path, if there is one.
    pub fn position(&self, path: &[u8]) -> Option<usize> {
        self.entries.binary_search_by(|entry| (*entry.path).cmp(path)).ok()
    }

    /// How this snapshot differs from `older`, by kind and metadata.
    pub fn since(&self, older: &Snapshot) -> Delta {
        let mut delta = Delta::default();
        let mut old = older.entries.iter().peekable();
        for (index, entry) in self.entries.iter().enumerate() {
            // Most are the same in memory, so that nothing of them has to be read.
            if old.next_if(|other| Arc::ptr_eq(other, entry)).is_some() {
                continue;
            }
            while let Some(gone) = old.next_if(|other| other.path < entry.path) {
                delta.removed.push(gone.path.clone());
            }
            match old.next_if(|other| other.path == entry.path) {
                Some(before) if before.has_same_metadata(entry) => {}
                Some(before) => {
                    if before.is_folder() != entry.is_folder() {
                        delta.replaced.push(entry.path.clone());
                    }
                    delta.written.push(index);
                }
                None => delta.written.push(index),
            }
        }
        delta.removed.extend(old.map(|gone| gone.path.clone()));
        delta
    }

    /// Takes over from `older` the entries that have the same metadata, and with them the hashes of their content.
    pub fn adopt(&mut self, older: &Snapshot) {
        let mut old = older.entries.iter().peekable();
        for entry in &mut self.entries {
            if old.next_if(|other| Arc::ptr_eq(other, entry)).is_some() {
                continue;
            }
            while old.next_if(|other| other.path < entry.path).is_some() {}
            if let Some(before) = old.next_if(|other| other.path == entry.path)
                && before.has_same_metadata(entry)
                // The times of a folder are not compared, but they are sent.
                && before.mtime == entry.mtime
            {
                *entry = before.clone();
            }
        }
    }

    /// A hash of all paths, kinds, modes, link targets and contents, but not of times. `None` while a hash of a content is
    /// missing.
    pub fn digest(&self) -> Option<blake3::Hash> {
        let mut hasher = blake3::Hasher::new();
        let mut buffer = Vec::with_capacity(2 * DIGEST_PIECE);
        for entry in &self.entries {
            if buffer.len() > DIGEST_PIECE {
                hasher.update(&buffer);
                buffer.clear();
            }
            let mut field = |bytes: &[u8]| {
                buffer.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
                buffer.extend_from_slice(bytes);
            };
            field(&entry.path);
            field(&entry.mode.to_le_bytes());
            match &entry.kind {
                Kind::File => field(entry.hash()?),
                Kind::Folder => field(b"folder"),
                Kind::Link(target) => field(target),
            }
        }
        hasher.update(&buffer);
        Some(hasher.finalize())
    }
}

/// How much is hashed at once, in bytes: enough for blake3 to hash several blocks side by side.
const DIGEST_PIECE: usize = 64 * 1024;

/// The folder that contains a path; the root is the empty path.
pub fn parent(path: &[u8]) -> &[u8] {
    path.iter().rposition(|byte| *byte == b'/').map_or(&[], |end| &path[..end])
}

/// The folders above a path, the nearest first.
pub fn parents(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/').map(|(end, _)| &path[..end])
}

#[cfg(test)]
mod tests {
    use super::{Snapshot, parent};
    use crate::source::entry::{Entry, Kind};
    use proptest::prelude::*;
    use std::sync::Arc;

    proptest! {
        #[test]
        fn folders_in_a_folder_are_those_whose_parent_it_is(paths in prop::collection::btree_set("[ab-]{1,2}(/[ab-]{1,2}){0,3}", 0..40)) {
            let meta = std::fs::metadata("/").unwrap();
            let mut snapshot = Snapshot::default();
            for (number, path) in paths.iter().enumerate() {
                let kind = if number % 3 == 0 { Kind::File } else { Kind::Folder };
                snapshot.entries.push(Arc::new(Entry::new(path.as_bytes(), kind, &meta)));
            }
            for folder in paths.iter().map(String::as_bytes).chain([&b""[..]]) {
                let found: Vec<_> = snapshot.folders_in(folder).map(|entry| &entry.path).collect();
                let all = snapshot.entries.iter().filter(|entry| entry.is_folder() && parent(&entry.path) == folder);
                prop_assert_eq!(found, all.map(|entry| &entry.path).collect::<Vec<_>>());
            }
        }
    }
}
