//! Folders of this machine whose place depends on the environment.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::random;
use crate::run_lock::RunFolders;

/// The folders of all runs of this user. The locks are in `XDG_RUNTIME_DIR`, which is gone when the user has logged out,
/// if there is one that belongs to this user.
pub fn of_runs() -> RunFolders {
    let user = rustix::process::getuid().as_raw();
    let temporary = std::env::temp_dir().join(format!("minis2i-{user}"));
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let runtime =
        runtime.filter(|folder| folder.is_absolute() && fs::metadata(folder).is_ok_and(|it| it.uid() == user));
    RunFolders { locks: runtime.map_or_else(|| temporary.clone(), |folder| folder.join("minis2i")), clones: temporary }
}

/// The configuration file of the engine's CLI, which need not exist; `None` where the CLI has none.
pub fn client_config() -> Option<PathBuf> {
    let folder = std::env::var_os("DOCKER_CONFIG").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    Some(folder.or_else(|| Some(std::env::home_dir()?.join(".docker")))?.join("config.json"))
}

/// Creates a new folder for a clone that is kept after the run, and returns its path.
///
/// # Errors
/// When the folder for temporary files cannot be written to.
pub fn kept_checkout() -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("minis2i-source-{}", random::word()?));
    fs::create_dir(&folder).with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    Ok(folder)
}
