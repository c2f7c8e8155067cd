//! Servers that some tests need: Debian's, unpacked by `cargo xtask test`, or those of this system.

use std::path::{Path, PathBuf};

/// The folder that the packages of a server are unpacked into; `package` is the first of them.
pub fn unpacked(package: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join(package)
}

/// The program of a server, where there is one; `path` is its place below the root of a system. On one that has it elsewhere it is
/// found on the search path.
pub fn program(package: &str, path: &str) -> Option<PathBuf> {
    let known = [unpacked(package), PathBuf::from("/")].map(|root| root.join(path));
    let name = Path::new(path).file_name()?;
    let search_path = std::env::var_os("PATH").unwrap_or_default();
    known.into_iter().chain(std::env::split_paths(&search_path).map(|folder| folder.join(name))).find(|it| it.exists())
}
