//! Ctrl-C for tasks that leave something behind: the first one makes the task fail, so that it cleans up; the second
//! one leaves.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

static RECEIVED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// From here on INT, TERM and HUP do no more than what [`check`] tells.
pub fn catch() -> Result<()> {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // The order counts: the first signal finds the flag not yet set.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&RECEIVED))
            .and_then(|_| flag::register(signal, Arc::clone(&RECEIVED)))
            .context("cannot listen for signals")?;
    }
    Ok(())
}

/// Whether a signal has come.
pub fn received() -> bool {
    RECEIVED.load(Ordering::Relaxed)
}

/// Fails when a signal has come.
pub fn check() -> Result<()> {
    if received() {
        bail!("interrupted");
    }
    Ok(())
}

/// Sleeps, unless interrupted.
pub fn sleep(time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    loop {
        check()?;
        let rest = end.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return Ok(());
        }
        std::thread::sleep(rest.min(Duration::from_millis(100)));
    }
}
