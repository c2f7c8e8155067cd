//! Makes sure that the tests find the servers that some of them need: those of Debian's packages, unpacked below `target`, so
//! that nothing is installed and no service is started.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{engine, process, workspace};

/// A server, and where it comes from.
struct Server {
    /// What it is, for messages.
    what: &'static str,
    /// Debian's package with it, and packages with libraries of its that may be missing.
    packages: &'static [&'static str],
    /// The program, below the root of a system or the folder that the packages are unpacked into. That folder has the name of the
    /// first package and is below `target`; the tests look there, too.
    program: &'static str,
}

const SERVERS: [Server; 2] = [
    Server { what: "registry", packages: &["docker-registry"], program: "usr/bin/docker-registry" },
    Server { what: "ssh server", packages: &["openssh-server", "libwrap0"], program: "usr/sbin/sshd" },
];

/// Gets the programs unless they are there. Where one cannot be had, says so: the tests that need it are skipped then.
pub fn ensure() {
    for server in &SERVERS {
        let folder = format!("target/{}", server.packages[0]);
        let unpacked = workspace::root().join(&folder);
        let is_here = Path::new("/").join(server.program).exists() || is_on_search_path(server.program);
        if is_here || unpacked.join(server.program).exists() {
            continue;
        }
        let (what, packages) = (server.what, server.packages.join(" and "));
        eprintln!("no {what} for the tests here: unpacking Debian's {packages} into {folder}");
        if let Err(error) = unpack(server.packages, &unpacked) {
            eprintln!("warning: tests that need a {what} are skipped: {error:#}");
        }
    }
}

/// Whether the search path has a program of this name.
fn is_on_search_path(program: &str) -> bool {
    let name = Path::new(program).file_name().unwrap_or_default();
    let search_path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&search_path).any(|folder| folder.join(name).exists())
}

fn unpack(packages: &[&str], folder: &Path) -> Result<()> {
    if !process::succeeds(&["dpkg-deb", "--version"]) || !process::succeeds(&["apt-get", "--version"]) {
        bail!("`{}` is not installed, and this is no Debian that could provide it", packages[0]);
    }
    let download = tempfile::tempdir()?;
    if let Err(error) = download_to(packages, download.path()) {
        if !engine::is_root()? {
            return Err(error);
        }
        // The lists of packages may be missing, or older than the packages of today.
        process::output(&["apt-get", "update", "-q"])?;
        download_to(packages, download.path())?;
    }
    // A name of its own until it is whole.
    let unpacked = folder.with_extension("new");
    fs::create_dir_all(&unpacked)?;
    for package in fs::read_dir(download.path())? {
        let package = package?.path();
        process::output(&["dpkg-deb", "--extract", workspace::path_text(&package)?, workspace::path_text(&unpacked)?])?;
    }
    fs::rename(&unpacked, folder).with_context(|| format!("cannot make {}", folder.display()))
}

fn download_to(packages: &[&str], folder: &Path) -> Result<()> {
    let mut command = process::command(&["apt-get", "download", "-q"]);
    let output = command.args(packages).current_dir(folder).output().context("cannot start `apt-get`")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`apt-get download {}` failed: {}", packages.join(" "), said.trim());
    }
    Ok(())
}
