//! Relaying a tar stream from one container to another: each entry is checked, moved below `artifacts/` and written on.
//! Starting the process that writes the stream is left to the callers.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};

use anyhow::{Result, bail, ensure};

use crate::tar::header::{Fields, padded};
use crate::tar::reader::{TarEntry, next_entry, skip_content};
use crate::tar::writer::Writer;

/// The folder for artifacts, below the destination.
const FOLDER: &[u8] = b"artifacts";

/// Why relaying a stream ended early: because of the sender or because of the receiver.
#[derive(Debug)]
pub enum FilterError {
    /// The stream is not a tar archive, or is cut short.
    Stream(anyhow::Error),
    /// Writing to the receiver failed.
    Receiver(io::Error),
}

/// What was relayed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Relayed {
    /// The number of entries.
    pub entries: u64,
    /// Paths of folders that were sent writable so that they can be filled, each with the mode that it should have in
    /// the end. The paths start with `artifacts`.
    pub modes: Vec<(Vec<u8>, u32)>,
    pub left_out: LeftOut,
}

impl Relayed {
    /// Whether the stream had no entry at all.
    pub fn is_empty(&self) -> bool {
        self.entries == 0 && self.left_out.count == 0
    }
}

/// The entries that may not pass.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    pub count: u64,
    /// What is wrong with the first one; it is named.
    first: String,
}

impl LeftOut {
    fn add(&mut self, why: &anyhow::Error) {
        if self.count == 0 {
            self.first = why.to_string();
        }
        self.count += 1;
    }

    /// A warning, if there are any.
    pub fn warning(&self) -> Option<String> {
        match self.count {
            0 => None,
            1 => Some(format!("an entry of the artifacts is left out: {}", self.first)),
            count => Some(format!("{count} entries of the artifacts are left out, the first: {}", self.first)),
        }
    }
}

/// Relays a whole tar stream. `rename` is called with the path of each entry, and with the target of each hard link,
/// without `.` parts; it returns the new path below `artifacts`, or `None` if the entry is not wanted. An entry that may
/// not pass is left out: one that leads out of the folder, is neither a file, a folder nor a link, or would be written
/// through a symlink.
///
/// # Errors
/// If the stream cannot be used or the receiver cannot be written to; see [`FilterError`].
pub fn relay_archive<W: Write>(
    from: &mut impl Read,
    to: &mut Writer<W>,
    rename: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<Relayed, FilterError> {
    let mut guard = Guard::default();
    let mut relayed = Relayed::default();
    while let Some(mut entry) = next_entry(from).map_err(FilterError::Stream)? {
        let path = match admit(&mut entry, &mut guard, &rename) {
            Ok(Some(path)) => path,
            refused => {
                skip_content(from, entry.stored).map_err(FilterError::Stream)?;
                refused.unwrap_or_else(|why| {
                    relayed.left_out.add(&why);
                    None
                });
                continue;
            }
        };
        if relayed.entries == 0 && !path.is_empty() {
            to.folder(FOLDER, 0o755, (0, 0)).map_err(FilterError::Receiver)?;
        }
        relayed.entries += 1;
        let name = if path.is_empty() { FOLDER.to_vec() } else { [FOLDER, b"/", &path].concat() };
        write_entry(&entry, &name, from, to)?;
        if entry.kind == b'5' && entry.mode & 0o700 != 0o700 {
            relayed.modes.push((name, entry.mode));
        }
    }
    // Anything after the end of the archive is allowed, but must be read, since a full pipe would block its writer.
    let _ = io::copy(from, &mut io::sink());
    Ok(relayed)
}

/// The path below `artifacts` to which an entry goes, or `None` if it is not wanted. The target of a hard link becomes
/// such a path, too.
///
/// # Errors
/// If the entry may not pass; the error names it.
fn admit(
    entry: &mut TarEntry,
    guard: &mut Guard,
    rename: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<Option<Vec<u8>>> {
    let Some(path) = rename(&normalize(&entry.path)?) else { return Ok(None) };
    if entry.kind == b'1' {
        let target = normalize(&entry.link)?;
        entry.link = rename(&target).unwrap_or(target);
    }
    guard.check(&path, entry)?;
    Ok(Some(path))
}

/// Removes `.` parts and superfluous slashes from a relative path and refuses one that leaves the folder. The empty
/// path is the folder itself.
fn normalize(path: &[u8]) -> Result<Vec<u8>> {
    ensure!(!path.starts_with(b"/"), "`{}` is an absolute path", display(path));
    let mut parts = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => bail!("`{}` leads out of the artifacts", display(path)),
            part => parts.push(part),
        }
    }
    ensure!(!path.contains(&0), "`{}` has a zero byte", display(path));
    Ok(parts.join(&b'/'))
}

/// A path as text for messages.
fn display(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

/// Checks the order of entries, so that none is written through a symlink that an earlier entry created, or cannot be
/// written because of an earlier entry.
#[derive(Default)]
struct Guard {
    /// The kinds of earlier entries by the hashes of their paths, which take less memory. A collision can only refuse a
    /// valid archive.
    seen: HashMap<u64, EarlierEntry>,
}

/// The kind of an earlier entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EarlierEntry {
    File,
    Folder,
    Symlink,
}

impl Guard {
    /// Checks an entry that is written to `path`, and remembers it if it may pass.
    fn check(&mut self, path: &[u8], entry: &TarEntry) -> Result<()> {
        let path_text = display(path);
        for folder in parent_keys(path) {
            match self.seen.get(&folder) {
                Some(EarlierEntry::Symlink) => bail!("`{path_text}` would be written through a symlink"),
                Some(EarlierEntry::File) => bail!("`{path_text}` lies below a file"),
                Some(EarlierEntry::Folder) | None => {}
            }
        }
        let kind = match entry.kind {
            b'0' | b'S' => EarlierEntry::File,
            // A hard link to a symlink is a symlink, too.
            b'1' => match self.seen.get(&key(&entry.link)) {
                Some(target @ (EarlierEntry::File | EarlierEntry::Symlink)) => *target,
                _ => bail!("`{path_text}` is a hard link to `{}`, which did not come before", display(&entry.link)),
            },
            b'2' => EarlierEntry::Symlink,
            b'5' => EarlierEntry::Folder,
            b'3' | b'4' | b'6' => bail!("`{path_text}` is a device or a FIFO"),
            other => bail!("`{path_text}` is of an unknown kind (`{}`)", char::from(other).escape_default()),
        };
        ensure!(!path.is_empty() || kind == EarlierEntry::Folder, "the folder of the artifacts is no folder");
        match self.seen.get(&key(path)) {
            // A symlink may replace a file: entries that come later find the symlink here.
            Some(before) if *before != kind && (*before, kind) != (EarlierEntry::File, EarlierEntry::Symlink) => {
                bail!("`{path_text}` appears twice, as different kinds of entry")
            }
            _ => {}
        }
        self.seen.extend(parent_keys(path).map(|folder| (folder, EarlierEntry::Folder)));
        self.seen.insert(key(path), kind);
        Ok(())
    }
}

/// The key of a path in the map of earlier entries.
fn key(path: &[u8]) -> u64 {
    parts(path).fold(DefaultHasher::new(), with_part).finish()
}

/// The keys of the folders above a path, the topmost first. Each byte is hashed once: a name may be a megabyte of slashes.
fn parent_keys(path: &[u8]) -> impl Iterator<Item = u64> {
    let parents = path.iter().rposition(|byte| *byte == b'/').map(|end| parts(&path[..end]));
    parents.into_iter().flatten().scan(DefaultHasher::new(), |hasher, part| {
        *hasher = with_part(std::mem::take(hasher), part);
        Some(hasher.finish())
    })
}

fn parts(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/')
}

fn with_part(mut hasher: DefaultHasher, part: &[u8]) -> DefaultHasher {
    part.hash(&mut hasher);
    hasher
}

/// Writes an entry under a new name, with its content.
fn write_entry<W: Write>(
    entry: &TarEntry,
    name: &[u8],
    from: &mut impl Read,
    to: &mut Writer<W>,
) -> Result<(), FilterError> {
    let link = match entry.kind {
        b'1' => [FOLDER, b"/", &entry.link].concat(),
        b'2' => entry.link.clone(),
        _ => Vec::new(),
    };
    let fields = Fields { kind: entry.kind, mode: entry.mode, size: entry.stored, mtime: entry.mtime, link: &link };
    let written = match entry.kind {
        b'5' => to.folder(name, entry.mode | 0o700, entry.mtime),
        b'S' => to.sparse_header_from(name, &fields, &entry.header, &entry.ranges),
        b'0' if !entry.sparse.is_empty() => {
            let records = entry.sparse.iter().map(|(key, value)| {
                let value = if key == b"GNU.sparse.name" { name } else { value.as_slice() };
                (key.as_slice(), value)
            });
            to.header_with(name, &fields, &records.collect::<Vec<_>>())
        }
        _ => to.header(name, &fields),
    };
    written.map_err(FilterError::Receiver)?;
    copy_content(from, to, entry.stored)
}

/// Copies the content of an entry, including its padding.
fn copy_content<W: Write>(from: &mut impl Read, to: &mut Writer<W>, size: u64) -> Result<(), FilterError> {
    let mut buffer = [0; 64 * 1024];
    let mut remaining = padded(size);
    while remaining > 0 {
        let want = buffer.len().min(usize::try_from(remaining).unwrap_or(usize::MAX));
        let got = from.read(&mut buffer[..want]).map_err(|error| FilterError::Stream(error.into()))?;
        if got == 0 {
            // The entry must have its full size, or the receiver takes what follows for its content.
            buffer.fill(0);
            while remaining > 0 {
                let part = buffer.len().min(usize::try_from(remaining).unwrap_or(usize::MAX));
                to.out().write_all(&buffer[..part]).map_err(FilterError::Receiver)?;
                remaining -= part as u64;
            }
            return Err(FilterError::Stream(anyhow::anyhow!("the tar archive is incomplete")));
        }
        to.out().write_all(&buffer[..got]).map_err(FilterError::Receiver)?;
        remaining -= got as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
