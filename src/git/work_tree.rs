//! The work tree that contains a folder: where git keeps its own files, whether git is changing it, what is checked out.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::command::query_git_in;
use crate::cancel::Cancel;
use crate::error::ErrorKind;
use crate::url::without_credentials;

/// The top folder of the work tree that contains a folder, if one does.
pub fn work_tree_of(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|ancestor| git_folder(ancestor).is_some())
}

/// The folder with git's own files for a work tree with this top folder. `None` if the folder is no top of a work tree:
/// git, too, passes over a `.git` that has not what every repository has.
pub fn git_folder(top: &Path) -> Option<PathBuf> {
    let folder = named_git_folder(top)?;
    let common = common_folder(&folder);
    let is_repository = fs::symlink_metadata(folder.join("HEAD")).is_ok()
        && common.join("objects").is_dir()
        && common.join("refs").is_dir();
    is_repository.then_some(folder)
}

/// The folder that is called `.git`, or that a file of this name names, as in a submodule or a linked work tree.
fn named_git_folder(top: &Path) -> Option<PathBuf> {
    let git = top.join(".git");
    let meta = fs::metadata(&git).ok()?;
    if meta.is_dir() {
        return Some(git);
    }
    // A pipe would be waited for.
    let text = if meta.is_file() { fs::read(&git).ok()? } else { return None };
    Some(top.join(OsStr::from_bytes(text.strip_prefix(b"gitdir:")?.trim_ascii())))
}

/// The folder with what the linked work trees of a repository share, for the folder with git's own files of one of them.
pub fn common_folder(git_folder: &Path) -> PathBuf {
    match fs::read(git_folder.join("commondir")) {
        Ok(text) => git_folder.join(OsStr::from_bytes(text.trim_ascii())),
        Err(_) => git_folder.to_owned(),
    }
}

/// Whether a path is `.git` or lies in it.
pub fn is_git_path(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == OsStr::new(".git"))
}

/// The lock of git's index, which git holds while it changes the work tree. One that was left behind looks the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexLock {
    pub path: PathBuf,
    pub inode: u64,
    /// When it was last written to, in seconds and nanoseconds since 1970.
    pub modified: (i64, i64),
}

/// The lock by which git shows that it is changing the work tree that contains a folder, if it is.
pub fn is_busy(folder: &Path) -> Option<IndexLock> {
    let path = folder.ancestors().find_map(named_git_folder)?.join("index.lock");
    let meta = fs::symlink_metadata(&path).ok()?;
    Some(IndexLock { path, inode: meta.ino(), modified: (meta.mtime(), meta.mtime_nsec()) })
}

/// Where the files of a work tree come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// The id of the commit that is checked out, with [`DIRTY`] where the folder differs from it.
    pub commit: Option<String>,
    /// The URL of the remote `origin`, without credentials.
    pub remote: Option<String>,
}

/// What follows the id of a commit if files were modified since, or there are others that git neither has nor ignores.
const DIRTY: &str = "-dirty";

/// How long the question for the revision may take. It is asked when a build begins, so a commit waits for it only where
/// the build itself is faster. Comparing 20,000 files takes git 0.05 s, 100,000 files 0.25 s: four times the latter.
const QUERY_LIMIT: Duration = Duration::from_secs(1);

/// How long to wait for the end of a git that was killed: chosen so that an idle machine needs a tenth of it. A git that
/// waits for a network file system ends only when that answers.
const KILLED_LIMIT: Duration = Duration::from_millis(200);

/// How often it is checked whether work was cancelled.
const TICK: Duration = Duration::from_millis(10);

/// A query for the revision that runs on a thread of its own. Dropping it ends git.
pub struct RevisionQuery(Option<RunningQuery>);

struct RunningQuery {
    answer: Receiver<Revision>,
    begin: Instant,
    /// Ends the work that the query is for.
    work: Cancel,
    /// Ends the query.
    own: Cancel,
}

impl RevisionQuery {
    /// Starts the query for a folder, if it lies in a work tree; returns at once. It ends when `work` is cancelled.
    pub fn start(folder: &Path, work: &Cancel) -> Self {
        let query = work_tree_of(folder).map(|_| {
            let folder = folder.to_owned();
            let own = Cancel::default();
            let cancel = own.clone();
            let (sender, answer) = mpsc::channel();
            std::thread::spawn(move || sender.send(revision(&folder, &cancel)));
            RunningQuery { answer, begin: Instant::now(), work: work.clone(), own }
        });
        Self(query)
    }

    /// Waits for the answer. What git did not say in time is missing, as everything is when git is not installed or the
    /// folder is not in a work tree.
    pub fn wait(self) -> Revision {
        self.0.map(|query| query.wait()).unwrap_or_default()
    }
}

impl RunningQuery {
    fn wait(&self) -> Revision {
        while self.begin.elapsed() < QUERY_LIMIT && self.work.why().is_none() {
            match self.answer.recv_timeout(TICK) {
                Ok(revision) => return revision,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Revision::default(),
            }
        }
        self.end().unwrap_or_default()
    }

    /// Ends the query; returns what is known by then. What git has answered before is kept.
    fn end(&self) -> Option<Revision> {
        self.own.trigger(ErrorKind::Superseded);
        self.answer.recv_timeout(KILLED_LIMIT).ok()
    }
}

impl Drop for RunningQuery {
    fn drop(&mut self) {
        self.end();
    }
}

fn revision(folder: &Path, cancel: &Cancel) -> Revision {
    let ask = |args: &[&str]| query_git_in(folder, args, cancel).ok();
    let remote = ask(&["config", "--get", "remote.origin.url"]).map(|url| without_credentials(url.trim()));
    // A folder that the commit does not have, such as one that is ignored, would count as clean.
    let committed = ask(&["rev-parse", "--verify", "--quiet", "HEAD:./"]).is_some();
    // The folder alone, and without looking for what was renamed, which would cost more and say nothing more.
    let status = ask(&["status", "--porcelain=v2", "--branch", "--untracked-files=normal", "--no-renames", "--", "."]);
    let commit = status.filter(|_| committed).and_then(|status| described(&status));
    Revision { commit, remote: remote.filter(|url| !url.is_empty()) }
}

/// The commit that `git status --porcelain=v2 --branch` names, with [`DIRTY`] if it lists any file.
fn described(status: &str) -> Option<String> {
    let id = status.lines().find_map(|line| line.strip_prefix("# branch.oid "))?;
    if !id.chars().all(|c| c.is_ascii_hexdigit()) {
        // `(initial)`: there is no commit yet.
        return None;
    }
    let dirty = status.lines().any(|line| !line.starts_with('#'));
    Some(format!("{id}{}", if dirty { DIRTY } else { "" }))
}

#[cfg(test)]
mod tests {
    use super::described;

    #[test]
    fn files_that_are_listed_make_a_commit_dirty() {
        let clean = "# branch.oid 12ab\n# branch.head main\n";
        assert_eq!(described(clean).as_deref(), Some("12ab"));
        for entry in ["? #new", "1 .M N... 100644 100644 100644 1 1 a"] {
            assert_eq!(described(&format!("{clean}{entry}\n")).as_deref(), Some("12ab-dirty"));
        }
        assert_eq!(described("# branch.oid (initial)\n? a\n"), None);
        assert_eq!(described(""), None);
    }
}
