//! One entry of the source, as it looks from outside, and its content once it was read.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::hash::{DefaultHasher, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

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
    /// The content, once it was read.
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

    /// The content of a file, where it was read.
    pub fn hash(&self) -> Option<&Hash> {
        self.hash.get()
    }

    /// Notes the content. What is known stays: an entry stands for one state of a file.
    pub fn know(&self, hash: Hash) {
        let _ = self.hash.set(hash);
    }

    /// A number that differs when the inode, or the time of its last change, does.
    #[cfg(test)]
    pub fn trace(&self) -> u64 {
        self.trace
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
