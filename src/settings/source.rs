//! The source folder that the command line names.

use std::env;
use std::fs;
use std::io;
use std::path::{self, Component, Path, PathBuf};

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
    /// How `path` was found.
    way: Way,
}

/// What leads to the source folder: links in it may lead elsewhere later.
#[derive(Clone, Debug)]
struct Way {
    /// The folder that was given.
    folder: PathBuf,
    /// The same from the root on, with the current folder as it was called at the start.
    absolute: PathBuf,
    /// What `--context-dir` names in it.
    context: Option<PathBuf>,
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
        let absolute = path::absolute(&folder).unwrap_or_else(|_| folder.clone());
        let way = Way { folder, absolute, context: args.repository.context_dir.clone() };
        let path = way.follow(&typed)?;
        let context = args.repository.context_dir.as_ref().map(|context| context.display().to_string());
        Ok(Self { typed, path, context, commit: checkout.map(|checkout| checkout.commit().clone()), way })
    }

    /// The absolute path of the folder that the argument means now, with all links resolved. It differs from `path` where a
    /// link on the way leads elsewhere by now.
    ///
    /// # Errors
    /// When there is no folder any more, or it cannot be used.
    pub fn path_now(&self) -> Result<PathBuf> {
        self.way.follow(&self.typed)
    }

    /// The source in another folder that the argument means.
    pub fn moved_to(&self, path: &Path) -> Self {
        Self { path: path.to_owned(), ..self.clone() }
    }

    /// A source that was given by its path.
    #[cfg(test)]
    pub fn at(path: &Path) -> Self {
        let way = Way { folder: path.to_owned(), absolute: path.to_owned(), context: None };
        Self { typed: path.display().to_string(), path: path.to_owned(), context: None, commit: None, way }
    }
}

impl Way {
    /// The absolute path of the folder that it leads to now; `shown` is what messages call the folder.
    fn follow(&self, shown: &str) -> Result<PathBuf> {
        // A current folder that was removed leads nowhere, but another may have its name by now.
        let from_the_root = self.folder.is_relative() && env::current_dir().is_err();
        let top = existing_folder(if from_the_root { &self.absolute } else { &self.folder }, shown)?;
        match &self.context {
            Some(context) => folder_inside(&top, context),
            None => Ok(top),
        }
    }
}

/// The absolute path of the source folder.
pub(super) fn existing_folder(folder: &Path, shown: &str) -> Result<PathBuf> {
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
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::{Source, Way, folder_inside};

    #[test]
    fn a_path_means_what_its_links_lead_to_now() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        for folder in ["r1/app", "r2/app", "r3"] {
            fs::create_dir_all(top.join(folder)).unwrap();
        }
        let link = top.join("current");
        let retarget = |to: &str| {
            let _ = fs::remove_file(&link);
            symlink(to, &link).unwrap();
        };
        retarget("r1");
        let source = Source::at(&link.join("app"));
        let context = Some("app".into());
        let inside = Source { way: Way { folder: link.clone(), absolute: link.clone(), context }, ..Source::at(&link) };
        for (to, path) in [("r1", Some("r1/app")), ("r2", Some("r2/app")), ("r3", None), ("none", None)] {
            retarget(to);
            for source in [&source, &inside] {
                assert_eq!(source.path_now().ok(), path.map(|path| top.join(path)), "{to}");
            }
        }
    }

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
