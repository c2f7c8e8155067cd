//! Which path of the source a path in the container stands for, and finding such paths in a line of output.

use super::boundaries::{begins_path, ends_path, is_name_byte};
use super::position::position_after;
use super::source_paths::{SourcePaths, longest_path};
use crate::report::message::SourcePath;
use crate::report::strip_escapes::{ESC, after_sequence};

/// How many paths are found in one line: enough for all lines that are read, and memory stays bounded.
const PATH_LIMIT: usize = 10_000;

/// What may stand directly before an absolute path and goes with it.
const SCHEMES: [&[u8]; 2] = [b"file://", b"file:"];

/// A rule of the user: what is below `from` in the container is below `to` for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapRule {
    /// An absolute path without a slash at its end.
    pub from: String,
    /// A path for the user, without a slash at its end; `.` is where the user is.
    pub to: String,
}

/// Where in the container the source is, and what the user calls it.
pub struct PathMap {
    /// The longest `from` first; among equal ones those of the user first.
    folders: Vec<Folder>,
    /// What the user calls the source; empty where the user is in it.
    source: Vec<u8>,
}

struct Folder {
    from: Vec<u8>,
    to: Vec<u8>,
    /// Only paths count that the source has.
    is_source: bool,
}

impl PathMap {
    /// A map of these absolute folders of the container, in which the source may be, and of the rules of the user. `source`
    /// is what the user calls the source; it is empty where the user is in it. The root folder of the container is left
    /// out: its folders have names that a source has as well.
    pub fn new(source: &[u8], folders: &[impl AsRef<str>], rules: &[MapRule]) -> Self {
        let of_rules = rules.iter().map(|rule| Folder {
            from: rule.from.clone().into_bytes(),
            to: rule.to.clone().into_bytes(),
            is_source: false,
        });
        let of_source =
            folders.iter().map(|folder| folder.as_ref().trim_end_matches('/')).filter(|folder| !folder.is_empty());
        let of_source = of_source.map(|from| Folder { from: from.into(), to: source.to_owned(), is_source: true });
        let mut folders: Vec<_> = of_rules.chain(of_source).collect();
        folders.sort_by_key(|folder| std::cmp::Reverse(folder.from.len()));
        Self { folders, source: source.to_owned() }
    }

    /// Finds the paths in a line, in their order, in a time that grows with the length of the line.
    pub fn find(&self, paths: &dyn SourcePaths, text: &[u8]) -> Vec<SourcePath> {
        let mut found = Vec::new();
        let mut from = 0;
        let mut escape_end = 0;
        while let Some(offset) = memchr::memchr2(b'/', ESC, &text[from..]) {
            let begin = from + offset;
            if text[begin] == ESC {
                from = text.len() - after_sequence(&text[begin + 1..]).len();
                escape_end = from;
                continue;
            }
            from = match self.path_at(paths, text, begin, escape_end) {
                Some(path) => {
                    let end = path.container.end;
                    found.push(path);
                    end
                }
                None => begin + 1,
            };
            if found.len() == PATH_LIMIT {
                break;
            }
        }
        found
    }

    /// The path that begins at `begin`, if one does; an escape sequence ends at `escape_end`.
    fn path_at(&self, paths: &dyn SourcePaths, text: &[u8], begin: usize, escape_end: usize) -> Option<SourcePath> {
        let rest = &text[begin..];
        let mut candidates = self.folders.iter().filter(|folder| rest.starts_with(&folder.from)).peekable();
        candidates.peek()?;
        let scheme = SCHEMES.iter().find(|scheme| text[..begin].ends_with(scheme)).map_or(0, |scheme| scheme.len());
        let beginnings = [begin - scheme, begin];
        let replaced = beginnings.into_iter().find(|at| *at == escape_end || begins_path(text, *at))?;
        let (length, source) = candidates.find_map(|folder| folder.translate(paths, rest))?;
        let (line, column) = position_after(&rest[length..]);
        let end = begin + length;
        Some(SourcePath { container: begin..end, replaced: replaced..end, source, line, column })
    }

    /// What the user calls a file that a program in the container names, if it is one of the source: by an absolute path, or
    /// by one from the source on.
    pub fn locate(&self, paths: &dyn SourcePaths, file: &[u8]) -> Option<Vec<u8>> {
        let file = SCHEMES.iter().find_map(|scheme| file.strip_prefix(*scheme)).unwrap_or(file);
        if file.starts_with(b"/") {
            let whole = |(length, source): (usize, Vec<u8>)| (length == file.len()).then_some(source);
            return self.folders.iter().find_map(|folder| folder.translate(paths, file).and_then(whole));
        }
        let file = without_dots(file);
        (longest_path(paths, file) == Some(file.len())).then(|| join(&self.source, file))
    }
}

impl Folder {
    /// The length of the path with which the text begins, if that is one in this folder, and what the user calls it.
    fn translate(&self, paths: &dyn SourcePaths, text: &[u8]) -> Option<(usize, Vec<u8>)> {
        let below = text.strip_prefix(&*self.from)?;
        if !self.is_source {
            let length = self.from.len();
            if !below.starts_with(b"/") {
                return ends_path(text, length).then(|| (length, join(&self.to, b"")));
            }
            let mut name = below.iter().take_while(|byte| **byte == b'/' || is_name_byte(**byte)).count();
            while below[..name].ends_with(b".") {
                name -= 1;
            }
            return Some((length + name, join(&self.to, without_dots(&below[1..name]))));
        }
        let below = without_dots(below.strip_prefix(b"/")?);
        let length = longest_path(paths, below)?;
        Some((text.len() - below.len() + length, join(&self.to, &below[..length])))
    }
}

/// A path without what means nothing at its beginning.
fn without_dots(mut path: &[u8]) -> &[u8] {
    while let Some(rest) = path.strip_prefix(b"./").or_else(|| path.strip_prefix(b"/")) {
        path = rest;
    }
    path
}

/// The path of `name` in `folder`, which is empty or `.` where the user is.
fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    match (folder, name) {
        (b"" | b".", b"") => b".".to_vec(),
        (b"" | b".", name) => name.to_vec(),
        (folder, b"") => folder.to_vec(),
        (b"/", name) => [b"/", name].concat(),
        (folder, name) => [folder, b"/", name].concat(),
    }
}

#[cfg(test)]
mod tests;
