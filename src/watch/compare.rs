//! Two snapshots held against each other by content: what was only touched, or saved with the same bytes, did not change.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::source::entry::{Entry, Kind};
use crate::source::send::hash_file;
use crate::source::snapshot::Snapshot;

/// One difference of two sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub path: PathBuf,
    pub what: ChangeKind,
}

/// What happened to the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    New,
    Changed,
    Gone,
}

/// What differs in content between `now` and `base`. A file that was only touched, or saved with the same bytes, does
/// not; its new look is noted in the base.
pub fn differences(root: &Path, follow: bool, now: &Snapshot, base: Option<&mut Snapshot>) -> Vec<Difference> {
    let Some(base) = base else {
        return now
            .entries
            .iter()
            .map(|entry| Difference { path: entry.path().to_owned(), what: ChangeKind::New })
            .collect();
    };
    let delta = now.since(base);
    let mut differences = Vec::new();
    for index in delta.written {
        let entry = &now.entries[index];
        match base.position(&entry.path) {
            Some(before) if same_content(root, follow, entry, &base.entries[before]) => {
                base.entries[before] = entry.clone();
            }
            before => {
                let what = if before.is_some() { ChangeKind::Changed } else { ChangeKind::New };
                differences.push(Difference { path: entry.path().to_owned(), what });
            }
        }
    }
    let gone = delta.removed.iter().map(|path| PathBuf::from(OsStr::from_bytes(path)));
    differences.extend(gone.map(|path| Difference { path, what: ChangeKind::Gone }));
    differences
}

fn same_content(root: &Path, follow: bool, entry: &Entry, before: &Entry) -> bool {
    if entry.kind != before.kind || entry.mode != before.mode || entry.size != before.size {
        return false;
    }
    if entry.kind != Kind::File {
        return true;
    }
    read_content(root, follow, entry);
    // Two files of which nothing is known are not taken to be equal.
    entry.hash().is_some() && entry.hash() == before.hash()
}

/// The files that have to be read before these two can be compared: they look different, but may have the same content.
pub fn unread_candidates(current: &Snapshot, base: &Snapshot) -> Vec<Arc<Entry>> {
    let written = current.since(base).written.into_iter().map(|index| &current.entries[index]);
    let candidate = |entry: &&Arc<Entry>| {
        entry.hash().is_none() && base.find(&entry.path).is_some_and(|before| looks_comparable(entry, before))
    };
    written.filter(candidate).cloned().collect()
}

fn looks_comparable(entry: &Entry, before: &Entry) -> bool {
    entry.kind == Kind::File && before.kind == Kind::File && entry.mode == before.mode && entry.size == before.size
}

/// Notes the content of a file, unless it is known.
pub fn read_content(root: &Path, follow: bool, entry: &Entry) {
    if entry.hash().is_none()
        && let Ok(Some(hash)) = hash_file(&root.join(entry.path()), follow)
    {
        entry.set_hash(hash);
    }
}
