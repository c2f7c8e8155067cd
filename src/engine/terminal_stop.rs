//! Noticing that a CLI was stopped by the terminal. It is in the background there, since Ctrl-C is for us to handle, and the
//! terminal stops a background process that reads from it: one that asks for a password, for example.

use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::thread;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use signal_hook::consts::{SIGTTIN, SIGTTOU};

/// Whether the terminal has stopped a child. Clones are about the same child.
#[derive(Clone, Default)]
pub struct TerminalStop(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    stopped: bool,
    /// The child may be reaped, after which its id is that of another process.
    released: bool,
}

impl TerminalStop {
    /// When the terminal stops the child, kills it with its process group, and then calls `on_stop`.
    pub fn watch(child: u32, on_stop: impl FnOnce() + Send + 'static) -> Self {
        let stop = Self::default();
        if let (true, Some(child)) = (has_terminal(), pid(child)) {
            let seen = stop.clone();
            thread::spawn(move || {
                if is_stopped_by_terminal(child) {
                    seen.kill(child);
                    on_stop();
                }
            });
        }
        stop
    }

    fn kill(&self, child: Pid) {
        let mut state = self.state();
        state.stopped = true;
        if !state.released {
            // A program with more rights, such as sudo, stays; the kernel ends it once we have ended.
            let _ = kill_process_group(child, Signal::KILL);
        }
    }

    /// Whether it has.
    pub fn happened(&self) -> bool {
        self.state().stopped
    }

    /// Has to be called before the child is reaped.
    pub fn release(&self) {
        self.state().released = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no thread panics while it holds this lock")
    }
}

/// Waits until the child has ended, or the terminal has stopped it; whether it has.
fn is_stopped_by_terminal(child: Pid) -> bool {
    loop {
        match waitid(WaitId::Pid(child), WaitIdOptions::STOPPED) {
            Ok(Some(status)) if matches!(status.stopping_signal(), Some(SIGTTIN | SIGTTOU)) => return true,
            // Another stop: it is the business of whoever made it.
            Ok(_) | Err(Errno::INTR) => {}
            // It has ended.
            Err(_) => return false,
        }
    }
}

/// Whether there is a terminal that could stop a child.
fn has_terminal() -> bool {
    static HAS_TERMINAL: OnceLock<bool> = OnceLock::new();
    *HAS_TERMINAL.get_or_init(|| File::open("/dev/tty").is_ok())
}

fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}
