//! Artifacts on their way from one container to the next: a tar stream is read entry by entry, checked, renamed into
//! `artifacts/`, and written on. Nothing of it touches our disk.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};

use anyhow::{Result, bail, ensure};

use crate::source::archive::{Archive, Facts};

const BLOCK: usize = 512;

/// The longest names and records that are taken, in bytes.
const EXTENSION_LIMIT: u64 = 1024 * 1024;

/// Where artifacts go, below the destination.
const FOLDER: &[u8] = b"artifacts";

/// Why a relay ended early. What the sender did is told apart from trouble with the receiver.
#[derive(Debug)]
pub enum Broken {
    /// The stream is no tar, or has an entry that may not pass.
    Stream(anyhow::Error),
    /// The receiver does not take any more.
    Receiver(io::Error),
}

/// What passed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Relayed {
    pub entries: u64,
    /// Folders that were sent writable so that they can be filled, with the mode they should end with. Paths begin
    /// with `artifacts`.
    pub modes: Vec<(Vec<u8>, u32)>,
}

/// Relays a whole stream. `keep` gets each clean path, also of what a hard link names, and says under which one it goes
/// on, if at all.
///
/// # Errors
/// See [`Broken`].
pub fn relay<W: Write>(
    from: &mut impl Read,
    to: &mut Archive<W>,
    keep: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<Relayed, Broken> {
    let mut guard = Guard::default();
    let mut relayed = Relayed::default();
    while let Some(mut entry) = next(from).map_err(Broken::Stream)? {
        let path = clean(&entry.path).map_err(Broken::Stream)?;
        let Some(path) = keep(&path) else {
            skip(from, entry.stored).map_err(Broken::Stream)?;
            continue;
        };
        if entry.kind == b'1' {
            let target = clean(&entry.link).map_err(Broken::Stream)?;
            entry.link = keep(&target).unwrap_or(target);
        }
        guard.check(&path, &entry).map_err(Broken::Stream)?;
        if relayed.entries == 0 && !path.is_empty() {
            to.folder(FOLDER, 0o755, (0, 0)).map_err(Broken::Receiver)?;
        }
        relayed.entries += 1;
        let name = if path.is_empty() { FOLDER.to_vec() } else { [FOLDER, b"/", &path].concat() };
        write(&entry, &name, from, to)?;
        if entry.kind == b'5' && entry.mode & 0o700 != 0o700 {
            relayed.modes.push((name, entry.mode));
        }
    }
    // Text after the end of an archive is no fault; a full pipe would stop its writer.
    let _ = io::copy(from, &mut io::sink());
    Ok(relayed)
}

/// One entry, its extensions already understood.
struct Entry {
    header: [u8; BLOCK],
    kind: u8,
    path: Vec<u8>,
    link: Vec<u8>,
    mode: u32,
    mtime: (i64, u32),
    /// Bytes of content in the stream.
    stored: u64,
    /// GNU's blocks that continue the list of data ranges of a sparse file.
    ranges: Vec<[u8; BLOCK]>,
    /// PAX records of sparse files, which have to travel with them.
    sparse: Vec<(Vec<u8>, Vec<u8>)>,
}

fn next(from: &mut impl Read) -> Result<Option<Entry>> {
    let mut long_path = None;
    let mut long_link = None;
    let mut records: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut between = false;
    loop {
        let Some(block) = block(from, between)? else { return Ok(None) };
        if block.iter().all(|byte| *byte == 0) {
            ensure!(!between, "the archive ends in the middle of an entry");
            return Ok(None);
        }
        let header = tar::Header::from_byte_slice(&block);
        ensure!(checksum(&block) == header.cksum().ok(), "it is not a tar archive");
        let size = header.entry_size()?;
        match block[156] {
            kind @ (b'L' | b'K' | b'x' | b'g') => {
                ensure!(size <= EXTENSION_LIMIT, "a name or record in it is longer than a megabyte");
                let content = content(from, size)?;
                match kind {
                    b'L' => long_path = Some(text(content)),
                    b'K' => long_link = Some(text(content)),
                    b'x' => records.extend(pax(&content)?),
                    // Global records hold comments.
                    _ => {}
                }
                between = kind != b'g';
            }
            _ => return Ok(Some(assemble(block, header, long_path, long_link, records, from)?)),
        }
    }
}

fn assemble(
    block: [u8; BLOCK],
    header: &tar::Header,
    long_path: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    records: Vec<(Vec<u8>, Vec<u8>)>,
    from: &mut impl Read,
) -> Result<Entry> {
    let record = |key: &str| records.iter().rev().find(|(known, _)| known == key.as_bytes()).map(|(_, value)| value);
    let number = |key: &str| record(key).and_then(|value| std::str::from_utf8(value).ok()?.parse::<u64>().ok());
    let path = record("GNU.sparse.name").or(record("path")).cloned().or(long_path);
    let link = record("linkpath").cloned().or(long_link);
    // A time before 1970 is a negative number in GNU's binary form.
    let seconds = header.mtime().unwrap_or(0).cast_signed();
    let mtime = record("mtime").and_then(|value| time(value)).unwrap_or((seconds, 0));
    let kind = match block[156] {
        0 | b'7' => b'0',
        kind => kind,
    };
    let mut entry = Entry {
        kind,
        path: path.unwrap_or_else(|| header.path_bytes().into_owned()),
        link: link.unwrap_or_else(|| header.link_name_bytes().unwrap_or_default().into_owned()),
        mode: header.mode().unwrap_or(0o644) & 0o7777,
        mtime,
        stored: if matches!(kind, b'0' | b'S') { number("size").unwrap_or(header.entry_size()?) } else { 0 },
        ranges: Vec::new(),
        sparse: records.iter().filter(|(key, _)| key.starts_with(b"GNU.sparse.")).cloned().collect(),
        header: block,
    };
    let mut more = kind == b'S' && block[482] != 0;
    while more {
        let mut ranges = [0; BLOCK];
        from.read_exact(&mut ranges)?;
        more = ranges[504] != 0;
        entry.ranges.push(ranges);
    }
    Ok(entry)
}

/// The next block; `None` at the end of the stream, which may only come between entries.
fn block(from: &mut impl Read, between: bool) -> Result<Option<[u8; BLOCK]>> {
    let mut block = [0; BLOCK];
    let mut have = 0;
    while have < BLOCK {
        match from.read(&mut block[have..]) {
            Ok(0) => break,
            Ok(got) => have += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    match have {
        0 if !between => Ok(None),
        BLOCK => Ok(Some(block)),
        _ => bail!("it is not a whole tar archive"),
    }
}

fn checksum(block: &[u8; BLOCK]) -> Option<u32> {
    let sum = |range: &[u8]| range.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    Some(sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..]))
}

fn content(from: &mut impl Read, size: u64) -> Result<Vec<u8>> {
    let mut content = vec![0; usize::try_from(padded(size))?];
    from.read_exact(&mut content)?;
    content.truncate(usize::try_from(size)?);
    Ok(content)
}

fn padded(size: u64) -> u64 {
    size.div_ceil(BLOCK as u64) * BLOCK as u64
}

fn text(mut content: Vec<u8>) -> Vec<u8> {
    if let Some(end) = content.iter().position(|byte| *byte == 0) {
        content.truncate(end);
    }
    content
}

fn pax(content: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut records = Vec::new();
    let mut rest = content;
    while !rest.is_empty() {
        let record = (|| {
            let space = rest.iter().position(|byte| *byte == b' ')?;
            let length: usize = std::str::from_utf8(&rest[..space]).ok()?.parse().ok()?;
            let record = rest.get(space + 1..length)?.strip_suffix(b"\n")?;
            let equals = record.iter().position(|byte| *byte == b'=')?;
            Some((length, record[..equals].to_vec(), record[equals + 1..].to_vec()))
        })();
        let Some((length, key, value)) = record else { bail!("a record in it is malformed") };
        records.push((key, value));
        rest = &rest[length..];
    }
    Ok(records)
}

/// Seconds and nanoseconds of a decimal number.
fn time(value: &[u8]) -> Option<(i64, u32)> {
    let text = std::str::from_utf8(value).ok()?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let (whole, nanos): (i64, u32) = (seconds.parse().ok()?, digits.parse().ok()?);
    // Nanoseconds count forward from the second, also before 1970.
    let backward = text.starts_with('-') && nanos > 0;
    Some(if backward { (whole.checked_sub(1)?, 1_000_000_000u32.checked_sub(nanos)?) } else { (whole, nanos) })
}

/// A path below the folder of the artifacts, without `.` parts; the empty one is the folder itself.
fn clean(path: &[u8]) -> Result<Vec<u8>> {
    ensure!(!path.starts_with(b"/"), "`{}` is an absolute path", shown(path));
    let mut parts = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => bail!("`{}` leads out of the artifacts", shown(path)),
            part => parts.push(part),
        }
    }
    ensure!(!path.contains(&0), "`{}` has a zero byte", shown(path));
    Ok(parts.join(&b'/'))
}

fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

/// Remembers what passed, so that no entry is written through a link that came before it, or can not be written at all.
#[derive(Default)]
struct Guard {
    /// By hashes of paths: a collision could only refuse a good archive.
    seen: HashMap<u64, Seen>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    File,
    Folder,
    Symlink,
}

impl Guard {
    fn check(&mut self, path: &[u8], entry: &Entry) -> Result<()> {
        let shown_path = shown(path);
        let above = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| &path[..end]);
        for folder in above {
            match self.seen.insert(key(folder), Seen::Folder) {
                Some(Seen::Symlink) => bail!("`{shown_path}` would be written through a symlink"),
                Some(Seen::File) => bail!("`{shown_path}` lies below a file"),
                Some(Seen::Folder) | None => {}
            }
        }
        let now = match entry.kind {
            b'0' | b'S' => Seen::File,
            // A second name of a symlink is a symlink, too.
            b'1' => match self.seen.get(&key(&entry.link)) {
                Some(target @ (Seen::File | Seen::Symlink)) => *target,
                _ => bail!("`{shown_path}` is a hard link to `{}`, which did not come before", shown(&entry.link)),
            },
            b'2' => Seen::Symlink,
            b'5' => Seen::Folder,
            b'3' | b'4' | b'6' => bail!("`{shown_path}` is a device or a FIFO"),
            kind => bail!("`{shown_path}` is of an unknown kind (`{}`)", char::from(kind).escape_default()),
        };
        ensure!(!path.is_empty() || now == Seen::Folder, "the folder of the artifacts is no folder");
        match self.seen.insert(key(path), now) {
            Some(before) if before != now && (before, now) != (Seen::File, Seen::Symlink) => {
                bail!("`{shown_path}` comes again as something else")
            }
            _ => Ok(()),
        }
    }
}

fn key(path: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

fn write<W: Write>(entry: &Entry, name: &[u8], from: &mut impl Read, to: &mut Archive<W>) -> Result<(), Broken> {
    let link = match entry.kind {
        b'1' => [FOLDER, b"/", &entry.link].concat(),
        b'2' => entry.link.clone(),
        _ => Vec::new(),
    };
    let facts = Facts { kind: entry.kind, mode: entry.mode, size: entry.stored, mtime: entry.mtime, link: &link };
    let written = match entry.kind {
        b'5' => to.folder(name, entry.mode | 0o700, entry.mtime),
        b'S' => to.sparse_head(name, &facts, &entry.header, &entry.ranges),
        b'0' if !entry.sparse.is_empty() => {
            let records = entry.sparse.iter().map(|(key, value)| {
                let value = if key == b"GNU.sparse.name" { name } else { value.as_slice() };
                (key.as_slice(), value)
            });
            to.head_with(name, &facts, &records.collect::<Vec<_>>())
        }
        _ => to.head(name, &facts),
    };
    written.map_err(Broken::Receiver)?;
    copy(from, to, entry.stored)
}

fn copy<W: Write>(from: &mut impl Read, to: &mut Archive<W>, size: u64) -> Result<(), Broken> {
    let mut buffer = [0; 64 * 1024];
    let mut left = padded(size);
    while left > 0 {
        let want = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let got = from.read(&mut buffer[..want]).map_err(|error| Broken::Stream(error.into()))?;
        if got == 0 {
            // What was begun has to be filled up, or the receiver takes all that follows for content.
            buffer.fill(0);
            while left > 0 {
                let part = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                to.out().write_all(&buffer[..part]).map_err(Broken::Receiver)?;
                left -= part as u64;
            }
            return Err(Broken::Stream(anyhow::anyhow!("it is not a whole tar archive")));
        }
        to.out().write_all(&buffer[..got]).map_err(Broken::Receiver)?;
        left -= got as u64;
    }
    Ok(())
}

fn skip(from: &mut impl Read, size: u64) -> Result<()> {
    let skipped = io::copy(&mut from.take(padded(size)), &mut io::sink())?;
    ensure!(skipped == padded(size), "it is not a whole tar archive");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Broken, Relayed, relay};
    use crate::source::archive::Archive;
    use proptest::prelude::*;
    use std::io::Read;

    fn entry(kind: tar::EntryType, path: &str, link: &str, content: &[u8]) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes()[..path.len().min(100)].copy_from_slice(&path.as_bytes()[..path.len().min(100)]);
        header.set_entry_type(kind);
        header.set_mode(0o640);
        header.set_size(content.len() as u64);
        header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        let mut bytes = header.as_bytes().to_vec();
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().div_ceil(512) * 512, 0);
        bytes
    }

    fn relayed(stream: &[u8]) -> (Result<Relayed, Broken>, Vec<(String, String)>) {
        let mut archive = Archive::new(Vec::new());
        let result = relay(&mut &stream[..], &mut archive, |path| Some(path.to_vec()));
        let bytes = archive.finish().unwrap();
        let mut read = tar::Archive::new(&bytes[..]);
        let entries = read.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = String::new();
            let link = entry.link_name().unwrap().map(|link| format!("-> {}", link.display()));
            let path = entry.path().unwrap().display().to_string();
            let _ = entry.read_to_string(&mut content);
            (path, link.unwrap_or(content))
        });
        let entries = entries.collect();
        (result, entries)
    }

    fn own(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    use tar::EntryType as Type;

    #[test]
    fn entries_arrive_below_artifacts() {
        let stream = [
            entry(Type::Directory, "./out/", "", b""),
            entry(Type::Regular, "./out/a", "", b"one"),
            entry(Type::Link, "out/b", "./out/a", b""),
            entry(Type::Symlink, "out/c", "/usr/bin/python3", b""),
            vec![0; 1024],
            b"/opt/jboss\n".to_vec(),
        ];
        let (result, entries) = relayed(&stream.concat());
        assert_eq!(result.unwrap().entries, 4);
        let expected = [
            ("artifacts/", ""),
            ("artifacts/out/", ""),
            ("artifacts/out/a", "one"),
            ("artifacts/out/b", "-> artifacts/out/a"),
            ("artifacts/out/c", "-> /usr/bin/python3"),
        ];
        assert_eq!(entries, own(&expected));
    }

    #[test]
    fn nothing_is_delivered_for_nothing() {
        for stream in [Vec::new(), vec![0; 10_240]] {
            let (result, entries) = relayed(&stream);
            assert_eq!((result.unwrap(), entries), (Relayed::default(), Vec::new()));
        }
    }

    #[test]
    fn entries_that_leave_the_folder_are_refused() {
        let link = entry(Type::Symlink, "d", "/etc", b"");
        let tricks = [
            entry(Type::Regular, "/etc/passwd", "", b"x"),
            entry(Type::Regular, "a/../../x", "", b"x"),
            [link.clone(), entry(Type::Regular, "d/passwd", "", b"x")].concat(),
            [link.clone(), entry(Type::Regular, "d", "", b"x")].concat(),
            [link.clone(), entry(Type::Link, "e", "d/passwd", b"")].concat(),
            [link.clone(), entry(Type::Link, "e", "d", b""), entry(Type::Regular, "e/passwd", "", b"x")].concat(),
            [entry(Type::Regular, "d/empty", "", b""), link].concat(),
            entry(Type::Link, "e", "/etc/passwd", b""),
            entry(Type::Link, "e", "../x", b""),
            entry(Type::Char, "null", "", b""),
            entry(Type::Fifo, "pipe", "", b""),
        ];
        for (index, trick) in tricks.iter().enumerate() {
            let (result, entries) = relayed(trick);
            assert!(matches!(result, Err(Broken::Stream(_))), "trick {index}");
            assert!(entries.iter().all(|(_, text)| text.is_empty() || text.starts_with("->")), "trick {index}");
        }
    }

    #[test]
    fn a_stream_cut_in_a_file_is_noticed_and_filled_up() {
        let stream = entry(Type::Regular, "a", "", &[b'x'; 2000]);
        let (result, entries) = relayed(&stream[..700]);
        assert!(matches!(result, Err(Broken::Stream(_))));
        assert_eq!(entries.len(), 2);
    }

    proptest! {
        #[test]
        fn bytes_that_are_no_tar_never_fault(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
            let (_, entries) = relayed(&bytes);
            prop_assert!(entries.iter().all(|(path, _)| path.starts_with("artifacts")));
        }
    }
}
