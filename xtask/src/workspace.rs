//! Where the project lies.

use std::path::PathBuf;

/// The root of the workspace, where every task works.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}
