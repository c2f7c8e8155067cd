//! What the ignore rules keep out of the upload: how much it is, and what of it is the largest.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::snapshot::Snapshot;

/// The largest of the ignored entries.
#[derive(Debug, PartialEq, Eq)]
pub struct Largest {
    pub path: PathBuf,
    /// Bytes of its files, as many as could be counted in time.
    pub bytes: u64,
    /// Whether there was time to count all.
    pub complete: bool,
}

/// Weighs the ignored entries of a snapshot, for at most `budget` in all: ignoring a folder of a hundred thousand
/// files must not cost the time to look at them.
pub fn largest_ignored(root: &Path, snapshot: &Snapshot, budget: Duration) -> Option<Largest> {
    let deadline = Instant::now() + budget;
    let weighed = snapshot.ignored.iter().map(|path| {
        let (bytes, complete) = weigh(&root.join(path), deadline);
        Largest { path: path.clone(), bytes, complete }
    });
    weighed.max_by_key(|entry| entry.bytes)
}

fn weigh(top: &Path, deadline: Instant) -> (u64, bool) {
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
