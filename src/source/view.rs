//! Looking at the source while it is sent: once for a single build, or through somebody who watches it.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Rules, Selection, Snapshot};

/// Somebody who knows what the source holds.
pub trait View {
    /// The source as it is now.
    ///
    /// # Errors
    /// A part of it that can not be read; so everywhere here.
    fn snapshot(&mut self) -> Result<Snapshot>;

    /// The source as it is now, where that is not what was `sent`. `None` is the promise that the build made of `sent`
    /// is made of the source.
    ///
    /// # Errors
    /// As above.
    fn news(&mut self, sent: &Snapshot) -> Result<Option<Snapshot>>;
}

/// Looks at all of the source each time.
pub struct Disk {
    root: PathBuf,
    rules: Rules,
}

impl Disk {
    /// A view of the source below `root`.
    ///
    /// # Errors
    /// A glob that can not be parsed.
    pub fn new(root: &Path, selection: &Selection) -> Result<Self> {
        Ok(Self { root: root.to_owned(), rules: Rules::new(root, selection)? })
    }
}

impl View for Disk {
    fn snapshot(&mut self) -> Result<Snapshot> {
        Snapshot::take(&self.root, &mut self.rules, &mut |_| {})
    }

    fn news(&mut self, sent: &Snapshot) -> Result<Option<Snapshot>> {
        let now = self.snapshot()?;
        Ok((!now.since(sent).is_empty()).then_some(now))
    }
}
