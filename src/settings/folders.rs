//! Folders of this machine whose place depends on the environment.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::random;

/// The folder with the locks of all runs of this user, which need not exist.
pub fn locks() -> PathBuf {
    std::env::temp_dir().join(format!("minis2i-{}", rustix::process::getuid().as_raw()))
}

/// Creates a new folder for a clone that is kept after the run, and returns its path.
///
/// # Errors
/// When the folder for temporary files cannot be written to.
pub fn kept_checkout() -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("minis2i-source-{}", random::word()?));
    std::fs::create_dir(&folder).with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    Ok(folder)
}
