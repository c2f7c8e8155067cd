//! A clone of a repository in a folder, which is removed at the end of the run. After a crash the next run removes it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::command::{run_git, run_git_in};
use super::repository::Repository;
use crate::cancel::Cancel;
use crate::error::{self, Error};
use crate::url::without_credentials;

/// The commit that was checked out, for the labels of the image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceCommit {
    pub id: String,
    /// The branch, tag or commit that was asked for, or the branch that the repository's HEAD is on.
    pub reference: String,
    /// `NAME <ADDRESS>`.
    pub author: String,
    /// In git's default format.
    pub date: String,
    /// The first line of the commit message.
    pub message: String,
}

/// A clone of a repository. Dropping it removes the folder, unless it is to be kept.
pub struct Checkout {
    folder: PathBuf,
    commit: SourceCommit,
    keep: bool,
}

impl Checkout {
    /// Clones a repository into a folder that does not exist yet, or is empty, and checks out the commit that is wanted.
    /// With `keep` the folder outlives the run.
    ///
    /// # Errors
    /// When git cannot be started, the repository cannot be cloned, there is no such commit, or work was cancelled. The
    /// folder is removed then.
    pub fn create(repository: &Repository, folder: PathBuf, keep: bool, cancel: &Cancel) -> Result<Self> {
        let mut checkout = Self { folder, commit: SourceCommit::default(), keep: false };
        checkout.clone_from(repository, cancel)?;
        checkout.commit = checkout.describe(repository, cancel)?;
        checkout.keep = keep;
        Ok(checkout)
    }

    /// The folder with the files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The commit that is checked out.
    pub fn commit(&self) -> &SourceCommit {
        &self.commit
    }

    fn clone_from(&self, repository: &Repository, cancel: &Cancel) -> Result<()> {
        let url = without_credentials(&repository.url);
        let folder = self.folder.display().to_string();
        let mut clone = vec!["clone", "--quiet"];
        match repository.reference {
            Some(_) => clone.push("--no-checkout"),
            None if repository.submodules => clone.extend(["--recurse-submodules", "--shallow-submodules"]),
            None => {}
        }
        // For a repository on this machine git ignores `--depth`, and warns about it.
        if repository.reference.is_none() && !Path::new(&repository.url).exists() {
            clone.extend(["--depth", "1"]);
        }
        clone.extend(["--", &repository.url, &folder]);
        let hint = format!("see that `git clone {url}` works");
        run_git(&clone, cancel).map_err(|error| git_failed(format!("cannot clone `{url}`"), error, &hint))?;
        match &repository.reference {
            Some(reference) => self.check_out(reference, &url, repository.submodules, cancel),
            None => Ok(()),
        }
    }

    fn check_out(&self, reference: &str, url: &str, submodules: bool, cancel: &Cancel) -> Result<()> {
        let git = |args: &[&str]| run_git_in(&self.folder, args, cancel);
        // A branch of the repository is a branch of the remote in its clone.
        let branch = format!("origin/{reference}");
        let commit = git(&["rev-parse", "--verify", "--quiet", &format!("{branch}^{{commit}}")]);
        let target = if commit.is_ok() { &branch } else { reference };
        cancel.check()?;
        let hint = format!("`git ls-remote {url}` lists branches and tags");
        git(&["checkout", "--quiet", "--detach", target])
            .map_err(|error| git_failed(format!("there is no commit `{reference}` in `{url}`"), error, &hint))?;
        if submodules {
            git(&["submodule", "update", "--quiet", "--init", "--recursive"]).map_err(|error| {
                git_failed("cannot fetch the submodules".to_owned(), error, "`--ignore-submodules`")
            })?;
        }
        Ok(())
    }

    fn describe(&self, repository: &Repository, cancel: &Cancel) -> Result<SourceCommit> {
        let format = "--format=%H%x00%an <%ae>%x00%ad%x00%s";
        let log = run_git_in(&self.folder, &["log", "-1", format], cancel).map_err(|error| {
            let what = format!("`{}` has no commit", without_credentials(&repository.url));
            git_failed(what, error, "commit something first, or give the folder itself")
        })?;
        let mut fields = log.trim_end().split('\0').map(str::to_owned);
        let mut next = || fields.next().unwrap_or_default();
        let (id, author, date, message) = (next(), next(), next(), next());
        let reference = match &repository.reference {
            Some(reference) => reference.clone(),
            None => run_git_in(&self.folder, &["rev-parse", "--abbrev-ref", "HEAD"], cancel)?.trim().to_owned(),
        };
        Ok(SourceCommit { id, reference, author, date, message })
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        if !self.keep {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The error `what` with git's error as its cause. An error that has a kind already, such as an interrupt, stays as it is.
fn git_failed(what: String, error: anyhow::Error, hint: &str) -> anyhow::Error {
    if error::is_classified(&error) {
        return error;
    }
    Error::usage(what).because(error).hint(hint).into()
}
