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
    /// The stream is not a tar archive, is cut short, or has an entry that is not allowed.
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
}

/// Relays a whole tar stream. `rename` is called with the path of each entry, and with the target of each hard link,
/// without `.` parts; it returns the new path below `artifacts`, or `None` to leave the entry out.
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
        let path = normalize(&entry.path).map_err(FilterError::Stream)?;
        let Some(path) = rename(&path) else {
            skip_content(from, entry.stored).map_err(FilterError::Stream)?;
            continue;
        };
        if entry.kind == b'1' {
            let target = normalize(&entry.link).map_err(FilterError::Stream)?;
            entry.link = rename(&target).unwrap_or(target);
        }
        guard.check(&path, &entry).map_err(FilterError::Stream)?;
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
    seen: HashMap<u64, Seen>,
}

/// The kind of an earlier entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    File,
    Folder,
    Symlink,
}

impl Guard {
    /// Checks an entry that is written to `path`, and remembers it.
    fn check(&mut self, path: &[u8], entry: &TarEntry) -> Result<()> {
        let path_text = display(path);
        for folder in parent_keys(path) {
            match self.seen.insert(folder, Seen::Folder) {
                Some(Seen::Symlink) => bail!("`{path_text}` would be written through a symlink"),
                Some(Seen::File) => bail!("`{path_text}` lies below a file"),
                Some(Seen::Folder) | None => {}
            }
        }
        let kind = match entry.kind {
            b'0' | b'S' => Seen::File,
            // A hard link to a symlink is a symlink, too.
            b'1' => match self.seen.get(&key(&entry.link)) {
                Some(target @ (Seen::File | Seen::Symlink)) => *target,
                _ => bail!("`{path_text}` is a hard link to `{}`, which did not come before", display(&entry.link)),
            },
            b'2' => Seen::Symlink,
            b'5' => Seen::Folder,
            b'3' | b'4' | b'6' => bail!("`{path_text}` is a device or a FIFO"),
            other => bail!("`{path_text}` is of an unknown kind (`{}`)", char::from(other).escape_default()),
        };
        ensure!(!path.is_empty() || kind == Seen::Folder, "the folder of the artifacts is no folder");
        match self.seen.insert(key(path), kind) {
            // A symlink may replace a file: entries that come later find the symlink here.
            Some(before) if before != kind && (before, kind) != (Seen::File, Seen::Symlink) => {
                bail!("`{path_text}` appears twice, as different kinds of entry")
            }
            _ => Ok(()),
        }
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
mod tests {
    use super::{FilterError, Relayed, key, parent_keys, relay_archive};
    use crate::tar::writer::Writer;
    use ::tar::EntryType as Type;
    use proptest::prelude::*;
    use std::io::Read;

    fn entry(kind: ::tar::EntryType, path: &str, link: &str, content: &[u8]) -> Vec<u8> {
        let mut header = ::tar::Header::new_gnu();
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

    fn relay(stream: &[u8]) -> (Result<Relayed, FilterError>, Vec<(String, String)>) {
        let mut writer = Writer::new(Vec::new());
        let result = relay_archive(&mut &stream[..], &mut writer, |path| Some(path.to_vec()));
        let bytes = writer.finish().unwrap();
        let mut read = ::tar::Archive::new(&bytes[..]);
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

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

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
        let (result, entries) = relay(&stream.concat());
        assert_eq!(result.unwrap().entries, 4);
        let expected = [
            ("artifacts/", ""),
            ("artifacts/out/", ""),
            ("artifacts/out/a", "one"),
            ("artifacts/out/b", "-> artifacts/out/a"),
            ("artifacts/out/c", "-> /usr/bin/python3"),
        ];
        assert_eq!(entries, owned(&expected));
    }

    #[test]
    fn an_empty_stream_gives_no_entries() {
        for stream in [Vec::new(), vec![0; 10_240]] {
            let (result, entries) = relay(&stream);
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
            let (result, entries) = relay(trick);
            assert!(matches!(result, Err(FilterError::Stream(_))), "trick {index}");
            assert!(entries.iter().all(|(_, text)| text.is_empty() || text.starts_with("->")), "trick {index}");
        }
    }

    #[test]
    fn a_stream_cut_in_a_file_is_noticed_and_filled_up() {
        let stream = entry(Type::Regular, "a", "", &[b'x'; 2000]);
        let (result, entries) = relay(&stream[..700]);
        assert!(matches!(result, Err(FilterError::Stream(_))));
        assert_eq!(entries.len(), 2);
    }

    proptest! {
        #[test]
        fn the_keys_of_parents_are_those_of_their_paths(path in "[ab]{1,2}(/[ab]{1,2}){0,5}") {
            let path = path.as_bytes();
            let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
            let expected: Vec<u64> = ends.map(|end| key(&path[..end])).collect();
            prop_assert_eq!(parent_keys(path).collect::<Vec<_>>(), expected);
        }

        #[test]
        fn bytes_that_are_no_tar_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
            let (_, entries) = relay(&bytes);
            prop_assert!(entries.iter().all(|(path, _)| path.starts_with("artifacts")));
        }
    }
}
