//! The size of what the ignore rules keep out of the upload, for a note to the user.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::snapshot::Snapshot;

/// The largest ignored entry.
#[derive(Debug, PartialEq, Eq)]
pub struct Largest {
    pub path: PathBuf,
    /// The size of its files in bytes, as far as they could be counted in time.
    pub bytes: u64,
    /// Whether all files were counted.
    pub complete: bool,
}

/// Finds the largest ignored entry of a snapshot; `None` if there are no ignored ones. Counting ends after `time_limit`,
/// so that a build does not wait for a hundred thousand ignored files to be counted.
pub fn largest_ignored(root: &Path, snapshot: &Snapshot, time_limit: Duration) -> Option<Largest> {
    let deadline = Instant::now() + time_limit;
    let measured = snapshot.ignored.iter().map(|path| {
        let (bytes, complete) = size_of(&root.join(path), deadline);
        Largest { path: path.clone(), bytes, complete }
    });
    measured.max_by_key(|entry| entry.bytes)
}

/// The size in bytes of all files at and below `top`, and whether all were counted before the deadline.
fn size_of(top: &Path, deadline: Instant) -> (u64, bool) {
    let mut bytes = 0;
    let mut pending = vec![top.to_owned()];
    while let Some(path) = pending.pop() {
        if Instant::now() > deadline {
            return (bytes, false);
        }
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        if !meta.is_dir() {
            bytes += meta.len();
            continue;
        }
        let Ok(listing) = fs::read_dir(&path) else { continue };
        pending.extend(listing.flatten().map(|item| item.path()));
    }
    (bytes, true)
}
