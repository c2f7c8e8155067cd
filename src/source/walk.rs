//! Walking through the source on disk: through everything, or only where something may have changed.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use super::entry::{Entry, Kind};
use super::read_error::{unreadable, vanished};
use super::rules::{Rules, Verdict};
use super::snapshot::{Snapshot, parent};

/// Where something may have changed. Paths are relative to the root; the empty path is the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirtyPaths {
    /// Folders whose own entries may have changed.
    pub folders: BTreeSet<Box<[u8]>>,
    /// Paths at and below which anything may have changed.
    pub trees: BTreeSet<Box<[u8]>>,
}

impl DirtyPaths {
    /// Whether something may have changed in an ignored folder that was entered and is not in the snapshot `known`, so that
    /// it could not be looked at alone.
    fn concern_a_hidden_folder(&self, known: &Snapshot) -> bool {
        let hidden: HashSet<_> =
            known.entered_ignored.iter().filter(|folder| known.find(folder).is_none()).cloned().collect();
        self.folders.iter().chain(&self.trees).any(|path| is_below(path, &hidden))
    }
}

/// The callback that gets the absolute path of each folder before the folder is listed.
pub type OnFolder<'a> = dyn FnMut(&Path) + 'a;

/// Walks through everything below `root`, an absolute path.
///
/// # Errors
/// When a folder or an entry cannot be read, unless it has vanished meanwhile.
pub fn take_snapshot(root: &Path, rules: &mut Rules, on_folder: &mut OnFolder) -> Result<Snapshot> {
    let mut walk = Walk::new(root, rules, on_folder);
    walk.list_tree(Vec::new())?;
    let mut snapshot = walk.finish();
    drop_empty(&mut snapshot);
    note_rules(&mut snapshot, rules)?;
    Ok(snapshot)
}

/// A new snapshot, for which only the dirty paths are looked at; the rest is taken from the snapshot `known`.
///
/// # Errors
/// When a folder or an entry cannot be read, unless it has vanished meanwhile.
pub fn update_snapshot(
    known: &Snapshot,
    root: &Path,
    rules: &mut Rules,
    dirty: &DirtyPaths,
    on_folder: &mut OnFolder,
) -> Result<Snapshot> {
    // What is behind a link has no folder of its own that could be dirty.
    if rules.follow || dirty.trees.contains(&[][..]) || dirty.concern_a_hidden_folder(known) {
        let mut whole = take_snapshot(root, rules, on_folder)?;
        whole.adopt(known);
        return Ok(whole);
    }
    let mut walk = Walk::new(root, rules, on_folder);
    let relisted = walk.relist(known, dirty)?;
    let mut snapshot = walk.finish();
    snapshot.adopt(known);
    relisted.add_rest(&mut snapshot, known);
    drop_empty(&mut snapshot);
    note_rules(&mut snapshot, rules)?;
    Ok(snapshot)
}

/// Notes in a snapshot what is odd about the rules.
fn note_rules(snapshot: &mut Snapshot, rules: &mut Rules) -> Result<()> {
    snapshot.rule_faults = rules.faults()?;
    if snapshot.entries.iter().all(|entry| entry.is_folder()) {
        snapshot.emptied_by = snapshot.ignored.first().and_then(|path| rules.rule_about(path));
    }
    Ok(())
}

/// Which part of a known snapshot a walk has replaced.
#[derive(Default)]
struct Relisted<'a> {
    /// Folders whose own entries were listed again.
    folders: HashSet<&'a [u8]>,
    /// Known folders that are gone, or below which everything was listed again.
    trees: HashSet<Box<[u8]>>,
}

impl Relisted<'_> {
    /// Whether an entry of the known snapshot is replaced, or gone.
    fn covers(&self, path: &[u8]) -> bool {
        self.folders.contains(parent(path)) || self.folders.contains(path) || is_below(path, &self.trees)
    }

    /// Adds to a snapshot what the walk did not replace of the known one.
    fn add_rest(&self, snapshot: &mut Snapshot, known: &Snapshot) {
        snapshot.entries.extend(known.entries.iter().filter(|entry| !self.covers(&entry.path)).cloned());
        snapshot.entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let stays = |path: &&PathBuf| !self.covers(path.as_os_str().as_bytes());
        snapshot.ignored.extend(known.ignored.iter().filter(stays).cloned());
        snapshot.ignored.sort_unstable();
        snapshot.special.extend(known.special.iter().filter(stays).cloned());
        snapshot.special.sort_unstable();
        snapshot.entered_ignored.extend(known.entered_ignored.iter().cloned());
    }
}

/// Whether a path is one of `tops`, or below one.
fn is_below(path: &[u8], tops: &HashSet<Box<[u8]>>) -> bool {
    if tops.is_empty() {
        return false;
    }
    let mut ancestor = path;
    while !ancestor.is_empty() {
        if tops.contains(ancestor) {
            return true;
        }
        ancestor = parent(ancestor);
    }
    false
}

/// A walk, and what it has found so far.
struct Walk<'a> {
    root: &'a Path,
    rules: &'a mut Rules,
    on_folder: &'a mut OnFolder<'a>,
    snapshot: Snapshot,
    /// Folders that are still to be listed.
    pending: Vec<Vec<u8>>,
}

impl<'a> Walk<'a> {
    fn new<'b: 'a>(root: &'a Path, rules: &'a mut Rules, on_folder: &'a mut OnFolder<'b>) -> Self {
        let snapshot = Snapshot::default();
        Self { root, rules, on_folder, snapshot, pending: Vec::new() }
    }

    /// Lists everything below a folder.
    fn list_tree(&mut self, folder: Vec<u8>) -> Result<()> {
        self.pending.push(folder);
        while let Some(folder) = self.pending.pop() {
            self.list_folder(&folder)?;
        }
        Ok(())
    }

    /// Lists the dirty folders and trees again.
    fn relist<'d>(&mut self, known: &Snapshot, dirty: &'d DirtyPaths) -> Result<Relisted<'d>> {
        let is_known_folder = |path: &[u8]| {
            known.find(path).map_or_else(|| known.entered_ignored.contains(path), |entry| entry.is_folder())
        };
        let is_clean = |path: &[u8]| !dirty.trees.contains(path) && is_known_folder(path);
        let parents = dirty.trees.iter().map(|path| parent(path));
        let folders: BTreeSet<&[u8]> = dirty.folders.iter().map(|path| &**path).chain(parents).collect();
        let mut relisted = Relisted::default();
        for folder in folders {
            if !(folder.is_empty() || is_known_folder(folder)) || is_below(folder, &relisted.trees) {
                continue;
            }
            let kept = self.relist_folder(folder, &is_clean)?;
            relisted.folders.insert(folder);
            let before = known.folders_in(folder).map(|entry| &entry.path);
            let entered = known.entered_ignored.iter().filter(|path| parent(path) == folder);
            relisted.trees.extend(before.chain(entered).filter(|path| !kept.contains(*path)).cloned());
        }
        for folder in &relisted.folders {
            if !folder.is_empty() && !relisted.folders.contains(parent(folder)) {
                self.add_folder_itself(folder)?;
            }
        }
        Ok(relisted)
    }

    /// Lists a folder's own entries, and everything below those of its folders that are not clean. Returns the clean ones.
    fn relist_folder(&mut self, folder: &[u8], is_clean: &dyn Fn(&[u8]) -> bool) -> Result<HashSet<Box<[u8]>>> {
        self.list_folder(folder)?;
        let folders = std::mem::take(&mut self.pending);
        let (clean, dirty): (Vec<_>, Vec<_>) = folders.into_iter().partition(|path| is_clean(path));
        for folder in dirty {
            self.list_tree(folder)?;
        }
        Ok(clean.into_iter().map(Into::into).collect())
    }

    /// Adds the entry of a folder itself, whose times change with its entries.
    fn add_folder_itself(&mut self, folder: &[u8]) -> Result<()> {
        let absolute = self.root.join(OsStr::from_bytes(folder));
        match fs::symlink_metadata(&absolute).and_then(|own| self.resolve_link(own, || absolute.clone())) {
            Ok(meta) if meta.is_dir() => {
                self.snapshot.entries.push(Arc::new(Entry::new(folder, Kind::Folder, &meta)));
                Ok(())
            }
            Err(error) if !vanished(&error) => Err(unreadable(&absolute, error)),
            // If it is not a folder any more, the folder that contains it is dirty as well.
            _ => Ok(()),
        }
    }

    /// The snapshot of what was found.
    fn finish(self) -> Snapshot {
        let mut snapshot = self.snapshot;
        snapshot.entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        snapshot.ignored.sort_unstable();
        snapshot.special.sort_unstable();
        snapshot
    }

    /// Adds the own entries of a folder, and notes the folders among them as pending.
    fn list_folder(&mut self, folder: &[u8]) -> Result<()> {
        let absolute = self.root.join(OsStr::from_bytes(folder));
        (self.on_folder)(&absolute);
        let listing = match fs::read_dir(&absolute) {
            Ok(listing) => listing,
            Err(error) if vanished(&error) && !folder.is_empty() => return Ok(()),
            Err(error) => return Err(unreadable(&absolute, error)),
        };
        for item in listing {
            let item = item.map_err(|error| unreadable(&absolute, error))?;
            match item.metadata().and_then(|own| self.resolve_link(own, || item.path())) {
                Ok(meta) => self.add(folder, &item, &meta)?,
                Err(error) if vanished(&error) => {}
                Err(error) => return Err(unreadable(&item.path(), error)),
            }
        }
        Ok(())
    }

    /// The metadata to use for a path with the metadata `own`: for a link that is to be followed, that of its target. A
    /// link stays a link if its target does not exist, or is a folder that contains the link.
    fn resolve_link(&self, own: Metadata, path: impl FnOnce() -> PathBuf) -> io::Result<Metadata> {
        if !self.rules.follow || !own.is_symlink() {
            return Ok(own);
        }
        let path = path();
        match fs::metadata(&path) {
            Ok(target) if target.is_dir() && is_inside(&path, &target) => Ok(own),
            Ok(target) => Ok(target),
            Err(error) if vanished(&error) => Ok(own),
            Err(error) => Err(error),
        }
    }

    /// Adds an entry of a folder, if the rules let it.
    fn add(&mut self, folder: &[u8], item: &fs::DirEntry, meta: &Metadata) -> Result<()> {
        let mut path = folder.to_vec();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(item.file_name().as_bytes());
        let relative = Path::new(OsStr::from_bytes(&path));
        let verdict = self.rules.verdict(relative, meta.is_dir());
        match verdict {
            Verdict::Unlisted => return Ok(()),
            Verdict::Ignored => {
                self.snapshot.ignored.push(relative.to_owned());
                return Ok(());
            }
            Verdict::Sent | Verdict::Descend => {}
        }
        if is_special(meta) {
            self.snapshot.special.push(relative.to_owned());
            return Ok(());
        }
        let Some(kind) = kind(&item.path(), meta)? else { return Ok(()) };
        self.snapshot.entries.push(Arc::new(Entry::new(&path, kind, meta)));
        if verdict == Verdict::Descend {
            self.snapshot.entered_ignored.insert(path.as_slice().into());
        }
        if meta.is_dir() {
            self.pending.push(path);
        }
        Ok(())
    }
}

/// Whether one of the folders that contain a path is this folder.
fn is_inside(path: &Path, folder: &Metadata) -> bool {
    let is_same = |ancestor: &Path| {
        fs::metadata(ancestor).is_ok_and(|ancestor| (ancestor.dev(), ancestor.ino()) == (folder.dev(), folder.ino()))
    };
    // Folders above the source count as well: they contain the source, which would be sent again.
    path.ancestors().skip(1).any(is_same)
}

/// Removes ignored folders that were entered, unless something below them is sent.
fn drop_empty(snapshot: &mut Snapshot) {
    let entered = &snapshot.entered_ignored;
    let is_empty = |folder: &[u8]| snapshot.below(folder).iter().all(|entry| entered.contains(&entry.path));
    let empty: HashSet<Box<[u8]>> = entered.iter().filter(|folder| is_empty(folder)).cloned().collect();
    if !empty.is_empty() {
        snapshot.entries.retain(|entry| !empty.contains(&entry.path));
    }
}

/// The kind of an entry; `None` when it is gone, or of a kind that is not sent.
fn kind(path: &Path, meta: &Metadata) -> Result<Option<Kind>> {
    let file_type = meta.file_type();
    if file_type.is_dir() {
        return Ok(Some(Kind::Folder));
    }
    if file_type.is_file() {
        return Ok(Some(Kind::File));
    }
    if !file_type.is_symlink() {
        return Ok(None);
    }
    match fs::read_link(path) {
        Ok(target) => Ok(Some(Kind::Link(target.into_os_string().into_vec().into()))),
        Err(error) if vanished(&error) => Ok(None),
        Err(error) => Err(unreadable(path, error)),
    }
}

/// Whether this is a socket, a FIFO or a device, which is not sent.
pub fn is_special(meta: &Metadata) -> bool {
    let kind = meta.file_type();
    kind.is_fifo() || kind.is_socket() || kind.is_block_device() || kind.is_char_device()
}

#[cfg(test)]
mod tests;
