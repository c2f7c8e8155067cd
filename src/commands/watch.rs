//! `watch`: a build on every save.

use anyhow::Result;

use crate::cli::commands::WatchArgs;
use crate::error::ErrorKind;
use crate::report::Reporter;
use crate::settings::Job;
use crate::settings::watch::WatchSettings;
use crate::watch::{self, WatchEnd};

/// Watches until asked to end; returns the exit status.
///
/// # Errors
/// What stands in the way of watching at all.
pub fn watch(args: WatchArgs, reporter: &Reporter) -> Result<u8> {
    let job = Job::new(args.job, None, reporter)?;
    Ok(match watch::watch(&job, &WatchSettings::new(args.watch), reporter)? {
        WatchEnd::Asked => 0,
        WatchEnd::Signal(signal) => ErrorKind::Interrupted(signal).status(),
        WatchEnd::Panicked(_) => ErrorKind::Engine.status(),
    })
}
