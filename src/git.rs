//! Git: cloning a repository, reading the state of a work tree, telling URLs from folders. The only place that spawns
//! `git`.

pub mod checkout;
mod command;
pub mod ignore_settings;
pub mod repository;
pub mod tracked;
pub mod work_tree;

use std::path::Path;

use anyhow::Result;

use crate::cancel::Cancel;

/// The version of git, such as `2.47.3`.
///
/// # Errors
/// When git cannot be started, or work was cancelled.
pub fn version(cancel: &Cancel) -> Result<String> {
    let text = command::query_git_in(Path::new("/"), &["--version"], cancel)?;
    Ok(text.trim().trim_start_matches("git version ").to_owned())
}
