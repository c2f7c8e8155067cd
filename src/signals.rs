//! Signals: the first one cleans up, the second one leaves.

use std::thread;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cancel::Cancel;
use crate::error::ErrorKind;

/// Cancels work at the first INT, TERM or HUP. At the second the process ends at once, and what it had in the engine
/// is found by the next run.
///
/// # Errors
/// When the system does not let us listen.
pub fn cancel_on_signal(cancel: Cancel) -> Result<()> {
    on_signals(move |signal| cancel.trigger(ErrorKind::Interrupted(signal)), || {})
}

/// Calls `first` with the first INT, TERM or HUP. At the second it calls `leave`, which has to be short, and ends the
/// process.
///
/// # Errors
/// When the system does not let us listen.
pub fn on_signals(first: impl Fn(i32) + Send + 'static, leave: impl Fn() + Send + 'static) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot listen for signals")?;
    thread::spawn(move || {
        for (count, signal) in signals.forever().enumerate() {
            if count > 0 {
                leave();
                std::process::exit(i32::from(ErrorKind::Interrupted(signal).status()));
            }
            first(signal);
        }
    });
    Ok(())
}
