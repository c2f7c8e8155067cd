//! What an image holds in `/app`, and how two images differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context, Result};
use tar::{Archive, EntryType};

use super::command;
use crate::process;

/// So many differences are told.
const TOLD: usize = 8;

/// Entries by path.
pub type Content = BTreeMap<PathBuf, Entry>;

/// All of an entry that the source decides, but its time: what only has another time is not built again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    kind: char,
    mode: u32,
    link: Option<PathBuf>,
    size: u64,
    hash: u64,
}

/// What an image has in `/app`; the container that is made for that carries this label.
pub fn of_image(image: &str, label: &str) -> Result<Content> {
    let container = command::docker(&["create", "--network", "none", "--label", label, image])?;
    let tar = command::output(&mut process::command(&["docker", "cp", &format!("{container}:/app"), "-"]));
    command::docker(&["rm", "--force", "--volumes", &container])?;
    read(&tar?)
}

fn read(tar: &[u8]) -> Result<Content> {
    let mut content = Content::new();
    for entry in Archive::new(tar).entries()? {
        let mut entry = entry?;
        let header = entry.header();
        let (kind, mode) = (header.entry_type(), header.mode()? & 0o7777);
        let (path, link) = (entry.path()?.into_owned(), entry.link_name()?.map(|link| link.into_owned()));
        if kind == EntryType::Link {
            // It is the same file under another name.
            let first = link.as_ref().and_then(|link| content.get(link)).context("a hard link to nothing")?.clone();
            content.insert(path, first);
            continue;
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let kind = match kind {
            EntryType::Regular => 'f',
            EntryType::Directory => 'd',
            EntryType::Symlink => 'l',
            _ => '?',
        };
        content.insert(path, Entry { kind, mode, link, size: bytes.len() as u64, hash: hasher.finish() });
    }
    Ok(content)
}

/// In what an image differs from a fresh one; `None` if it does not.
pub fn difference(image: &Content, fresh: &Content) -> Option<String> {
    let paths: BTreeSet<_> = image.keys().chain(fresh.keys()).collect();
    let differ: Vec<_> = paths.into_iter().filter(|path| image.get(*path) != fresh.get(*path)).collect();
    if differ.is_empty() {
        return None;
    }
    let mut text = format!("{} paths differ:", differ.len());
    for path in differ.iter().take(TOLD) {
        let shown = |entry: Option<&Entry>| match entry {
            None => "nothing".to_owned(),
            Some(Entry { kind, mode, link: Some(link), .. }) => format!("{kind} {mode:o} to {}", link.display()),
            Some(Entry { kind, mode, size, hash, .. }) => format!("{kind} {mode:o} {size} bytes {:04x}", hash & 0xffff),
        };
        let (here, there) = (shown(image.get(*path)), shown(fresh.get(*path)));
        let _ = write!(text, " {} is {here}, fresh {there};", path.display());
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::{difference, read};

    fn tar(files: &[(&str, &str, u32)]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, text, mode) in files {
            let mut header = tar::Header::new_gnu();
            header.set_mode(*mode);
            header.set_size(text.len() as u64);
            tar.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap()
    }

    #[test]
    fn content_mode_and_presence_count() {
        let one = read(&tar(&[("app/a", "1", 0o644), ("app/b", "1", 0o644)])).unwrap();
        assert_eq!(difference(&one, &one), None);
        for other in [
            &[("app/a", "2", 0o644), ("app/b", "1", 0o644)][..],
            &[("app/a", "1", 0o600), ("app/b", "1", 0o644)],
            &[("app/a", "1", 0o644)],
        ] {
            let text = difference(&one, &read(&tar(other)).unwrap()).unwrap();
            assert!(text.starts_with("1 paths differ: app/"), "{text}");
        }
    }
}
