//! Signals: the first one cancels work, so that it can be cleaned up; the second one ends the process at once. What was
//! ignored when the process was started stays ignored, as `nohup` and the background jobs of a script want it.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cancel::Ending;
use crate::error::ErrorKind;

/// The same signal again within this time is still the first one: `timeout` sends it to the process and then to its group, and
/// a person is slower.
const SAME_SIGNAL: Duration = Duration::from_millis(50);

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
/// short, and ends the process. May be called once in a process.
///
/// # Errors
/// When the signal handlers cannot be installed.
pub fn on_signals(on_first: impl Fn(i32) + Send + 'static, before_exit: impl Fn() + Send + 'static) -> Result<()> {
    let mut first = None;
    let on_signal = Arc::new(Mutex::new(move |signal| {
        let now = Instant::now();
        match first {
            None => {
                first = Some((signal, now));
                on_first(signal);
            }
            Some(first) if is_same(first, (signal, now)) => {}
            Some(_) => {
                before_exit();
                std::process::exit(i32::from(ErrorKind::Interrupted(signal).status()));
            }
        }
    }));
    let receive = move |signal| on_signal.lock().unwrap_or_else(PoisonError::into_inner)(signal);
    // `ctrlc` does not say which signal came, so it has the one that the terminal sends.
    let others = [SIGTERM, SIGHUP].into_iter().filter(|signal| !is_ignored(*signal));
    let mut others = Signals::new(others).context("cannot listen for signals")?;
    if !is_ignored(SIGINT) {
        let receive = receive.clone();
        ctrlc::set_handler(move || receive(SIGINT)).context("cannot listen for Ctrl-C")?;
    }
    thread::spawn(move || others.forever().for_each(receive));
    Ok(())
}

/// Whether a signal is the first one once more, each with its number and when it came.
fn is_same(first: (i32, Instant), signal: (i32, Instant)) -> bool {
    signal.0 == first.0 && signal.1.saturating_duration_since(first.1) < SAME_SIGNAL
}

/// Whether a signal is ignored. Before a handler for it is installed, this says how the process was started.
pub fn is_ignored(signal: i32) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action nothing is changed; the pointer is to memory of the right type, for which all zeros are
    // a valid value. No safe interface asks for this.
    unsafe {
        let asked = libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr());
        asked == 0 && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use signal_hook::consts::{SIGINT, SIGTERM};

    use super::{SAME_SIGNAL, is_same};

    #[test]
    fn a_signal_that_is_sent_twice_at_once_is_one() {
        let now = Instant::now();
        assert!(is_same((SIGTERM, now), (SIGTERM, now + SAME_SIGNAL / 2)));
        assert!(!is_same((SIGTERM, now), (SIGTERM, now + SAME_SIGNAL)));
        assert!(!is_same((SIGTERM, now), (SIGINT, now)));
    }
}
