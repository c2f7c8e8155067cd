//! The command `watch`: a build on every save.

use anyhow::Result;

use crate::cancel::Cancel;
use crate::cli::choices::SourceInChoice;
use crate::cli::commands::WatchArgs;
use crate::error::ErrorKind;
use crate::report::Reporter;
use crate::settings::Job;
use crate::settings::app::AppSettings;
use crate::settings::watch::WatchSettings;
use crate::watch::{self, WatchEnd};

/// Watches the source until the user or a signal ends it; returns the exit status of the process.
///
/// # Errors
/// If the arguments cannot be used, or watching cannot start or go on. A failed build is no error here.
pub fn watch(mut args: WatchArgs, reporter: &Reporter) -> Result<u8> {
    if !args.job.source_in_memory {
        args.job.source_in.get_or_insert(SourceInChoice::Auto);
    }
    // A signal still ends the process.
    let job = Job::new(args.job, None, reporter, &Cancel::default())?;
    let job = Job { caches: job.caches.clone().auto_by_default(), ..job };
    let app = AppSettings::new(args.app, &job.engine, &Cancel::default())?;
    let settings = WatchSettings { app, ..WatchSettings::new(args.watch, args.hooks, &job.engine) };
    Ok(match watch::watch(&job, &settings, reporter)? {
        WatchEnd::Asked | WatchEnd::Unread => 0,
        WatchEnd::Signal(signal) => ErrorKind::Interrupted(signal).status(),
        WatchEnd::Panicked(_) => ErrorKind::Engine.status(),
    })
}
