//! What the source held at one moment, and the difference of two such moments.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Result;

use super::archive::Sent;
use super::rules::{Rules, Verdict};
use crate::failure::Failure;

/// The hash of a file's content.
pub type Hash = [u8; 32];

/// What an entry is. Only these three travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    Link(Box<[u8]>),
}

/// One entry of the source.
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
    /// Time of the last change of the inode, and its number: a file replaced by an equally old one differs here.
    ctime: (i64, u32),
    inode: u64,
    /// It was read so soon after it changed that another change may have left no trace outside.
    pub unsettled: bool,
    /// The content, once somebody has read it.
    pub hash: Option<Hash>,
}

impl Entry {
    pub fn new(path: &[u8], kind: Kind, meta: &Metadata) -> Self {
        let size = if kind == Kind::File { meta.size() } else { 0 };
        Self {
            path: path.into(),
            kind,
            mode: meta.mode() & 0o7777,
            size,
            mtime: (meta.mtime(), nanoseconds(meta.mtime_nsec())),
            ctime: (meta.ctime(), nanoseconds(meta.ctime_nsec())),
            inode: meta.ino(),
            unsettled: false,
            hash: None,
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
            Kind::Folder => (entry.mode, 0, (0, 0), (0, 0), 0),
            _ => (entry.mode, entry.size, entry.mtime, entry.ctime, entry.inode),
        };
        self.kind == other.kind && outside(self) == outside(other)
    }

    /// Makes the entry look like nothing on disk, so that the next comparison finds it changed.
    pub fn spoil(&mut self) -> Sent {
        self.inode = u64::MAX;
        self.hash = None;
        Sent::Torn
    }

    /// Whether the inode changed less than `step` ago.
    pub fn changed_lately(&self, step: Duration) -> bool {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let changed = Duration::new(u64::try_from(self.ctime.0).unwrap_or(0), self.ctime.1);
        changed + step > now
    }
}

fn nanoseconds(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(0)
}

/// Everything that counts below the root, sorted by path.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub entries: Vec<Entry>,
    /// Paths that rules hide, the topmost ones only.
    pub ignored: Vec<PathBuf>,
    /// Sockets, FIFOs and devices, which can not travel.
    pub special: Vec<PathBuf>,
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
    /// Looks at everything below `root`.
    ///
    /// # Errors
    /// A folder or entry that can not be read, unless it vanished meanwhile.
    pub fn take(root: &Path, rules: &mut Rules) -> Result<Self> {
        let mut walk =
            Walk { root, rules, snapshot: Self::default(), pending: vec![Vec::new()], passages: HashSet::new() };
        while let Some(folder) = walk.pending.pop() {
            walk.look_into(&folder)?;
        }
        let Walk { mut snapshot, passages, .. } = walk;
        snapshot.entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        snapshot.drop_empty(&passages);
        snapshot.ignored.sort_unstable();
        Ok(snapshot)
    }

    /// Folders that were entered only to look for something below them stay only if it was found.
    fn drop_empty(&mut self, passages: &HashSet<Box<[u8]>>) {
        if passages.is_empty() {
            return;
        }
        let mut needed: HashSet<Box<[u8]>> = HashSet::new();
        for entry in self.entries.iter().filter(|entry| !passages.contains(&entry.path)) {
            let slashes = entry.path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
            needed.extend(slashes.map(|(end, _)| entry.path[..end].into()));
        }
        self.entries.retain(|entry| !passages.contains(&entry.path) || needed.contains(&entry.path));
    }

    pub fn find(&self, path: &[u8]) -> Option<&Entry> {
        self.entries.binary_search_by(|entry| (*entry.path).cmp(path)).ok().map(|index| &self.entries[index])
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
                Some(before) if before.looks_like(entry) => {}
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

    /// Takes over what `older` knows about the content of files that look unchanged.
    pub fn remember_hashes(&mut self, older: &Snapshot) {
        let mut old = older.entries.iter().peekable();
        for entry in &mut self.entries {
            while old.next_if(|other| other.path < entry.path).is_some() {}
            if let Some(before) = old.next_if(|other| other.path == entry.path)
                && before.looks_like(entry)
            {
                entry.hash = before.hash;
                entry.unsettled = before.unsettled;
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
                Kind::File => field(&entry.hash?),
                Kind::Folder => field(b"folder"),
                Kind::Link(target) => field(target),
            }
        }
        Some(hasher.finalize())
    }
}

/// A walk under way.
struct Walk<'a> {
    root: &'a Path,
    rules: &'a mut Rules,
    snapshot: Snapshot,
    /// Folders still to be looked into.
    pending: Vec<Vec<u8>>,
    /// Ignored folders that are entered to find what an include names below them.
    passages: HashSet<Box<[u8]>>,
}

impl Walk<'_> {
    fn look_into(&mut self, folder: &[u8]) -> Result<()> {
        let absolute = self.root.join(OsStr::from_bytes(folder));
        let listing = match fs::read_dir(&absolute) {
            Ok(listing) => listing,
            Err(error) if vanished(&error) && !folder.is_empty() => return Ok(()),
            Err(error) => return Err(unreadable(&absolute, error)),
        };
        for item in listing {
            let item = item.map_err(|error| unreadable(&absolute, error))?;
            match item.metadata() {
                Ok(meta) => self.add(folder, &item, &meta)?,
                Err(error) if vanished(&error) => {}
                Err(error) => return Err(unreadable(&item.path(), error)),
            }
        }
        Ok(())
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
        self.snapshot.entries.push(Entry::new(&path, kind, meta));
        if verdict == Verdict::Descend {
            self.passages.insert(path.as_slice().into());
        }
        if meta.is_dir() {
            self.pending.push(path);
        }
        Ok(())
    }
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
