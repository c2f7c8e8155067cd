//! How a build looks at the source: on disk for a single build, or through the tracker of a watch.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::rules::{Rules, Selection};
use super::snapshot::Snapshot;
use super::walk::take_snapshot;
use crate::cancel::Cancel;

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
    rules: Rules,
}

impl DiskView {
    /// A view of the source below `root`. Questions to git end when `cancel` is triggered.
    ///
    /// # Errors
    /// When a glob cannot be parsed.
    pub fn new(root: &Path, selection: &Selection, cancel: Cancel) -> Result<Self> {
        Ok(Self { root: root.to_owned(), rules: Rules::new(root, selection, cancel)? })
    }
}

impl SourceView for DiskView {
    fn snapshot(&mut self) -> Result<Snapshot> {
        self.rules.renew();
        take_snapshot(&self.root, &mut self.rules, &mut |_| {})
    }

    fn changes_since(&mut self, sent: &Snapshot) -> Result<Option<Snapshot>> {
        let now = self.snapshot()?;
        Ok((!now.since(sent).is_empty()).then_some(now))
    }
}
