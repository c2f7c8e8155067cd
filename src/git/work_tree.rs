//! The work tree that contains a folder: where git keeps its own files, whether git is changing it, what is checked out.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use super::command::run_git_in;
use crate::cancel::Cancel;
use crate::url::without_credentials;

/// The top folder of the work tree that contains a folder, if one does.
pub fn work_tree_of(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|ancestor| ancestor.join(".git").exists())
}

/// The folder with git's own files for a work tree. In a linked work tree, `.git` is a file that names it.
pub fn git_folder(work_tree: &Path) -> Option<PathBuf> {
    let git = work_tree.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let text = fs::read_to_string(&git).ok()?;
    Some(work_tree.join(text.strip_prefix("gitdir:")?.trim()))
}

/// Whether a path is `.git` or lies in it.
pub fn is_git_path(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == OsStr::new(".git"))
}

/// Whether git is changing the work tree that contains a folder: git holds the lock of its index during a checkout.
pub fn is_busy(folder: &Path) -> bool {
    work_tree_of(folder).and_then(git_folder).is_some_and(|git| git.join("index.lock").exists())
}

/// Where the files of a work tree come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// The id of the commit that is checked out.
    pub commit: Option<String>,
    /// The URL of the remote `origin`, without credentials.
    pub remote: Option<String>,
}

/// A query for the revision that runs on a thread of its own.
pub struct RevisionQuery(Option<JoinHandle<Revision>>);

impl RevisionQuery {
    /// Starts the query for a folder, if it lies in a work tree; returns at once.
    pub fn start(folder: &Path) -> Self {
        let query = work_tree_of(folder).map(|_| {
            let folder = folder.to_owned();
            std::thread::spawn(move || revision(&folder))
        });
        Self(query)
    }

    /// Waits for the answer. It is empty when git is not installed or the folder is not in a work tree.
    pub fn wait(self) -> Revision {
        self.0.and_then(|query| query.join().ok()).unwrap_or_default()
    }
}

fn revision(folder: &Path) -> Revision {
    let ask = |args: &[&str]| {
        let answer = run_git_in(folder, args, &Cancel::default()).ok()?;
        Some(answer.trim().to_owned()).filter(|text| !text.is_empty())
    };
    Revision {
        commit: ask(&["rev-parse", "--verify", "--quiet", "HEAD"]),
        remote: ask(&["config", "--get", "remote.origin.url"]).map(|url| without_credentials(&url)),
    }
}
