//! The settings of `files`: what to list, and how.

use std::path::{Component, Path, PathBuf};

use anyhow::Result;

use super::selection;
use super::source::existing_folder;
use crate::cli::files::FilesArgs;
use crate::error::Error;
use crate::source::rules::Selection;

/// What to list, and how.
pub struct FilesSettings {
    /// The source, an absolute path with all links resolved.
    pub root: PathBuf,
    pub selection: Selection,
    pub format: Format,
    /// The path to explain, relative to the source, if one is to be explained.
    pub why: Option<Asked>,
}

/// How paths are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One a line.
    Lines,
    /// Each with a NUL byte after it.
    Null,
    Json,
}

/// A path that is to be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Relative to the source.
    pub path: PathBuf,
    /// It was written as a folder.
    pub as_folder: bool,
}

impl FilesSettings {
    /// The settings for these arguments.
    ///
    /// # Errors
    /// When the source is no folder, or the path to explain is not in it.
    pub fn new(args: &FilesArgs) -> Result<Self> {
        let root = existing_folder(&args.source, &args.source.display().to_string())?;
        let format = match (args.json, args.null) {
            (true, _) => Format::Json,
            (_, true) => Format::Null,
            _ => Format::Lines,
        };
        let why = args.why.as_deref().map(|path| asked(path, &root)).transpose()?;
        Ok(Self { why, format, selection: selection(&args.selection, false, false), root })
    }
}

/// The path that was typed as `typed`, in the source `root`.
fn asked(typed: &Path, root: &Path) -> Result<Asked> {
    let as_folder = typed.as_os_str().as_encoded_bytes().ends_with(b"/");
    let from_source = lexically_inside(&root.join(typed), root);
    let exists = from_source.as_ref().is_some_and(|path| root.join(path).symlink_metadata().is_ok());
    let from_here = std::path::absolute(typed).ok().and_then(|path| in_source(&path, root));
    let path = match (from_source, from_here) {
        (Some(_), Some(here)) if !exists && root.join(&here).symlink_metadata().is_ok() => here,
        (Some(path), _) => path,
        (None, Some(here)) => here,
        (None, None) => {
            return Err(Error::usage(format!("`{}` is not in the source", typed.display()))
                .hint("give a path relative to SOURCE")
                .into());
        }
    };
    Ok(Asked { path, as_folder })
}

/// The part of an absolute path that is below `root`, where the folder that the path is in is looked up.
fn in_source(path: &Path, root: &Path) -> Option<PathBuf> {
    let resolved = path.parent().and_then(|folder| folder.canonicalize().ok()).zip(path.file_name());
    let resolved = resolved.and_then(|(folder, name)| lexically_inside(&folder.join(name), root));
    resolved.or_else(|| lexically_inside(path, root))
}

/// The part of an absolute path that is below `root`, by its words alone; `None` when it is not below it.
fn lexically_inside(path: &Path, root: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => _ = plain.pop(),
            part => plain.push(part),
        }
    }
    plain.strip_prefix(root).ok().map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::asked;

    #[test]
    fn a_path_is_one_in_the_source_however_it_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("src");
        fs::create_dir_all(root.join("a")).unwrap();
        fs::write(root.join("a/b"), "").unwrap();
        let absolute = root.join("a/b");
        for typed in ["a/b", "./a/b", "a/../a/b", "a//b/", absolute.to_str().unwrap()] {
            assert_eq!(asked(Path::new(typed), &root).unwrap().path, PathBuf::from("a/b"), "{typed}");
        }
        assert!(asked(Path::new("none/"), &root).unwrap().as_folder);
        assert!(asked(Path::new("../x"), &root).is_err());
        assert!(asked(Path::new("/etc/passwd"), &root).is_err());
    }
}
