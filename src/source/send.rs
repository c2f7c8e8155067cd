//! Sending entries of the source as a tar stream. The hash of each file's content is noted while it is sent.

use std::fs::{File, Metadata};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rustix::fs::OFlags;

use super::entry::{Entry, Hash, Kind, changed_within};
use super::read_error::{unreadable, vanished};
use crate::tar::header::Fields;
use crate::tar::writer::{CopyError, Writer};

/// The smallest file that is searched for holes, in bytes: chosen so that searching costs less than sending zeros.
const SPARSE_MINIMUM: u64 = 64 * 1024;

/// How far apart two changes of a file must be for their timestamps to differ: the kernel takes timestamps from a clock
/// that ticks every 4 to 10 ms. Twice the longer tick.
const TIMESTAMP_STEP: Duration = Duration::from_millis(20);

/// How sending one entry went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    Whole,
    /// The file was sent whole, but it was read so soon after it changed that another change may have the same timestamp.
    JustChanged,
    /// The file changed, or vanished, while it was read, and has to be sent again.
    Torn,
}

/// What the reader of the stream understands, and how links are treated.
#[derive(Clone, Copy, Debug, Default)]
pub struct SendOptions {
    /// Whether the reader understands GNU's sparse files.
    pub sparse: bool,
    /// Whether files may be opened through a symbolic link.
    pub follow: bool,
}

/// Sends an entry of the source, with `prefix` and a slash before its path. Where the file on disk differs from `entry`,
/// `entry` is replaced by what was sent. The hash of the content is set.
///
/// # Errors
/// When the stream cannot be written to, or the file cannot be read.
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
        Ok(None) => return Ok(mark_torn(entry)),
        Err(error) if vanished(&error) => return Ok(mark_torn(entry)),
        Err(error) => return Err(unreadable(path, error)),
    };
    let found = Entry::new(&entry.path, Kind::File, &meta);
    if !found.has_same_metadata(entry) {
        *entry = Arc::new(found);
    }
    let just_changed = changed_within(&meta, TIMESTAMP_STEP);
    let (whole, hash) = match has_holes(&meta).then(|| data_ranges(&file, entry.size)).transpose() {
        Ok(Some(ranges)) if options.sparse => send_ranges(writer, &mut file, path, name, entry, &ranges)?,
        _ => send_content(writer, &mut file, path, name, entry)?,
    };
    let after = Entry::new(&entry.path, Kind::File, &file.metadata()?);
    // A content that differs from the known one, with the same metadata, was written within the step of a timestamp.
    if !whole || !after.has_same_metadata(entry) || entry.hash().is_some_and(|known| *known != hash) {
        return Ok(mark_torn(entry));
    }
    entry.set_hash(hash);
    Ok(if just_changed { Sent::JustChanged } else { Sent::Whole })
}

/// Sends all of a file. Returns whether it was as long as expected, and the hash of its content.
fn send_content<W: Write>(
    writer: &mut Writer<W>,
    file: &mut File,
    path: &Path,
    name: &[u8],
    entry: &Entry,
) -> Result<(bool, Hash)> {
    // Looking for holes moves the position, also when it fails in the middle.
    file.rewind().map_err(|error| unreadable(path, error))?;
    writer.header(name, &fields(b'0', entry, entry.size))?;
    let mut hasher = blake3::Hasher::new();
    let copied = writer.content(file, entry.size, |bytes| {
        hasher.update(bytes);
    });
    let whole = copied.map_err(|error| copy_error(error, path))?;
    writer.pad(entry.size)?;
    Ok((whole, first_half(&hasher)))
}

/// Sends only the ranges of a file that are not holes. Returns whether it was as long as expected, and a hash of the
/// ranges and their content.
fn send_ranges<W: Write>(
    writer: &mut Writer<W>,
    file: &mut File,
    path: &Path,
    name: &[u8],
    entry: &Entry,
    ranges: &[(u64, u64)],
) -> Result<(bool, Hash)> {
    let stored: u64 = ranges.iter().map(|(_, length)| length).sum();
    writer.sparse_header(name, &fields(b'S', entry, stored), ranges, entry.size)?;
    let mut whole = true;
    let mut hasher = blake3::Hasher::new();
    for (offset, length) in ranges {
        hasher.update(&offset.to_le_bytes());
        hasher.update(&length.to_le_bytes());
        file.seek(SeekFrom::Start(*offset))?;
        let copied = writer.content(file, *length, |bytes| {
            hasher.update(bytes);
        });
        whole &= copied.map_err(|error| copy_error(error, path))?;
    }
    hasher.update(&entry.size.to_le_bytes());
    writer.pad(stored)?;
    Ok((whole, first_half(&hasher)))
}

fn fields(kind: u8, entry: &Entry, size: u64) -> Fields<'static> {
    Fields { kind, mode: entry.mode, size, mtime: entry.mtime, link: b"" }
}

/// An error of the file is reported with its path; the error of the stream is reported by the caller.
fn copy_error(error: CopyError, path: &Path) -> anyhow::Error {
    match error {
        CopyError::Read(error) => unreadable(path, error),
        CopyError::Write(error) => error.into(),
    }
}

/// The hash of a file's content, as [`send_entry`] sets it. `None` for a file with holes, and for a path that is not a
/// regular file. With `follow` the path may be a link.
///
/// # Errors
/// When the file cannot be read.
pub fn hash_file(path: &Path, follow: bool) -> io::Result<Option<Hash>> {
    let Some((mut file, meta)) = open(path, follow)? else { return Ok(None) };
    if has_holes(&meta) {
        return Ok(None);
    }
    let mut hasher = blake3::Hasher::new();
    io::copy(&mut file, &mut hasher)?;
    Ok(Some(first_half(&hasher)))
}

/// Opens a regular file; `None` when it is something else by now. Opening a FIFO does not wait for its other end.
fn open(path: &Path, follow: bool) -> io::Result<Option<(File, Metadata)>> {
    let flags = if follow { OFlags::NONBLOCK } else { OFlags::NOFOLLOW | OFlags::NONBLOCK };
    let flags = i32::try_from(flags.bits()).expect("open flags fit");
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    let meta = file.metadata()?;
    Ok(meta.is_file().then_some((file, meta)))
}

/// Whether a file is large enough and takes less space than its size. Blocks are counted in units of 512 bytes.
fn has_holes(meta: &Metadata) -> bool {
    meta.size() >= SPARSE_MINIMUM && meta.blocks() * 512 < meta.size()
}

fn first_half(hasher: &blake3::Hasher) -> Hash {
    *hasher.finalize().as_bytes().first_chunk().expect("a hash is longer than its half")
}

fn mark_torn(entry: &mut Arc<Entry>) -> Sent {
    *entry = Arc::new(entry.marked_changed());
    Sent::Torn
}

/// The ranges of a file that are not holes, as offset and length in bytes. Moves the position of the file.
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
    Ok(ranges)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::{Seek, SeekFrom};

    use super::{Entry, Kind, Writer, send_content};

    #[test]
    fn after_a_failed_look_for_holes_a_file_was_sent_from_the_middle() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, "the whole content").unwrap();
        let entry = Entry::new(b"a", Kind::File, &fs::metadata(&path).unwrap());
        let mut file = File::open(&path).unwrap();
        file.seek(SeekFrom::Start(4)).unwrap();
        let mut writer = Writer::new(Vec::new());
        let (whole, _) = send_content(&mut writer, &mut file, &path, b"a", &entry).unwrap();
        assert!(whole);
        let archive = writer.finish().unwrap();
        assert!(archive.windows(17).any(|window| window == b"the whole content"));
    }
}
