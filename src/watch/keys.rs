//! Single keys on a terminal while we are in its foreground. It is put back into order whatever happens.

use std::io::{self, IsTerminal};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use signal_hook::consts::{SIGCONT, SIGTSTP};
use signal_hook::iterator::Signals;

use crate::signals::is_ignored;

/// How often it is asked whether we are in the foreground: a shell that brings us there while we run says nothing. Chosen so
/// that keys are there before the user presses one.
const FOREGROUND_INTERVAL: Timespec = Timespec { tv_sec: 0, tv_nsec: 300_000_000 };

/// The terminal as it was before.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// The terminal was put back into order for the end.
static ENDED: AtomicBool = AtomicBool::new(false);

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Rebuild,
    RebuildClean,
    Pause,
    Quit,
    /// To see the output of the last build again.
    Output,
    /// To have the page of timings written.
    Timings,
    Help,
    RestartApp,
    OpenApp,
}

impl Key {
    fn of(byte: u8) -> Option<Self> {
        Some(match byte.to_ascii_lowercase() {
            b'r' => Key::Rebuild,
            b'c' => Key::RebuildClean,
            b'p' => Key::Pause,
            b'q' => Key::Quit,
            b'l' => Key::Output,
            b't' => Key::Timings,
            b'a' => Key::RestartApp,
            b'o' => Key::OpenApp,
            b'?' | b'h' => Key::Help,
            _ => return None,
        })
    }
}

/// What each key does, for people. `c` is left out where builds are without artifacts anyway, and what is for an
/// app where none is kept running.
pub fn help(incremental: bool, app: bool) -> String {
    let clean = if incremental { "c rebuild without artifacts, " } else { "" };
    let app = if app { "a restart the app, o open it in the browser, " } else { "" };
    format!(
        "{app}r rebuild, {clean}p pause and resume, q quit, l show the last build's output again, t write the timings, ? this help"
    )
}

/// Whether keys are read: where standard input and error are a terminal.
pub fn are_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Keys are read as long as this lives.
pub struct Keys;

impl Keys {
    /// Reads keys where standard input and error are a terminal, while it is ours to use; elsewhere none.
    ///
    /// # Errors
    /// When the system does not let us listen for signals.
    pub fn read(send: impl Fn(Key) + Send + 'static) -> Result<Option<Self>> {
        if !are_there() {
            return Ok(None);
        }
        if is_ours() {
            enter();
        }
        let stops = (!is_ignored(SIGTSTP)).then_some(SIGTSTP);
        let mut signals = Signals::new(stops.into_iter().chain([SIGCONT]))?;
        std::thread::spawn(move || {
            for signal in signals.forever() {
                match signal {
                    SIGTSTP => stop(),
                    _ => go_on(),
                }
            }
        });
        std::thread::spawn(move || read_keys(&send));
        Ok(Some(Self))
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        restore();
    }
}

/// Puts the terminal back into order, for an end of the process without dropping.
pub fn restore() {
    let Ok(mut before) = BEFORE.lock() else { return };
    ENDED.store(true, Ordering::Relaxed);
    if let Some(before) = before.take()
        && is_ours()
    {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
    }
}

/// Stops this process, as Ctrl-Z does, with the terminal as it was: not every shell puts it back into order.
fn stop() {
    if is_ours()
        && let Some(before) = BEFORE.lock().ok().and_then(|before| before.clone())
    {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
    }
    let _ = kill_process(getpid(), Signal::STOP);
}

/// After a stop, the terminal is as the shell left it.
fn go_on() {
    if is_ours() {
        enter();
    }
}

/// Keys come one by one, and unseen. Ctrl-C stays a signal. Only for the foreground: in the background it would stop us.
fn enter() {
    let Ok(now) = tcgetattr(io::stdin()) else { return };
    let mut mode = now.clone();
    mode.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
    mode.special_codes[SpecialCodeIndex::VMIN] = 1;
    mode.special_codes[SpecialCodeIndex::VTIME] = 0;
    // Once it was put back into order for the end, it stays so.
    let Ok(mut before) = BEFORE.lock() else { return };
    if ENDED.load(Ordering::Relaxed) {
        return;
    }
    before.get_or_insert(now);
    let _ = tcsetattr(io::stdin(), OptionalActions::Now, &mode);
}

/// Whether we are in the foreground: a process that is not is stopped when it reads from the terminal or changes it.
fn is_ours() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|group| group == rustix::process::getpgrp())
}

fn read_keys(send: &impl Fn(Key)) {
    let stdin = io::stdin();
    let mut in_foreground = is_ours();
    loop {
        if !is_ours() {
            in_foreground = false;
            std::thread::sleep(Duration::try_from(FOREGROUND_INTERVAL).unwrap_or_default());
            continue;
        }
        if !std::mem::replace(&mut in_foreground, true) {
            enter();
        }
        match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&FOREGROUND_INTERVAL)) {
            Ok(1..) if is_ours() => {}
            Ok(_) | Err(Errno::INTR | Errno::AGAIN) => continue,
            Err(_) => return,
        }
        // Past the buffer of the standard library: what that holds back, `poll` does not see.
        let mut keys = [0; 64];
        match rustix::io::read(&stdin, &mut keys) {
            Ok(0) => return,
            Ok(count) => keys[..count].iter().filter_map(|byte| Key::of(*byte)).for_each(send),
            Err(Errno::INTR | Errno::AGAIN) => {}
            // A terminal that went away is no reason to end.
            Err(_) => return,
        }
    }
}
