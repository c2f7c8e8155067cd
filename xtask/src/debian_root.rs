//! A Debian in a folder, as `debootstrap` makes it, which is kept below `target` for the next time.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use crate::{process, workspace};

/// What a system for trying packages has beside what is essential: a reader of manual pages, bash's completion, and certificates.
pub const PLAIN: &str = "bash-completion,ca-certificates,man-db";

/// What a system with engines has.
pub const ENGINES: &str = "docker.io,ca-certificates,iproute2,e2fsprogs";

/// Whether [`bootstrapped`] has made this already.
pub fn is_there(suite: &str, purpose: &str) -> bool {
    folder(suite, purpose).exists()
}

fn folder(suite: &str, purpose: &str) -> PathBuf {
    workspace::root().join("target/debootstrap").join(format!("{suite}-{purpose}"))
}

/// The folder with what `debootstrap` makes of a suite with these packages; `purpose` is a word for its name.
///
/// # Errors
/// When it cannot be made.
pub fn bootstrapped(suite: &str, purpose: &str, packages: &str) -> Result<PathBuf> {
    let kept = folder(suite, purpose);
    if kept.exists() {
        return Ok(kept);
    }
    // One that was interrupted is not taken for a whole one.
    let part = kept.with_extension("part");
    if part.exists() {
        fs::remove_dir_all(&part)?;
    }
    fs::create_dir_all(kept.parent().expect("it is below `target`"))?;
    let include = format!("--include={packages}");
    process::echo_and_run(&["debootstrap", "--variant=minbase", &include, suite, workspace::path_text(&part)?])?;
    fs::rename(&part, &kept)?;
    Ok(kept)
}
