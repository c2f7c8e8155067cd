//! Where the project lies.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The root of the workspace, where every task works.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}

/// A path as the text that a command line takes.
///
/// # Errors
/// When it is not UTF-8.
pub fn path_text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("`{}` is not UTF-8 text", path.display()))
}
