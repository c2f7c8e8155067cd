//! Signals: the first one cleans up, the second one leaves.

use std::thread;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::engine::Cancel;
use crate::failure::Kind;

/// Cancels work at the first INT, TERM or HUP. At the second the process ends at once, and what it had in the engine
/// is found by the next run.
///
/// # Errors
/// When the system does not let us listen.
pub fn listen(cancel: Cancel) -> Result<()> {
    listen_with(move |signal| cancel.trigger(Kind::Interrupted(signal)), || {})
}

/// The same with anything done at the first signal, and anything short before the process ends at the second.
///
/// # Errors
/// As there.
pub fn listen_with(first: impl Fn(i32) + Send + 'static, leave: impl Fn() + Send + 'static) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot listen for signals")?;
    thread::spawn(move || {
        for (count, signal) in signals.forever().enumerate() {
            if count > 0 {
                leave();
                std::process::exit(i32::from(Kind::Interrupted(signal).status()));
            }
            first(signal);
        }
    });
    Ok(())
}
