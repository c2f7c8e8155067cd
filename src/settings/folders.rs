//! Places of this machine, as its environment names them.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::random;

/// The folder in which all runs of this user keep their locks.
pub fn locks() -> PathBuf {
    std::env::temp_dir().join(format!("minis2i-{}", rustix::process::getuid().as_raw()))
}

/// Makes a new folder for a clone that outlives the run.
///
/// # Errors
/// A folder for temporary files that can not be written to.
pub fn kept_checkout() -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("minis2i-source-{}", random::word()?));
    std::fs::create_dir(&folder).with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    Ok(folder)
}
