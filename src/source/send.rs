//! Sending entries of the source as a tar stream, with their content noted on the way.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rustix::fs::OFlags;

use super::entry::{Entry, Hash, Kind, changed_lately};
use super::read_error::{unreadable, vanished};
use crate::tar::header::Fields;
use crate::tar::writer::{CopyError, Writer};

/// A file is looked into for holes from this size on, in bytes: below, asking costs more than sending zeros.
const SPARSE_FROM: u64 = 64 * 1024;

/// Timestamps of files move in steps; two writes within one step look like one. The kernel's clock ticks every 4 to 10 ms;
/// twice the longer one.
const TIMESTAMP_STEP: Duration = Duration::from_millis(20);

/// How sending one entry went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    Whole,
    /// All of it, but it was read so soon after it changed that another change may have left no trace outside.
    Lately,
    /// It changed, or vanished, while it was read: what was sent must be sent again.
    Torn,
}

/// What is known of the reader of the stream, and of the source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SendOptions {
    /// The reader understands GNU's sparse files.
    pub sparse: bool,
    /// A file of the source may be reached by a link.
    pub follow: bool,
}

/// Sends an entry of the source below `prefix`. Where a file is not what the entry says, the entry becomes what was sent;
/// its content is noted.
///
/// # Errors
/// When the stream can not be written to, or the file not be read.
pub fn send_entry<W: Write>(
    writer: &mut Writer<W>,
    root: &Path,
    prefix: &[u8],
    entry: &mut Arc<Entry>,
    options: SendOptions,
) -> Result<Sent> {
    let name = [prefix, b"/", &entry.path].concat();
    match &entry.kind {
        Kind::Folder => writer.folder(&name, entry.mode, entry.mtime)?,
        Kind::Link(target) => {
            let fields = Fields { kind: b'2', mode: 0o777, size: 0, mtime: entry.mtime, link: target };
            writer.header(&name, &fields)?;
        }
        Kind::File => return send_file(writer, &root.join(entry.path()), &name, entry, options),
    }
    Ok(Sent::Whole)
}

fn send_file<W: Write>(
    writer: &mut Writer<W>,
    path: &Path,
    name: &[u8],
    entry: &mut Arc<Entry>,
    options: SendOptions,
) -> Result<Sent> {
    let (mut file, meta) = match open(path, options.follow) {
        Ok(Some(opened)) => opened,
        Ok(None) => return Ok(spoil(entry)),
        Err(error) if vanished(&error) => return Ok(spoil(entry)),
        Err(error) => return Err(unreadable(path, error)),
    };
    let found = Entry::new(&entry.path, Kind::File, &meta);
    if !found.looks_like(entry) {
        *entry = Arc::new(found);
    }
    let lately = changed_lately(&meta, TIMESTAMP_STEP);
    let holes = entry.size >= SPARSE_FROM && meta.blocks() * 512 < entry.size;
    let (whole, hash) = match holes.then(|| data_ranges(&file, entry.size)).transpose() {
        Ok(Some(ranges)) if options.sparse => send_ranges(writer, &mut file, path, name, entry, &ranges)?,
        _ => send_content(writer, &mut file, path, name, entry)?,
    };
    let after = Entry::new(&entry.path, Kind::File, &file.metadata()?);
    // Bytes that differ from those known of this entry came without leaving a trace.
    if !whole || !after.looks_like(entry) || entry.hash().is_some_and(|known| *known != hash) {
        return Ok(spoil(entry));
    }
    entry.know(hash);
    Ok(if lately { Sent::Lately } else { Sent::Whole })
}

/// Sends all of a file. The first result is false when it was cut short meanwhile; so it is for ranges.
fn send_content<W: Write>(
    writer: &mut Writer<W>,
    file: &mut File,
    path: &Path,
    name: &[u8],
    entry: &Entry,
) -> Result<(bool, Hash)> {
    writer.header(name, &fields(b'0', entry, entry.size))?;
    let mut hasher = blake3::Hasher::new();
    let copied = writer.content(file, entry.size, |bytes| {
        hasher.update(bytes);
    });
    let whole = copied.map_err(|error| about(error, path))?;
    writer.pad(entry.size)?;
    Ok((whole, short(&hasher)))
}

/// Sends only the parts of a file that are no holes.
fn send_ranges<W: Write>(
    writer: &mut Writer<W>,
    file: &mut File,
    path: &Path,
    name: &[u8],
    entry: &Entry,
    data: &[(u64, u64)],
) -> Result<(bool, Hash)> {
    let stored: u64 = data.iter().map(|(_, length)| length).sum();
    writer.sparse_header(name, &fields(b'S', entry, stored), data, entry.size)?;
    let mut whole = true;
    let mut hasher = blake3::Hasher::new();
    for (offset, length) in data {
        hasher.update(&offset.to_le_bytes());
        hasher.update(&length.to_le_bytes());
        file.seek(SeekFrom::Start(*offset))?;
        let copied = writer.content(file, *length, |bytes| {
            hasher.update(bytes);
        });
        whole &= copied.map_err(|error| about(error, path))?;
    }
    hasher.update(&entry.size.to_le_bytes());
    writer.pad(stored)?;
    Ok((whole, short(&hasher)))
}

fn fields(kind: u8, entry: &Entry, size: u64) -> Fields<'static> {
    Fields { kind, mode: entry.mode, size, mtime: entry.mtime, link: b"" }
}

/// The file is the user's to mend, the stream is the engine's.
fn about(error: CopyError, path: &Path) -> anyhow::Error {
    match error {
        CopyError::Read(error) => unreadable(path, error),
        CopyError::Write(error) => error.into(),
    }
}

/// The hash of a file's content as [`send_entry`] would note it for a file without holes.
///
/// # Errors
/// When the file can not be read.
pub fn hash_file(path: &Path, follow: bool) -> io::Result<Option<Hash>> {
    let Some((mut file, meta)) = open(path, follow)? else { return Ok(None) };
    let mut hasher = blake3::Hasher::new();
    if meta.size() >= SPARSE_FROM && meta.blocks() * 512 < meta.size() {
        return Ok(None);
    }
    io::copy(&mut file, &mut hasher)?;
    Ok(Some(short(&hasher)))
}

/// Opens a regular file; `None` when it is something else by now. Never waits for a FIFO's other end.
fn open(path: &Path, follow: bool) -> io::Result<Option<(File, std::fs::Metadata)>> {
    let flags = if follow { OFlags::NONBLOCK } else { OFlags::NOFOLLOW | OFlags::NONBLOCK };
    let flags = i32::try_from(flags.bits()).expect("open flags fit");
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    let meta = file.metadata()?;
    Ok(meta.is_file().then_some((file, meta)))
}

fn short(hasher: &blake3::Hasher) -> Hash {
    *hasher.finalize().as_bytes().first_chunk().expect("a hash is longer than its half")
}

fn spoil(entry: &mut Arc<Entry>) -> Sent {
    *entry = Arc::new(entry.spoiled());
    Sent::Torn
}

/// The parts of a file that are no holes, as offset and length.
fn data_ranges(file: &File, size: u64) -> io::Result<Vec<(u64, u64)>> {
    let mut ranges = Vec::new();
    let mut position = 0;
    while position < size {
        let begin = match rustix::fs::seek(file, rustix::fs::SeekFrom::Data(position)) {
            Ok(begin) => begin.min(size),
            Err(rustix::io::Errno::NXIO) => break,
            Err(error) => return Err(error.into()),
        };
        let end = rustix::fs::seek(file, rustix::fs::SeekFrom::Hole(begin))?.min(size);
        if end > begin {
            ranges.push((begin, end - begin));
        }
        position = end.max(begin + 1);
    }
    rustix::fs::seek(file, rustix::fs::SeekFrom::Start(0))?;
    Ok(ranges)
}
