//! Artifacts on their way from one container to the next: a tar stream is read entry by entry, checked, renamed into
//! `artifacts/`, and written on. Nothing of it touches the disk of this machine.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};

use anyhow::{Result, bail, ensure};

use crate::tar::header::{Fields, padded};
use crate::tar::reader::{TarEntry, next_entry, skip_content};
use crate::tar::writer::Writer;

/// Where artifacts go, below the destination.
const FOLDER: &[u8] = b"artifacts";

/// Why passing a stream on ended early. What the sender did is told apart from trouble with the receiver.
#[derive(Debug)]
pub enum FilterError {
    /// The stream is no tar, or has an entry that may not pass.
    Stream(anyhow::Error),
    /// The receiver does not take any more.
    Receiver(io::Error),
}

/// What passed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Passed {
    pub entries: u64,
    /// Folders that were sent writable so that they can be filled, with the mode they should end with. Paths begin
    /// with `artifacts`.
    pub modes: Vec<(Vec<u8>, u32)>,
}

/// Passes a whole stream on. `keep` gets each clean path, also of what a hard link names, and says under which one it goes
/// on, if at all.
///
/// # Errors
/// See [`FilterError`].
pub fn pass_on<W: Write>(
    from: &mut impl Read,
    to: &mut Writer<W>,
    keep: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<Passed, FilterError> {
    let mut guard = Guard::default();
    let mut passed = Passed::default();
    while let Some(mut entry) = next_entry(from).map_err(FilterError::Stream)? {
        let path = clean(&entry.path).map_err(FilterError::Stream)?;
        let Some(path) = keep(&path) else {
            skip_content(from, entry.stored).map_err(FilterError::Stream)?;
            continue;
        };
        if entry.kind == b'1' {
            let target = clean(&entry.link).map_err(FilterError::Stream)?;
            entry.link = keep(&target).unwrap_or(target);
        }
        guard.check(&path, &entry).map_err(FilterError::Stream)?;
        if passed.entries == 0 && !path.is_empty() {
            to.folder(FOLDER, 0o755, (0, 0)).map_err(FilterError::Receiver)?;
        }
        passed.entries += 1;
        let name = if path.is_empty() { FOLDER.to_vec() } else { [FOLDER, b"/", &path].concat() };
        write(&entry, &name, from, to)?;
        if entry.kind == b'5' && entry.mode & 0o700 != 0o700 {
            passed.modes.push((name, entry.mode));
        }
    }
    // Text after the end of an archive is no fault; a full pipe would stop its writer.
    let _ = io::copy(from, &mut io::sink());
    Ok(passed)
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
    fn check(&mut self, path: &[u8], entry: &TarEntry) -> Result<()> {
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

fn write<W: Write>(entry: &TarEntry, name: &[u8], from: &mut impl Read, to: &mut Writer<W>) -> Result<(), FilterError> {
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
    copy(from, to, entry.stored)
}

fn copy<W: Write>(from: &mut impl Read, to: &mut Writer<W>, size: u64) -> Result<(), FilterError> {
    let mut buffer = [0; 64 * 1024];
    let mut left = padded(size);
    while left > 0 {
        let want = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let got = from.read(&mut buffer[..want]).map_err(|error| FilterError::Stream(error.into()))?;
        if got == 0 {
            // What was begun has to be filled up, or the receiver takes all that follows for content.
            buffer.fill(0);
            while left > 0 {
                let part = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                to.out().write_all(&buffer[..part]).map_err(FilterError::Receiver)?;
                left -= part as u64;
            }
            return Err(FilterError::Stream(anyhow::anyhow!("it is not a whole tar archive")));
        }
        to.out().write_all(&buffer[..got]).map_err(FilterError::Receiver)?;
        left -= got as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{FilterError, Passed, pass_on};
    use crate::tar::writer::Writer;
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

    fn passed(stream: &[u8]) -> (Result<Passed, FilterError>, Vec<(String, String)>) {
        let mut writer = Writer::new(Vec::new());
        let result = pass_on(&mut &stream[..], &mut writer, |path| Some(path.to_vec()));
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

    fn own(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    use ::tar::EntryType as Type;

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
        let (result, entries) = passed(&stream.concat());
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
            let (result, entries) = passed(&stream);
            assert_eq!((result.unwrap(), entries), (Passed::default(), Vec::new()));
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
            let (result, entries) = passed(trick);
            assert!(matches!(result, Err(FilterError::Stream(_))), "trick {index}");
            assert!(entries.iter().all(|(_, text)| text.is_empty() || text.starts_with("->")), "trick {index}");
        }
    }

    #[test]
    fn a_stream_cut_in_a_file_is_noticed_and_filled_up() {
        let stream = entry(Type::Regular, "a", "", &[b'x'; 2000]);
        let (result, entries) = passed(&stream[..700]);
        assert!(matches!(result, Err(FilterError::Stream(_))));
        assert_eq!(entries.len(), 2);
    }

    proptest! {
        #[test]
        fn bytes_that_are_no_tar_never_fault(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
            let (_, entries) = passed(&bytes);
            prop_assert!(entries.iter().all(|(path, _)| path.starts_with("artifacts")));
        }
    }
}
