//! Makes sure that the tests find a registry: Debian's `docker-registry`, unpacked below `target`, so that nothing is
//! installed and no service is started.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{engine, process, workspace};

/// Debian's package, and the program in it.
const PACKAGE: &str = "docker-registry";

/// The folder that the package is unpacked into, below that of the workspace; the tests look there, too.
const FOLDER: &str = "target/docker-registry";

/// Gets the program unless it is there. Where it cannot be had, says so: the tests that need it are skipped then.
pub fn ensure() {
    let folder = workspace::root().join(FOLDER);
    if process::succeeds(&[PACKAGE, "--version"]) || folder.join("usr/bin").join(PACKAGE).exists() {
        return;
    }
    eprintln!("no registry for the tests here: unpacking Debian's {PACKAGE} into {FOLDER}");
    if let Err(error) = unpack(&folder) {
        eprintln!("warning: tests that need a registry are skipped: {error:#}");
    }
}

fn unpack(folder: &Path) -> Result<()> {
    if !process::succeeds(&["dpkg-deb", "--version"]) || !process::succeeds(&["apt-get", "--version"]) {
        bail!("`{PACKAGE}` is not installed, and this is no Debian that could provide it");
    }
    let download = tempfile::tempdir()?;
    if let Err(error) = download_to(download.path()) {
        if !engine::is_root()? {
            return Err(error);
        }
        // The lists of packages may be missing, or older than the packages of today.
        process::output(&["apt-get", "update", "-q"])?;
        download_to(download.path())?;
    }
    let package = fs::read_dir(download.path())?.next().context("`apt-get download` left no package")??.path();
    // A name of its own until it is whole.
    let unpacked = folder.with_extension("new");
    fs::create_dir_all(&unpacked)?;
    process::output(&["dpkg-deb", "--extract", workspace::path_text(&package)?, workspace::path_text(&unpacked)?])?;
    fs::rename(&unpacked, folder).with_context(|| format!("cannot make {}", folder.display()))
}

fn download_to(folder: &Path) -> Result<()> {
    let mut command = process::command(&["apt-get", "download", "-q", PACKAGE]);
    let output = command.current_dir(folder).output().context("cannot start `apt-get`")?;
    if !output.status.success() {
        bail!("`apt-get download {PACKAGE}` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
