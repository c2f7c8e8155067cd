//! What a run writes into the file of its lock, and what the next run reads there if it died.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// For how long after its last commit a dead run is remembered: the engine may go on with a commit whose run was killed.
/// Chosen so that a commit of several GB can end.
pub const COMMIT_MAY_LAST: Duration = Duration::from_secs(60);

/// An image that a run has to remove, if it still exists when the run has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// It has the label of this commit, and no name yet.
    Commit(String),
    /// It lost the tag, or may lose it.
    Image(SupersededImage),
}

/// An image that another one supersedes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupersededImage {
    pub id: String,
    /// The name of its commit, if it is known that this made another image, upon which this one was built.
    pub commit: Option<String>,
}

impl SupersededImage {
    /// The image in one line.
    pub fn text(&self) -> String {
        match &self.commit {
            Some(commit) => format!("{} {commit}", self.id),
            None => self.id.clone(),
        }
    }

    /// The image that [`text`](Self::text) describes.
    pub fn from_text(text: &str) -> Self {
        match text.split_once(' ') {
            Some((id, commit)) => Self { id: id.to_owned(), commit: Some(commit.to_owned()) },
            None => Self { id: text.to_owned(), commit: None },
        }
    }
}

impl Unfinished {
    /// Whether this is the image with this id.
    pub(super) fn is_image(&self, id: &str) -> bool {
        matches!(self, Self::Image(image) if image.id == id)
    }

    /// One line of the lock's file.
    pub(super) fn line(&self) -> String {
        match self {
            Self::Commit(name) => format!("commit {name}\n"),
            Self::Image(image) => format!("image {}\n", image.text()),
        }
    }

    /// What a line of a lock's file stands for. A line that was cut short, or is of another version, stands for nothing.
    pub(super) fn from_line(line: &str) -> Option<Self> {
        let (kind, name) = line.split_once(' ')?;
        match kind {
            "commit" => Some(Self::Commit(name.to_owned())),
            "image" => Some(Self::Image(SupersededImage::from_text(name))),
            _ => None,
        }
    }
}

/// A run that has ended without removing its lock.
pub struct DeadRun {
    pub(super) lock: PathBuf,
    /// The images that it may have left.
    pub unfinished: Vec<Unfinished>,
}

impl DeadRun {
    /// Whether its last commit is so recent that the engine may still be at it.
    pub fn may_be_committing(&self) -> bool {
        let modified = fs::metadata(&self.lock).and_then(|meta| meta.modified());
        modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age < COMMIT_MAY_LAST))
    }
}
