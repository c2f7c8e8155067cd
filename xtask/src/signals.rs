//! INT, TERM and HUP for tasks that must clean up: at the first one the task fails, and cleans up on its way out; the
//! second one ends the process at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

static RECEIVED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// How long a signal may go unnoticed while sleeping. A person notices a delay from about this time on.
const SLEEP_STEP: Duration = Duration::from_millis(100);

/// From here on the first INT, TERM or HUP only makes [`check`] fail.
pub fn catch() -> Result<()> {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // The order counts: at the first signal the flag is not yet set. Shells report death by a signal as 128 + its number.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&RECEIVED))
            .and_then(|_| flag::register(signal, Arc::clone(&RECEIVED)))
            .context("cannot listen for signals")?;
    }
    Ok(())
}

/// Whether a signal was received.
pub fn received() -> bool {
    RECEIVED.load(Ordering::Relaxed)
}

/// Does nothing, unless a signal was received.
///
/// # Errors
/// When a signal was received.
pub fn check() -> Result<()> {
    if received() {
        bail!("interrupted");
    }
    Ok(())
}

/// Sleeps.
///
/// # Errors
/// When a signal was received, soon after it.
pub fn sleep(time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    loop {
        check()?;
        let rest = end.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return Ok(());
        }
        std::thread::sleep(rest.min(SLEEP_STEP));
    }
}
