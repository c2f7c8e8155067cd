//! What the source held at one moment, and the difference of two such moments.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use anyhow::Result;

use super::rules::{Rules, Verdict};
use crate::failure::Failure;

/// The hash of a file's content: the first half of its BLAKE3 hash, since there is one for each of many files.
pub type Hash = [u8; 16];

/// What an entry is. Only these three travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    Link(Box<[u8]>),
}

/// One entry of the source. Snapshots share those that did not change.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Relative to the root, as bytes: names need not be UTF-8.
    pub path: Box<[u8]>,
    pub kind: Kind,
    /// Permission bits, with setuid, setgid and sticky.
    pub mode: u32,
    /// Bytes of a file's content, 0 for others.
    pub size: u64,
    /// Seconds and nanoseconds since 1970.
    pub mtime: (i64, u32),
    /// Of the time of the last change of the inode, and its number: a file replaced by an equally old one differs here.
    trace: u64,
    /// The content, once somebody has read it.
    hash: OnceLock<Hash>,
}

impl Entry {
    pub fn new(path: &[u8], kind: Kind, meta: &Metadata) -> Self {
        let size = if kind == Kind::File { meta.size() } else { 0 };
        let mut trace = DefaultHasher::new();
        trace.write_i64(meta.ctime());
        trace.write_i64(meta.ctime_nsec());
        trace.write_u64(meta.ino());
        Self {
            path: path.into(),
            kind,
            mode: meta.mode() & 0o7777,
            size,
            mtime: (meta.mtime(), nanoseconds(meta.mtime_nsec())),
            trace: trace.finish(),
            hash: OnceLock::new(),
        }
    }

    /// The path below the root.
    pub fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.path))
    }

    pub fn is_folder(&self) -> bool {
        self.kind == Kind::Folder
    }

    /// Whether nothing seen from outside says that the entry changed. Two looks at an unchanged file agree;
    /// a file rewritten with the same bytes does not agree with its old self.
    pub fn looks_like(&self, other: &Entry) -> bool {
        let outside = |entry: &Entry| match entry.kind {
            // A folder's own times tell of its entries, which are compared themselves.
            Kind::Folder => (entry.mode, 0, (0, 0), 0),
            _ => (entry.mode, entry.size, entry.mtime, entry.trace),
        };
        self.kind == other.kind && outside(self) == outside(other)
    }

    /// The content of a file, where somebody has read it.
    pub fn hash(&self) -> Option<&Hash> {
        self.hash.get()
    }

    /// Notes the content. What is known stays: an entry stands for one state of a file.
    pub fn know(&self, hash: Hash) {
        let _ = self.hash.set(hash);
    }

    /// The same path looking like nothing on disk, so that the next comparison finds it changed.
    pub fn spoiled(&self) -> Self {
        Self { trace: !self.trace, hash: OnceLock::new(), ..self.clone() }
    }
}

/// Whether an inode changed less than `step` ago.
pub fn changed_lately(meta: &Metadata, step: Duration) -> bool {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let changed = Duration::new(u64::try_from(meta.ctime()).unwrap_or(0), nanoseconds(meta.ctime_nsec()));
    changed + step > now
}

fn nanoseconds(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(0)
}

/// Everything that counts below the root, sorted by path.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub entries: Vec<Arc<Entry>>,
    /// Paths that rules hide, the topmost ones only.
    pub ignored: Vec<PathBuf>,
    /// Sockets, FIFOs and devices, which can not travel.
    pub special: Vec<PathBuf>,
    /// Ignored folders were entered to find what an include names below them.
    has_passages: bool,
}

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
    /// Looks at everything below `root`. Each folder is told to `on_folder` before it is listed.
    ///
    /// # Errors
    /// A folder or entry that can not be read, unless it vanished meanwhile.
    pub fn take(root: &Path, rules: &mut Rules, on_folder: &mut OnFolder) -> Result<Self> {
        let mut walk = Walk::new(root, rules, on_folder);
        walk.look_below(Vec::new())?;
        Ok(walk.finish())
    }

    /// A new snapshot, for which only what `dirt` names is looked at again.
    ///
    /// # Errors
    /// As for [`take`](Self::take).
    pub fn look_again(&self, root: &Path, rules: &mut Rules, dirt: &Dirt, on_folder: &mut OnFolder) -> Result<Self> {
        // An ignored folder that is entered for what may come below it is part of no snapshot until it has.
        // What lies behind a link is in no folder that could be named.
        if self.has_passages || rules.follow || dirt.trees.contains(&[][..]) {
            let mut whole = Self::take(root, rules, on_folder)?;
            whole.adopt(self);
            return Ok(whole);
        }
        let mut walk = Walk::new(root, rules, on_folder);
        let mut listed: HashSet<&[u8]> = HashSet::new();
        let mut gone: HashSet<Box<[u8]>> = HashSet::new();
        let above = dirt.trees.iter().map(|path| parent(path));
        let folders: BTreeSet<&[u8]> = dirt.folders.iter().map(|path| &**path).chain(above).collect();
        for folder in folders {
            let known = folder.is_empty() || self.find(folder).is_some_and(|entry| entry.is_folder());
            if !known || is_below(folder, &gone) {
                continue;
            }
            let keeps =
                |path: &[u8]| !dirt.trees.contains(path) && self.find(path).is_some_and(|entry| entry.is_folder());
            let kept = walk.list_again(folder, &keeps)?;
            listed.insert(folder);
            let before = self.below(folder).iter().filter(|entry| entry.is_folder() && parent(&entry.path) == folder);
            gone.extend(before.filter(|entry| !kept.contains(&entry.path)).map(|entry| entry.path.clone()));
        }
        for folder in listed.iter().filter(|folder| !folder.is_empty() && !listed.contains(parent(folder))) {
            walk.note_folder(folder)?;
        }
        let stays = |path: &[u8]| !listed.contains(parent(path)) && !listed.contains(path) && !is_below(path, &gone);
        let mut snapshot = walk.finish();
        snapshot.adopt(self);
        snapshot.entries.extend(self.entries.iter().filter(|entry| stays(&entry.path)).cloned());
        snapshot.entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let stays = |path: &&PathBuf| stays(path.as_os_str().as_bytes());
        snapshot.ignored.extend(self.ignored.iter().filter(stays).cloned());
        snapshot.ignored.sort_unstable();
        snapshot.special.extend(self.special.iter().filter(stays).cloned());
        Ok(snapshot)
    }

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

/// Whether an entry is gone, or is not any more what it was a moment ago.
pub fn vanished(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, IsADirectory, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | IsADirectory | InvalidInput)
        || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// The error for a part of the source that can not be read.
pub fn unreadable(path: &Path, error: io::Error) -> anyhow::Error {
    let denied = error.kind() == io::ErrorKind::PermissionDenied;
    let failure = Failure::usage(format!("cannot read `{}`", path.display())).because(error);
    if denied {
        let hint = "make it readable (`chmod u+r`), or leave it out: name it in .s2iignore or with `--exclude GLOB`";
        return failure.hint(hint).into();
    }
    failure.into()
}

#[cfg(test)]
mod tests {
    use super::{Dirt, Snapshot, parent};
    use crate::source::{Rules, Selection};
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    /// One change of a tree. Paths are made of few names, so that changes meet.
    #[derive(Clone, Debug)]
    enum Change {
        Write(String),
        Fill(String),
        Remove(String),
        Rename(String, String),
        Chmod(String, u32),
        Link(String),
        Ignore(String),
    }

    fn path() -> impl Strategy<Value = String> {
        prop::collection::vec(prop_oneof!["a", "b", "a-b", "x.log"], 1..4).prop_map(|parts| parts.join("/"))
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            4 => path().prop_map(Change::Write),
            2 => path().prop_map(Change::Fill),
            2 => path().prop_map(Change::Remove),
            2 => (path(), path()).prop_map(|(from, to)| Change::Rename(from, to)),
            1 => (path(), 0o700_u32..0o1000).prop_map(|(path, mode)| Change::Chmod(path, mode)),
            1 => path().prop_map(Change::Link),
            1 => path().prop_map(Change::Ignore),
        ]
    }

    /// Makes the change, if the tree lets it, and notes what events would tell of it.
    fn make(root: &Path, change: &Change, dirt: &mut Dirt, rules_changed: &mut bool) {
        let tell = |path: &str, dirt: &mut Dirt, tree: bool| {
            dirt.folders.insert(parent(path.as_bytes()).into());
            if tree {
                dirt.trees.insert(path.as_bytes().into());
            }
        };
        let at = |path: &str| root.join(path);
        match change {
            Change::Write(path) => drop(fs::write(at(path), path).map(|()| tell(path, dirt, false))),
            Change::Fill(path) => {
                // Only the topmost new folder is told.
                let mut top = path.as_str();
                while let Some((above, _)) = top.rsplit_once('/').filter(|(above, _)| !at(above).exists()) {
                    top = above;
                }
                let is_new = !at(top).exists();
                if fs::create_dir_all(at(path)).is_ok() {
                    let _ = fs::write(at(path).join("deep"), "");
                    tell(top, dirt, is_new);
                    tell(&format!("{path}/deep"), dirt, false);
                }
            }
            Change::Remove(path) => {
                if fs::remove_dir_all(at(path)).or_else(|_| fs::remove_file(at(path))).is_ok() {
                    tell(path, dirt, true);
                }
            }
            Change::Rename(from, to) => {
                if fs::rename(at(from), at(to)).is_ok() {
                    tell(from, dirt, true);
                    tell(to, dirt, true);
                }
            }
            Change::Chmod(path, mode) => {
                let set = fs::set_permissions(at(path), fs::Permissions::from_mode(*mode));
                drop(set.map(|()| tell(path, dirt, false)));
            }
            Change::Link(path) => drop(symlink("target", at(path)).map(|()| tell(path, dirt, false))),
            Change::Ignore(path) => {
                if fs::write(at(path).join(".gitignore"), "*.log\n").is_ok() {
                    *rules_changed = true;
                }
            }
        }
    }

    fn shape(snapshot: &Snapshot) -> Vec<String> {
        let entries = snapshot.entries.iter().map(|entry| {
            // Of a folder's times, only the one that is sent counts.
            let trace = if entry.is_folder() { format!("{:?}", entry.mtime) } else { entry.trace.to_string() };
            format!("{} {:?} {:o} {} {trace}", entry.path().display(), entry.kind, entry.mode, entry.size)
        });
        entries.chain(snapshot.ignored.iter().map(|path| format!("ignored {}", path.display()))).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn looking_where_events_were_sees_what_a_whole_walk_sees(
            rounds in prop::collection::vec(prop::collection::vec(change(), 1..6), 1..6),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let root = dir.path();
            fs::write(root.join(".gitignore"), "x.log\n").unwrap();
            let selection = Selection { gitignore: true, ..Selection::default() };
            let rules = || Rules::new(root, &selection).unwrap();
            let mut seen = Snapshot::take(root, &mut rules(), &mut |_| {}).unwrap();
            for round in rounds {
                let mut dirt = Dirt::default();
                let mut rules_changed = false;
                round.iter().for_each(|change| make(root, change, &mut dirt, &mut rules_changed));
                if rules_changed {
                    dirt.trees = BTreeSet::from([[].into()]);
                }
                seen = seen.look_again(root, &mut rules(), &dirt, &mut |_| {}).unwrap();
                let whole = Snapshot::take(root, &mut rules(), &mut |_| {}).unwrap();
                prop_assert_eq!(shape(&seen), shape(&whole), "{:?}", dirt);
            }
        }
    }
}
