//! One entry of the source: its metadata, and the hash of its content once that was read.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::hash::{DefaultHasher, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

/// The hash of a file's content: the first 16 bytes of its BLAKE3 hash, to save memory where there are many files.
pub type Hash = [u8; 16];

/// The kind of an entry. Entries of other kinds are not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    /// A symbolic link, with its target.
    Link(Box<[u8]>),
}

/// One entry of the source. Snapshots share the entries that did not change.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The path relative to the root, as bytes: names need not be UTF-8.
    pub path: Box<[u8]>,
    pub kind: Kind,
    /// Permission bits, with setuid, setgid and sticky.
    pub mode: u32,
    /// The size of a file in bytes; 0 for other kinds.
    pub size: u64,
    /// When the content was last modified, in seconds and nanoseconds since 1970.
    pub mtime: (i64, u32),
    /// A hash of the inode's number and of the time of its last change: a file that was replaced by one of the same age
    /// differs here.
    inode_stamp: u64,
    /// The hash of a file's content, once it was read.
    hash: OnceLock<Hash>,
}

impl Entry {
    /// An entry with a path relative to the root, whose content was not read.
    pub fn new(path: &[u8], kind: Kind, meta: &Metadata) -> Self {
        let size = if kind == Kind::File { meta.size() } else { 0 };
        let mut inode_stamp = DefaultHasher::new();
        inode_stamp.write_i64(meta.ctime());
        inode_stamp.write_i64(meta.ctime_nsec());
        inode_stamp.write_u64(meta.ino());
        Self {
            path: path.into(),
            kind,
            mode: meta.mode() & 0o7777,
            size,
            mtime: (meta.mtime(), nanoseconds(meta.mtime_nsec())),
            inode_stamp: inode_stamp.finish(),
            hash: OnceLock::new(),
        }
    }

    /// The path relative to the root.
    pub fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.path))
    }

    /// Whether this is a folder.
    pub fn is_folder(&self) -> bool {
        self.kind == Kind::Folder
    }

    /// Whether kind and metadata are the same, so that the content is taken to be the same, too. A file that was
    /// rewritten with the same bytes does not have the same metadata.
    pub fn has_same_metadata(&self, other: &Entry) -> bool {
        let metadata = |entry: &Entry| match entry.kind {
            // A folder's times only say that its entries changed, which are compared themselves.
            Kind::Folder => (entry.mode, 0, (0, 0), 0),
            _ => (entry.mode, entry.size, entry.mtime, entry.inode_stamp),
        };
        self.kind == other.kind && metadata(self) == metadata(other)
    }

    /// The hash of a file's content, if it was read.
    pub fn hash(&self) -> Option<&Hash> {
        self.hash.get()
    }

    /// Sets the hash of a file's content, unless it is set: an entry stands for one state of a file.
    pub fn set_hash(&self, hash: Hash) {
        let _ = self.hash.set(hash);
    }

    /// A number that differs when the inode, or the time of its last change, does.
    #[cfg(test)]
    pub fn inode_stamp(&self) -> u64 {
        self.inode_stamp
    }

    /// The entry with metadata that matches nothing on disk, so that the next comparison finds it changed.
    pub fn marked_changed(&self) -> Self {
        Self { inode_stamp: !self.inode_stamp, hash: OnceLock::new(), ..self.clone() }
    }
}

/// Whether an inode changed less than `age` ago.
pub fn changed_within(meta: &Metadata, age: Duration) -> bool {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let changed = Duration::new(u64::try_from(meta.ctime()).unwrap_or(0), nanoseconds(meta.ctime_nsec()));
    changed + age > now
}

/// Nanoseconds of a timestamp; the system gives them as a signed number that is never negative.
fn nanoseconds(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(0)
}
