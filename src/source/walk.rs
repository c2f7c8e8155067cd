//! Looking at the source on disk: everything, or only where something may have changed.

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

/// Where to look again: what is not named here is taken to be as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dirt {
    /// Folders whose own entries may have changed; the empty path is the root.
    pub folders: BTreeSet<Box<[u8]>>,
    /// Paths below which anything may have changed.
    pub trees: BTreeSet<Box<[u8]>>,
}

/// Hears of each folder, by its absolute path, before it is listed.
pub type OnFolder<'a> = dyn FnMut(&Path) + 'a;

/// Looks at everything below `root`. Each folder is told to `on_folder` before it is listed.
///
/// # Errors
/// A folder or entry that can not be read, unless it vanished meanwhile.
pub fn take_snapshot(root: &Path, rules: &mut Rules, on_folder: &mut OnFolder) -> Result<Snapshot> {
    let mut walk = Walk::new(root, rules, on_folder);
    walk.look_below(Vec::new())?;
    Ok(walk.finish())
}

/// A new snapshot, for which only what `dirt` names is looked at again; the rest is that of `known`.
///
/// # Errors
/// A folder or entry that can not be read, unless it vanished meanwhile.
pub fn update_snapshot(
    known: &Snapshot,
    root: &Path,
    rules: &mut Rules,
    dirt: &Dirt,
    on_folder: &mut OnFolder,
) -> Result<Snapshot> {
    // An ignored folder that is entered for what may come below it is part of no snapshot until it has.
    // What lies behind a link is in no folder that could be named.
    if known.has_passages || rules.follow || dirt.trees.contains(&[][..]) {
        let mut whole = take_snapshot(root, rules, on_folder)?;
        whole.adopt(known);
        return Ok(whole);
    }
    let mut walk = Walk::new(root, rules, on_folder);
    let mut listed: HashSet<&[u8]> = HashSet::new();
    let mut gone: HashSet<Box<[u8]>> = HashSet::new();
    let above = dirt.trees.iter().map(|path| parent(path));
    let folders: BTreeSet<&[u8]> = dirt.folders.iter().map(|path| &**path).chain(above).collect();
    for folder in folders {
        let is_folder = folder.is_empty() || known.find(folder).is_some_and(|entry| entry.is_folder());
        if !is_folder || is_below(folder, &gone) {
            continue;
        }
        let keeps = |path: &[u8]| !dirt.trees.contains(path) && known.find(path).is_some_and(|entry| entry.is_folder());
        let kept = walk.list_again(folder, &keeps)?;
        listed.insert(folder);
        let before = known.folders_in(folder);
        gone.extend(before.filter(|entry| !kept.contains(&entry.path)).map(|entry| entry.path.clone()));
    }
    for folder in listed.iter().filter(|folder| !folder.is_empty() && !listed.contains(parent(folder))) {
        walk.note_folder(folder)?;
    }
    let stays = |path: &[u8]| !listed.contains(parent(path)) && !listed.contains(path) && !is_below(path, &gone);
    let mut snapshot = walk.finish();
    snapshot.adopt(known);
    snapshot.entries.extend(known.entries.iter().filter(|entry| stays(&entry.path)).cloned());
    snapshot.entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let stays = |path: &&PathBuf| stays(path.as_os_str().as_bytes());
    snapshot.ignored.extend(known.ignored.iter().filter(stays).cloned());
    snapshot.ignored.sort_unstable();
    snapshot.special.extend(known.special.iter().filter(stays).cloned());
    Ok(snapshot)
}

/// Whether a path is one of `tops`, or below one.
fn is_below(path: &[u8], tops: &HashSet<Box<[u8]>>) -> bool {
    if tops.is_empty() {
        return false;
    }
    let mut above = path;
    while !above.is_empty() {
        if tops.contains(above) {
            return true;
        }
        above = parent(above);
    }
    false
}

/// A walk under way.
struct Walk<'a> {
    root: &'a Path,
    rules: &'a mut Rules,
    on_folder: &'a mut OnFolder<'a>,
    snapshot: Snapshot,
    /// Folders still to be looked into.
    pending: Vec<Vec<u8>>,
    /// Ignored folders that are entered to find what an include names below them.
    passages: HashSet<Box<[u8]>>,
}

impl<'a> Walk<'a> {
    fn new<'b: 'a>(root: &'a Path, rules: &'a mut Rules, on_folder: &'a mut OnFolder<'b>) -> Self {
        let snapshot = Snapshot::default();
        Self { root, rules, on_folder, snapshot, pending: Vec::new(), passages: HashSet::new() }
    }

    /// Looks at everything below a folder.
    fn look_below(&mut self, folder: Vec<u8>) -> Result<()> {
        self.pending.push(folder);
        while let Some(folder) = self.pending.pop() {
            self.look_into(&folder)?;
        }
        Ok(())
    }

    /// Looks at a folder's own entries, and below those folders in it that are not to be kept as they were; returns
    /// those that are.
    fn list_again(&mut self, folder: &[u8], keeps: &dyn Fn(&[u8]) -> bool) -> Result<HashSet<Box<[u8]>>> {
        self.look_into(folder)?;
        let (kept, new): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending).into_iter().partition(|path| keeps(path));
        for folder in new {
            self.look_below(folder)?;
        }
        Ok(kept.into_iter().map(Into::into).collect())
    }

    /// Notes the folder itself, whose times tell that its entries changed.
    fn note_folder(&mut self, folder: &[u8]) -> Result<()> {
        let absolute = self.root.join(OsStr::from_bytes(folder));
        match fs::symlink_metadata(&absolute).and_then(|own| self.followed(own, || absolute.clone())) {
            Ok(meta) if meta.is_dir() => {
                self.snapshot.entries.push(Arc::new(Entry::new(folder, Kind::Folder, &meta)));
                Ok(())
            }
            Err(error) if !vanished(&error) => Err(unreadable(&absolute, error)),
            // Its own folder will be listed again for that.
            _ => Ok(()),
        }
    }

    fn finish(self) -> Snapshot {
        let Self { mut snapshot, passages, .. } = self;
        snapshot.entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        drop_empty(&mut snapshot.entries, &passages);
        snapshot.has_passages = !passages.is_empty();
        snapshot.ignored.sort_unstable();
        snapshot
    }

    fn look_into(&mut self, folder: &[u8]) -> Result<()> {
        let absolute = self.root.join(OsStr::from_bytes(folder));
        (self.on_folder)(&absolute);
        let listing = match fs::read_dir(&absolute) {
            Ok(listing) => listing,
            Err(error) if vanished(&error) && !folder.is_empty() => return Ok(()),
            Err(error) => return Err(unreadable(&absolute, error)),
        };
        for item in listing {
            let item = item.map_err(|error| unreadable(&absolute, error))?;
            match item.metadata().and_then(|own| self.followed(own, || item.path())) {
                Ok(meta) => self.add(folder, &item, &meta)?,
                Err(error) if vanished(&error) => {}
                Err(error) => return Err(unreadable(&item.path(), error)),
            }
        }
        Ok(())
    }

    /// What is there. A link that is to be followed is what it points to, unless that is nothing, or a folder that the
    /// link lies in.
    fn followed(&self, own: Metadata, path: impl FnOnce() -> PathBuf) -> io::Result<Metadata> {
        if !self.rules.follow || !own.is_symlink() {
            return Ok(own);
        }
        let path = path();
        match fs::metadata(&path) {
            Ok(target) if target.is_dir() && self.lies_in(&path, &target) => Ok(own),
            Ok(target) => Ok(target),
            Err(error) if vanished(&error) => Ok(own),
            Err(error) => Err(error),
        }
    }

    /// Whether the way to a path comes through this folder.
    fn lies_in(&self, path: &Path, folder: &Metadata) -> bool {
        let same = |above: &Path| {
            fs::metadata(above).is_ok_and(|above| (above.dev(), above.ino()) == (folder.dev(), folder.ino()))
        };
        // Also above the source: what lies there would bring the source with it.
        path.ancestors().skip(1).any(same)
    }

    fn add(&mut self, folder: &[u8], item: &fs::DirEntry, meta: &Metadata) -> Result<()> {
        let mut path = folder.to_vec();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(item.file_name().as_bytes());
        let relative = Path::new(OsStr::from_bytes(&path));
        let verdict = self.rules.verdict(relative, meta.is_dir());
        match verdict {
            Verdict::Git => return Ok(()),
            Verdict::Ignored => {
                self.snapshot.ignored.push(relative.to_owned());
                return Ok(());
            }
            Verdict::Sent | Verdict::Descend => {}
        }
        if special(meta) {
            self.snapshot.special.push(relative.to_owned());
            return Ok(());
        }
        let Some(kind) = kind(&item.path(), meta)? else { return Ok(()) };
        self.snapshot.entries.push(Arc::new(Entry::new(&path, kind, meta)));
        if verdict == Verdict::Descend {
            self.passages.insert(path.as_slice().into());
        }
        if meta.is_dir() {
            self.pending.push(path);
        }
        Ok(())
    }
}

/// Folders that were entered only to look for something below them stay only if it was found.
fn drop_empty(entries: &mut Vec<Arc<Entry>>, passages: &HashSet<Box<[u8]>>) {
    if passages.is_empty() {
        return;
    }
    let mut needed: HashSet<Box<[u8]>> = HashSet::new();
    for entry in entries.iter().filter(|entry| !passages.contains(&entry.path)) {
        let slashes = entry.path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        needed.extend(slashes.map(|(end, _)| entry.path[..end].into()));
    }
    entries.retain(|entry| !passages.contains(&entry.path) || needed.contains(&entry.path));
}

/// What an entry is; `None` when it is gone, or of a kind that can not travel.
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

fn special(meta: &Metadata) -> bool {
    let kind = meta.file_type();
    kind.is_fifo() || kind.is_socket() || kind.is_block_device() || kind.is_char_device()
}

#[cfg(test)]
mod tests;
