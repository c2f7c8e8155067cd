//! The program of a release: compiled so that nothing of this machine is in it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::elf::{self, Facts};
use crate::{process, workspace};

/// The program for a target, and what it needs there.
pub struct Program {
    pub target: String,
    pub bytes: Vec<u8>,
    pub facts: Facts,
    /// The program that writes manual pages and completions: this one, or one that runs on this machine.
    pub runnable: PathBuf,
}

/// Where it is compiled: apart from other builds, which have other flags.
fn build_folder() -> PathBuf {
    workspace::root().join("target/dist-build")
}

/// Removes what was compiled for a target, so that the next build compiles all of it.
///
/// # Errors
/// When it cannot be removed.
pub fn forget(target: &str) -> Result<()> {
    let folder = build_folder().join(target);
    if !folder.exists() {
        return Ok(());
    }
    fs::remove_dir_all(&folder).with_context(|| format!("cannot remove `{}`", folder.display()))
}

impl Program {
    /// Compiles it.
    ///
    /// # Errors
    /// When it does not compile.
    pub fn build(target: &str) -> Result<Self> {
        let prefixes = path_prefixes()?;
        let flags: Vec<String> = prefixes
            .iter()
            .map(|prefix| format!("--remap-path-prefix={}={}", prefix.here.display(), prefix.there))
            .collect();
        let line = ["cargo", "build", "--release", "--locked", "--package", "minis2i", "--target", target];
        eprintln!("$ {}", line.join(" "));
        let mut command = process::command(&line);
        command.env("CARGO_TARGET_DIR", build_folder()).env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
        process::run(&mut command)?;
        let path = build_folder().join(target).join("release/minis2i");
        let bytes = fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let facts = if target.contains("linux") { elf::facts(&bytes)? } else { Facts::default() };
        let runs_here = Command::new(&path).arg("--version").output().is_ok_and(|output| output.status.success());
        let runnable = if runs_here { path } else { workspace::root().join(crate::program::build(true)?) };
        Ok(Self { target: target.to_owned(), bytes, facts, runnable })
    }

    /// Whether packages of Linux distributions can have it.
    pub fn is_linux(&self) -> bool {
        self.target.contains("linux")
    }

    /// Paths of this machine that are in it.
    pub fn machine_paths(&self) -> Vec<String> {
        let prefixes = path_prefixes().unwrap_or_default();
        let paths = prefixes.iter().map(|prefix| format!("{}/", prefix.here.display()));
        paths.filter(|path| contains(&self.bytes, path.as_bytes())).collect()
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The beginning of paths of this machine, and what stands for it in the program.
struct PathPrefix {
    here: PathBuf,
    there: String,
}

/// The compiler takes the last one that fits.
fn path_prefixes() -> Result<Vec<PathPrefix>> {
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(home()?.join(".cargo")));
    let sysroot = PathBuf::from(process::output(&["rustc", "--print", "sysroot"])?);
    let about = process::output(&["rustc", "--verbose", "--version"])?;
    let commit = about.lines().find_map(|line| line.strip_prefix("commit-hash: ")).unwrap_or("unknown");
    let mut prefixes = vec![PathPrefix { here: workspace::root(), there: "minis2i".to_owned() }];
    if let Some(here) = cargo_home {
        // The names of these folders depend on where the crates came from, a mirror perhaps.
        let sources = fs::read_dir(here.join("registry/src")).into_iter().flatten().collect::<Result<Vec<_>, _>>()?;
        let sources = sources.into_iter().map(|folder| PathPrefix { here: folder.path(), there: "crates".to_owned() });
        prefixes.push(PathPrefix { here, there: "cargo".to_owned() });
        prefixes.extend(sources);
    }
    // Where the sources of the standard library are installed, their paths would be those of this machine.
    prefixes.push(PathPrefix { here: sysroot.join("lib/rustlib/src/rust"), there: format!("/rustc/{commit}") });
    Ok(prefixes)
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from)
}
