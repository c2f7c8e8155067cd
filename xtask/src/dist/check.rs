//! The Debian package in fresh systems: installed, used, and removed without a trace.

mod completion;
mod installed_root;
mod listing;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::package::NAME;
use crate::{base_image, engine, process, sample_builder, workspace};
use installed_root::DebianRoot;
use listing::Listing;

/// The releases of Debian in which it is tried: the stable one, and the one before.
const SUITES: [&str; 2] = ["bookworm", "trixie"];

/// The images of the build that is tried.
const BUILDER: &str = "minis2i-dist-builder";
const IMAGE: &str = "minis2i-dist-app";

/// Where the source of that build is in the system.
const SOURCE: &str = "/srv/testapp";

/// Where runs of root have their locks: it stays, empty, as other files below `/tmp` do.
const LOCKS: &str = "/tmp/minis2i-0";

/// The programs without which there is no fresh system.
const NEEDED: [&str; 5] = ["debootstrap", "unshare", "mount", "chroot", "cp"];

/// Checks that fresh systems can be made here.
///
/// # Errors
/// When not, with what is missing.
pub fn ensure_possible() -> Result<()> {
    ensure!(cfg!(target_os = "linux"), "`dist-check` needs Linux");
    ensure!(engine::is_root()?, "`dist-check` makes file systems of Debian and mounts in them, which only root can");
    for program in NEEDED {
        if !process::succeeds(&["which", program]) {
            bail!("`dist-check` needs `{program}`, which is not here; on Debian: `apt-get install debootstrap`");
        }
    }
    engine::ensure()?;
    ensure!(engine::is_here(), "`dist-check` builds through the socket of an engine on this machine");
    Ok(())
}

/// Tries the Debian package in this folder.
///
/// # Errors
/// When something does not work.
pub fn check(folder: &Path) -> Result<()> {
    let package = find_package(folder)?;
    base_image::ensure()?;
    sample_builder::build(BUILDER)?;
    let result = SUITES.iter().try_for_each(|suite| {
        check_in(suite, &package).with_context(|| format!("the package does not work in Debian {suite}"))
    });
    let _ = process::output(&["docker", "image", "rm", "--force", IMAGE, BUILDER]);
    result
}

fn find_package(folder: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let package =
        entries.into_iter().map(|entry| entry.path()).find(|path| path.extension().is_some_and(|it| it == "deb"));
    package.with_context(|| format!("there is no .deb in `{}`", folder.display()))
}

fn check_in(suite: &str, package: &Path) -> Result<()> {
    println!("Debian {suite}:");
    let root = DebianRoot::fresh(suite)?;
    process::output(&["cp", "-a", text(&workspace::root().join("testapp"))?, text(&root.path(SOURCE))?])?;
    fs::copy(package, root.path("/srv/minis2i.deb")).context("cannot copy the package")?;
    let before = Listing::of(&root)?;
    root.output(&["dpkg", "--install", "/srv/minis2i.deb"])?;
    println!("  it is installed");
    let version = root.output(&[NAME, "--version"])?;
    ensure!(version == concat!("minis2i ", env!("CARGO_PKG_VERSION")), "`minis2i --version` says `{version}`");
    check_pages(&root)?;
    completion::check(&root)?;
    println!("  bash completes `minis2i vers`");
    check_build(&root)?;
    root.output(&["dpkg", "--purge", NAME])?;
    root.wait_until_unused()?;
    fs::remove_dir(root.path(LOCKS)).context("a build left more than an empty folder for locks")?;
    let traces = before.differences(&Listing::of(&root)?);
    ensure!(traces.is_empty(), "it left behind or changed: {}", traces.join(", "));
    println!("  it is removed without a trace");
    Ok(())
}

/// Every manual page is found and shown, without a complaint about how it is written.
fn check_pages(root: &DebianRoot) -> Result<()> {
    let files = root.output(&["dpkg", "--listfiles", NAME])?;
    let pages: Vec<&str> =
        files.lines().filter(|file| file.starts_with("/usr/share/man/man1/") && file.ends_with(".gz")).collect();
    ensure!(!pages.is_empty(), "the package has no manual pages");
    for page in &pages {
        let [shown, complaints] = root.outputs(&["man", "--warnings", "--local-file", page])?;
        ensure!(shown.contains("SYNOPSIS"), "`man -l {page}` shows:\n{shown}");
        ensure!(complaints.is_empty(), "`man -l {page}` complains: {complaints}");
    }
    println!("  man shows {} pages", pages.len());
    Ok(())
}

/// A build through the socket of this machine's engine, which makes an image that runs.
fn check_build(root: &DebianRoot) -> Result<()> {
    let _ = process::output(&["docker", "image", "rm", "--force", IMAGE]);
    root.output(&[NAME, "build", "--env", "VAR=hello", SOURCE, BUILDER, IMAGE])?;
    let said = process::output(&["docker", "run", "--rm", IMAGE])?;
    ensure!(said == "hello from the test app", "the image that it built says `{said}`");
    println!("  it builds an image on this machine's engine");
    Ok(())
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("`{}` is not UTF-8 text", path.display()))
}
