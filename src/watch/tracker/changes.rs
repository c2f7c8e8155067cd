//! The end of a build, and what it was made of that the image before was not.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use super::Tracker;
use crate::report::message::Outcome;
use crate::source::entry::Entry;
use crate::source::snapshot::{Snapshot, parent};

impl Tracker {
    /// The build under way ended. What it was made of has the tag now, or did not get it; a cancelled one never was. Returns
    /// the paths that differ between what it was made of and what had the tag before, if any did in this watch.
    pub fn close_build(&mut self, outcome: Outcome) -> Vec<PathBuf> {
        self.open.store(false, Ordering::Relaxed);
        let changed = match (&self.tagged, &self.built) {
            (Some(tagged), Some(built)) => changed_paths(built, tagged),
            _ => Vec::new(),
        };
        match outcome {
            Outcome::Ok => self.tagged.clone_from(&self.built),
            Outcome::Failed => {}
            Outcome::Cancelled => self.built.clone_from(&self.tagged),
        }
        changed
    }
}

/// The paths that differ, in their order. A folder whose content came or went says less than the content, so it is left out.
/// No file is read: one of which it is not known that its content is the same is taken to have changed.
fn changed_paths(now: &Snapshot, before: &Snapshot) -> Vec<PathBuf> {
    let delta = now.since(before);
    let written = delta.written.into_iter().map(|index| &now.entries[index]);
    let written = written.filter(|entry| !before.find(&entry.path).is_some_and(|old| has_same_content(entry, old)));
    let mut paths: Vec<&[u8]> = written.map(|entry| &*entry.path).collect();
    paths.extend(delta.removed.iter().map(|path| &**path));
    paths.sort_unstable();
    let parents: HashSet<&[u8]> = paths.iter().map(|path| parent(path)).collect();
    let leaves = paths.iter().filter(|path| !parents.contains(*path));
    leaves.map(|path| PathBuf::from(OsStr::from_bytes(path))).collect()
}

fn has_same_content(entry: &Entry, before: &Entry) -> bool {
    entry.kind == before.kind && entry.mode == before.mode && entry.hash().is_some() && entry.hash() == before.hash()
}
