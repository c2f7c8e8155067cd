//! Looking at the source while it is sent: on disk for a single build, or through the tracker of a watch.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::rules::{Rules, Selection};
use super::snapshot::Snapshot;
use super::walk::take_snapshot;

/// Something that knows what the source holds.
pub trait SourceView {
    /// The source as it is now.
    ///
    /// # Errors
    /// A part of it that can not be read.
    fn snapshot(&mut self) -> Result<Snapshot>;

    /// The source as it is now, where that is not what was `sent`. `None` is the promise that the build made of `sent`
    /// is made of the source.
    ///
    /// # Errors
    /// A part of it that can not be read.
    fn changes_since(&mut self, sent: &Snapshot) -> Result<Option<Snapshot>>;
}

/// Looks at all of the source each time.
pub struct DiskView {
    root: PathBuf,
    rules: Rules,
}

impl DiskView {
    /// A view of the source below `root`.
    ///
    /// # Errors
    /// A glob that can not be parsed.
    pub fn new(root: &Path, selection: &Selection) -> Result<Self> {
        Ok(Self { root: root.to_owned(), rules: Rules::new(root, selection)? })
    }
}

impl SourceView for DiskView {
    fn snapshot(&mut self) -> Result<Snapshot> {
        take_snapshot(&self.root, &mut self.rules, &mut |_| {})
    }

    fn changes_since(&mut self, sent: &Snapshot) -> Result<Option<Snapshot>> {
        let now = self.snapshot()?;
        Ok((!now.since(sent).is_empty()).then_some(now))
    }
}
