//! The folder that the typed source means. No event tells that it means another one, so it is asked for by the clock.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::error::{Error, ErrorKind};
use crate::settings::source::Source;

/// Why a build ends whose source came to mean another folder while it was sent.
#[derive(Debug)]
pub struct SourceMoved;

impl SourceMoved {
    /// The error that ends such a build.
    pub fn error() -> anyhow::Error {
        Error::new(ErrorKind::Superseded, "the build was cancelled").because(Self).into()
    }

    /// Whether a build ended by this.
    pub fn ended(error: &anyhow::Error) -> bool {
        error.chain().any(|cause| cause.is::<Self>())
    }
}

impl fmt::Display for SourceMoved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the source is another folder now")
    }
}

impl std::error::Error for SourceMoved {}

/// A folder at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The absolute path without links.
    pub path: PathBuf,
    device: u64,
    inode: u64,
}

impl Place {
    /// The folder that a source means now.
    ///
    /// # Errors
    /// When there is none, or it cannot be used.
    pub fn of(source: &Source) -> Result<Self> {
        let path = source.path_now()?;
        let meta = fs::metadata(&path).with_context(|| format!("cannot use the source `{}`", source.typed))?;
        Ok(Self { path, device: meta.dev(), inode: meta.ino() })
    }

    /// Whether this may be the same folder as another one, on a file system that numbers its folders anew now and then, as
    /// programs do that show a network.
    pub fn may_be(&self, other: &Place) -> bool {
        self.path == other.path && self.device == other.device
    }

    /// Like [`of`](Self::of), for a source that meant `before`.
    ///
    /// # Errors
    /// Also when what is there now is only the empty folder that a file system was mounted on before.
    pub fn after(before: &Place, source: &Source) -> Result<Self> {
        let now = Self::of(source)?;
        if now.device != before.device && fs::read_dir(&now.path)?.next().is_none() {
            return Err(
                Error::usage(format!("`{}` is on another file system now, and empty there", source.typed)).into()
            );
        }
        Ok(now)
    }
}

#[cfg(test)]
mod tests {
    use super::Place;
    use crate::settings::source::Source;

    #[test]
    fn a_folder_with_another_number_may_be_the_same_one() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::of(&Source::at(dir.path())).unwrap();
        let again = Place { inode: place.inode + 1, ..place.clone() };
        assert!(again != place && again.may_be(&place));
        assert!(!Place { device: place.device + 1, ..place.clone() }.may_be(&place));
        assert!(!Place { path: "/other".into(), ..place.clone() }.may_be(&place));
    }
}
