//! The source folder that the command line names.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use anyhow::Result;

use super::source_location::SourceLocation;
use crate::cli::job::JobArgs;
use crate::error::Error;
use crate::git::checkout::{Checkout, SourceCommit};
use crate::url::without_credentials;

/// The source folder.
#[derive(Clone, Debug)]
pub struct Source {
    /// The argument as it was given, without credentials, for labels and messages.
    pub typed: String,
    /// The absolute path, with all links resolved.
    pub path: PathBuf,
    /// The value of `--context-dir`.
    pub context: Option<String>,
    /// The commit that was checked out, if the source is a repository.
    pub commit: Option<SourceCommit>,
}

impl Source {
    /// The source for these arguments. If it is a repository, `checkout` is its clone.
    ///
    /// # Errors
    /// When the folder does not exist or cannot be used, or the source is a repository and there is no clone, since a
    /// repository cannot be watched.
    pub fn new(args: &JobArgs, checkout: Option<&Checkout>) -> Result<Self> {
        let (typed, folder) = match (SourceLocation::of(args)?, checkout) {
            (SourceLocation::Folder(folder), _) => (folder.display().to_string(), folder),
            (SourceLocation::Repository(repository), Some(checkout)) => {
                (without_credentials(&repository.url), checkout.folder().to_owned())
            }
            (SourceLocation::Repository(repository), None) => {
                let url = without_credentials(&repository.url);
                return Err(Error::usage(format!(
                    "`{url}` cannot be watched: saves are seen only in a folder of this machine"
                ))
                .hint("clone it and watch the clone, or build it once with `minis2i build`")
                .into());
            }
        };
        let top = existing_folder(&folder, &typed)?;
        let path = match &args.repository.context_dir {
            Some(context) => folder_inside(&top, context)?,
            None => top,
        };
        let context = args.repository.context_dir.as_ref().map(|context| context.display().to_string());
        Ok(Self { typed, path, context, commit: checkout.map(|checkout| checkout.commit().clone()) })
    }
}

/// The absolute path of the source folder.
fn existing_folder(folder: &Path, shown: &str) -> Result<PathBuf> {
    let path = fs::canonicalize(folder).map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            Error::usage(format!("there is no source folder `{shown}`"))
                .hint("the order is `minis2i build SOURCE BUILDER TAG`; SOURCE is a folder on this machine")
        } else {
            Error::usage(format!("cannot use the source `{shown}`"))
                .because(error)
                .hint("make it, and the folders above it, readable for you")
        }
    })?;
    if !path.is_dir() {
        let hint = "give the folder that holds it";
        return Err(Error::usage(format!("the source `{shown}` is a file, not a folder")).hint(hint).into());
    }
    Ok(path)
}

/// The folder below `top` that `--context-dir` names. It cannot be outside of the source, neither by `..` nor by links.
fn folder_inside(top: &Path, context: &Path) -> Result<PathBuf> {
    let shown = context.display();
    let hint = "`--context-dir` names a folder inside SOURCE";
    let inside: PathBuf = context.components().filter(|part| !matches!(part, Component::RootDir)).collect();
    let path = fs::canonicalize(top.join(inside)).map_err(|error| {
        Error::usage(format!("there is no folder `{shown}` in the source")).because(error).hint(hint)
    })?;
    if !path.starts_with(top) {
        return Err(Error::usage(format!("the folder `{shown}` is not in the source")).hint(hint).into());
    }
    if !path.is_dir() {
        return Err(Error::usage(format!("`{shown}` in the source is a file, not a folder")).hint(hint).into());
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::folder_inside;

    #[test]
    fn a_context_stays_in_the_source() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap().join("top");
        std::fs::create_dir_all(top.join("a/b")).unwrap();
        std::fs::create_dir(top.with_file_name("top2")).unwrap();
        std::os::unix::fs::symlink("../top2", top.join("out")).unwrap();
        let inside = |context: &str| folder_inside(&top, Path::new(context));
        assert_eq!(inside("a/b").unwrap(), top.join("a/b"));
        assert_eq!(inside("/a").unwrap(), top.join("a"));
        assert_eq!(inside("a/../a/b/").unwrap(), top.join("a/b"));
        for bad in ["..", "a/../..", "../top2", "out", "none"] {
            assert!(inside(bad).is_err(), "{bad}");
        }
    }
}
