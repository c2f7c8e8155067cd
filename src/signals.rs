//! Signals: the first one cancels work, so that it can be cleaned up; the second one ends the process at once.

use std::thread;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cancel::Ending;
use crate::error::ErrorKind;

/// Begins the end of the run at the first INT, TERM or HUP, and calls `on_first` with the reason. The second ends the process
/// at once; its containers are removed by the next run.
///
/// # Errors
/// When the signal handlers cannot be installed.
pub fn end_on_signal(ending: Ending, on_first: impl Fn(ErrorKind) + Send + 'static) -> Result<()> {
    let begin = move |signal| {
        let why = ErrorKind::Interrupted(signal);
        ending.begin(why);
        on_first(why);
    };
    on_signals(begin, || {})
}

/// Calls `on_first` with the number of the first INT, TERM or HUP. At the second it calls `before_exit`, which has to be
/// short, and ends the process.
///
/// # Errors
/// When the signal handlers cannot be installed.
pub fn on_signals(on_first: impl Fn(i32) + Send + 'static, before_exit: impl Fn() + Send + 'static) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot listen for signals")?;
    thread::spawn(move || {
        for (count, signal) in signals.forever().enumerate() {
            if count > 0 {
                before_exit();
                std::process::exit(i32::from(ErrorKind::Interrupted(signal).status()));
            }
            on_first(signal);
        }
    });
    Ok(())
}
