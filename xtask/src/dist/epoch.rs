//! The time that everything in a release bears.

use anyhow::{Context, Result};

use crate::process;

/// `SOURCE_DATE_EPOCH` if it is set, or else the time of the last commit, in seconds since 1970.
///
/// # Errors
/// When the variable is no number, or there is no commit.
pub fn source_date() -> Result<u32> {
    if let Some(value) = std::env::var_os("SOURCE_DATE_EPOCH") {
        let value = value.to_string_lossy();
        return value.parse().with_context(|| format!("`SOURCE_DATE_EPOCH` is no number of seconds: `{value}`"));
    }
    let time = process::output(&["git", "log", "--max-count=1", "--format=%ct"])
        .context("set `SOURCE_DATE_EPOCH` where there is no git repository")?;
    time.parse().context("git names no time of the last commit")
}
