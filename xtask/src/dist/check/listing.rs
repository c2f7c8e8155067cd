//! What is in a system, to see what has changed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result};

use super::installed_root::DebianRoot;
use crate::dist::sums::sha256;

/// What dpkg and man keep for themselves: the database, logs, and the index of pages.
const OWN_OF_DPKG: [&str; 3] = ["var/lib/dpkg", "var/log", "var/cache/man"];

/// All paths of a system, each with what is there.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Listing(BTreeMap<String, String>);

impl Listing {
    /// Of the whole system, but for [`OWN_OF_DPKG`].
    ///
    /// # Errors
    /// When something cannot be read.
    pub fn of(root: &DebianRoot) -> Result<Self> {
        let mut listing = Self::default();
        listing.add(&root.path("/"), "")?;
        Ok(listing)
    }

    fn add(&mut self, root: &Path, folder: &str) -> Result<()> {
        let listed = fs::read_dir(root.join(folder)).with_context(|| format!("cannot list `/{folder}`"))?;
        for entry in listed {
            let entry = entry?;
            let path =
                format!("{folder}{}{}", if folder.is_empty() { "" } else { "/" }, entry.file_name().to_string_lossy());
            if OWN_OF_DPKG.contains(&path.as_str()) {
                continue;
            }
            let metadata = entry.metadata()?;
            let kind = metadata.file_type();
            let content = if kind.is_file() {
                sha256(&fs::read(entry.path())?)
            } else if kind.is_symlink() {
                fs::read_link(entry.path())?.display().to_string()
            } else {
                String::new()
            };
            let about = format!("{:o} {} {} {content}", metadata.permissions().mode(), metadata.uid(), metadata.gid());
            if kind.is_dir() {
                self.add(root, &path)?;
            }
            self.0.insert(path, about);
        }
        Ok(())
    }

    /// The paths that are only in one of two listings, or not the same in both.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let changed = self.0.iter().filter(|(path, about)| other.0.get(*path) != Some(about)).map(|(path, _)| path);
        let new = other.0.keys().filter(|path| !self.0.contains_key(*path));
        changed.chain(new).map(|path| format!("/{path}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Listing;

    #[test]
    fn what_is_new_gone_or_changed_differs() {
        let listing = |entries: &[(&str, &str)]| {
            Listing(entries.iter().map(|(path, about)| ((*path).to_owned(), (*about).to_owned())).collect())
        };
        let before = listing(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let after = listing(&[("a", "1"), ("b", "2"), ("d", "1")]);
        assert_eq!(before.differences(&after), ["/b", "/c", "/d"]);
    }
}
