//! `minis2i man-pages`: writes the manual pages, for packages of minis2i.

use std::fs;

use anyhow::{Context, Result};

use crate::cli;
use crate::cli::commands::ManPagesArgs;
use crate::error::Error;

/// Writes one file for each page into the folder, which must exist.
///
/// # Errors
/// If a file cannot be written.
pub fn man_pages(args: &ManPagesArgs) -> Result<()> {
    for page in cli::man_pages::man_pages().context("cannot make the manual pages")? {
        let path = args.dir.join(&page.file_name);
        fs::write(&path, &page.text).map_err(|error| {
            Error::usage(format!("cannot write the manual page `{}`", path.display()))
                .because(error)
                .hint("give a folder that exists and can be written to")
        })?;
    }
    Ok(())
}
