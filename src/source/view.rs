//! How a build looks at the source: on disk for a single build, or through the tracker of a watch.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::rules::{Rules, Selection};
use super::snapshot::Snapshot;
use super::walk::take_snapshot;
use crate::cancel::Cancel;
use crate::error::Error;

/// A way to look at the source.
pub trait SourceView {
    /// The source as it is now.
    ///
    /// # Errors
    /// When a part of the source cannot be read.
    fn snapshot(&mut self) -> Result<Snapshot>;

    /// The source as it is now, if it differs from what was `sent`. `None` promises that a build of what was `sent` is a
    /// build of the source.
    ///
    /// # Errors
    /// When a part of the source cannot be read.
    fn changes_since(&mut self, sent: &Snapshot) -> Result<Option<Snapshot>>;
}

/// A view that walks through all of the source each time.
pub struct DiskView {
    root: PathBuf,
    /// Device and inode of the root.
    identity: Option<(u64, u64)>,
    rules: Rules,
}

impl DiskView {
    /// A view of the source below `root`. Questions to git end when `cancel` is triggered.
    ///
    /// # Errors
    /// When a glob cannot be parsed.
    pub fn new(root: &Path, selection: &Selection, cancel: Cancel) -> Result<Self> {
        Ok(Self { root: root.to_owned(), identity: identity(root), rules: Rules::new(root, selection, cancel)? })
    }
}

fn identity(root: &Path) -> Option<(u64, u64)> {
    fs::metadata(root).ok().map(|meta| (meta.dev(), meta.ino()))
}

impl SourceView for DiskView {
    fn snapshot(&mut self) -> Result<Snapshot> {
        self.rules.renew();
        let snapshot = take_snapshot(&self.root, &mut self.rules, &mut |_| {})?;
        // Of another folder with the same name, a part was sent already, or scripts were read.
        if identity(&self.root) == self.identity {
            return Ok(snapshot);
        }
        Err(Error::usage(format!(
            "another folder took the place of the source `{}` during the build",
            self.root.display()
        ))
        .hint("build again, now that it is there")
        .into())
    }

    fn changes_since(&mut self, sent: &Snapshot) -> Result<Option<Snapshot>> {
        let now = self.snapshot()?;
        Ok((!now.since(sent).is_empty()).then_some(now))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Cancel, DiskView, SourceView};
    use crate::source::rules::Selection;

    #[test]
    fn a_folder_that_took_the_place_of_the_source_during_a_build_was_mixed_with_it() {
        let dir = tempfile::tempdir().unwrap();
        for parent in ["p", "other"] {
            fs::create_dir_all(dir.path().join(parent).join("src")).unwrap();
        }
        let mut view = DiskView::new(&dir.path().join("p/src"), &Selection::default(), Cancel::default()).unwrap();
        let sent = view.snapshot().unwrap();
        assert!(view.changes_since(&sent).unwrap().is_none());
        fs::rename(dir.path().join("p"), dir.path().join("away")).unwrap();
        fs::rename(dir.path().join("other"), dir.path().join("p")).unwrap();
        let error = view.changes_since(&sent).unwrap_err();
        assert!(error.to_string().contains("took the place"), "{error}");
    }
}
