//! The globs of `--include` and `--exclude`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ignore::overrides::{Override, OverrideBuilder};

use crate::error::Error;

/// The globs, compiled.
pub struct Globs {
    include: Override,
    exclude: Override,
    /// For each `--include` glob with a slash, the folders that lead to it.
    parents: Override,
}

impl Globs {
    /// Compiles the globs for the source below `root`.
    ///
    /// # Errors
    /// When one cannot be parsed.
    pub fn new(root: &Path, include: &[String], exclude: &[String]) -> Result<Self> {
        Ok(Self {
            include: compile(root, include, "--include")?,
            exclude: compile(root, exclude, "--exclude")?,
            parents: parents(root, include)?,
        })
    }

    /// Whether `--exclude` names the path itself.
    pub fn excludes(&self, path: &Path, is_folder: bool) -> bool {
        self.exclude.matched(path, is_folder).is_whitelist()
    }

    /// Whether `--include` names the path, or a folder that contains it, and `--exclude` does not name it.
    pub fn includes(&self, path: &Path, is_folder: bool) -> bool {
        if self.include.is_empty() || self.excludes(path, is_folder) {
            return false;
        }
        let mut folders = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
        self.include.matched(path, is_folder).is_whitelist()
            || folders.any(|folder| self.include.matched(folder, true).is_whitelist())
    }

    /// Whether `--include` may name something below a folder.
    pub fn includes_below(&self, folder: &Path) -> bool {
        self.parents.matched(folder, true).is_whitelist() && !self.excludes(folder, true)
    }
}

/// Compiles globs that were given to `option`.
fn compile(root: &Path, globs: &[String], option: &str) -> Result<Override> {
    let mut builder = OverrideBuilder::new(root);
    for glob in globs {
        builder.add(glob).map_err(|error| {
            let glob = glob.trim_start_matches('!');
            Error::usage(format!("`{option} {glob}` is not a valid glob"))
                .because(error)
                .hint("globs are those of .gitignore: `*.log`, `/dist`, `docs/**/*.pdf`")
        })?;
    }
    builder.build().context("cannot combine the globs")
}

/// The folders that lead to the globs: for `dist/js/*.js` these are `dist` and `dist/js`, which are entered even when they
/// are ignored. A glob without a slash has none: it would have to be searched for in all ignored folders, and not to walk
/// through them is what ignoring is for.
fn parents(root: &Path, include: &[String]) -> Result<Override> {
    let mut folders = Vec::new();
    for glob in include {
        let trimmed = glob.trim_matches('/');
        let mut folder = PathBuf::new();
        let parts: Vec<_> = trimmed.split('/').collect();
        for part in &parts[..parts.len() - 1] {
            folder.push(part);
            folders.push(format!("/{}", folder.display()));
        }
    }
    compile(root, &folders, "--include")
}
