//! What the source held at one moment, and the difference of two such moments.

use std::path::PathBuf;
use std::sync::Arc;

use super::entry::{Entry, Kind};

/// Everything that counts below the root, sorted by path.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub entries: Vec<Arc<Entry>>,
    /// Paths that rules hide, the topmost ones only.
    pub ignored: Vec<PathBuf>,
    /// Sockets, FIFOs and devices, which can not travel.
    pub special: Vec<PathBuf>,
    /// Ignored folders were entered to find what an include names below them.
    pub has_passages: bool,
}

/// The difference of two snapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// Indices into the newer snapshot.
    pub written: Vec<usize>,
    /// Paths that are gone, each before what lay below it.
    pub removed: Vec<Box<[u8]>>,
    /// Paths that are of another kind now: these can not just be written over.
    pub replaced: Vec<Box<[u8]>>,
}

impl Delta {
    pub fn is_empty(&self) -> bool {
        self.written.is_empty() && self.removed.is_empty() && self.replaced.is_empty()
    }
}

impl Snapshot {
    /// Entries below a folder, which is not among them.
    pub fn below(&self, folder: &[u8]) -> &[Arc<Entry>] {
        if folder.is_empty() {
            return &self.entries;
        }
        let begin = [folder, b"/"].concat();
        // The byte after a slash.
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

    /// Bytes of all files.
    pub fn size(&self) -> u64 {
        self.entries.iter().map(|entry| entry.size).sum()
    }

    pub fn find(&self, path: &[u8]) -> Option<&Entry> {
        self.position(path).map(|index| &*self.entries[index])
    }

    /// The index of an entry.
    pub fn position(&self, path: &[u8]) -> Option<usize> {
        self.entries.binary_search_by(|entry| (*entry.path).cmp(path)).ok()
    }

    /// What has to be done to `older` to get this snapshot, as far as it can be told from outside.
    pub fn since(&self, older: &Snapshot) -> Delta {
        let mut delta = Delta::default();
        let mut old = older.entries.iter().peekable();
        for (index, entry) in self.entries.iter().enumerate() {
            while let Some(gone) = old.next_if(|other| other.path < entry.path) {
                delta.removed.push(gone.path.clone());
            }
            match old.next_if(|other| other.path == entry.path) {
                Some(before) if Arc::ptr_eq(before, entry) || before.looks_like(entry) => {}
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

    /// Takes over from `older` the entries that look the same, and with them what is known of their content.
    pub fn adopt(&mut self, older: &Snapshot) {
        let mut old = older.entries.iter().peekable();
        for entry in &mut self.entries {
            while old.next_if(|other| other.path < entry.path).is_some() {}
            if let Some(before) = old.next_if(|other| other.path == entry.path)
                && before.looks_like(entry)
                // A folder's times are sent, though they do not count.
                && before.mtime == entry.mtime
            {
                *entry = before.clone();
            }
        }
    }

    /// A hash over all paths, kinds, modes, link targets and contents; no times. `None` while a content is unknown.
    pub fn digest(&self) -> Option<blake3::Hash> {
        let mut hasher = blake3::Hasher::new();
        let mut field = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        for entry in &self.entries {
            field(&entry.path);
            field(&entry.mode.to_le_bytes());
            match &entry.kind {
                Kind::File => field(entry.hash()?),
                Kind::Folder => field(b"folder"),
                Kind::Link(target) => field(target),
            }
        }
        Some(hasher.finalize())
    }
}

/// The folder a path lies in; the root is the empty path.
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
