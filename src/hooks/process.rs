//! The process of a hook: a shell in a process group of its own, what it prints, and its end.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, test_kill_process_group, waitid,
};

use crate::child::{self, for_each_piece};
use crate::pipeline::container::lines::Lines;
use crate::report::message::OutputLine;

/// What a hook's process did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessEvent {
    /// The shell has ended, and is not reaped yet.
    Exited,
    /// The terminal stopped the shell, since it is not in the terminal's foreground.
    StoppedByTerminal,
}

/// The process group of the hook that runs, if one does.
#[derive(Clone, Default)]
pub struct RunningGroup(Arc<Mutex<Option<Pid>>>);

impl RunningGroup {
    /// Kills it.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = *self.lock() {
            let _ = kill_process_group(group, signal);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Pid>> {
        self.0.lock().expect("no thread panics while it holds this lock")
    }
}

/// A hook that was started.
pub struct HookProcess {
    child: Child,
    group: RunningGroup,
    /// Whether what it prints is shown.
    shown: Arc<Mutex<bool>>,
    /// Disconnected when all that it printed was read.
    all_read: Receiver<()>,
}

impl HookProcess {
    /// Has a shell run `command`, with these variables in addition to the environment, and without input. `show` is called
    /// with each line that it prints, `report` with what happens to it; both from other threads.
    ///
    /// # Errors
    /// When there is no shell, or it cannot be started, for example since the variables are too large.
    pub fn start(
        command: &str,
        variables: impl IntoIterator<Item = (&'static str, OsString)>,
        group: &RunningGroup,
        show: impl Fn(OutputLine) + Send + 'static,
        report: impl Fn(ProcessEvent) + Send + 'static,
    ) -> io::Result<Self> {
        let (mut output, writer) = io::pipe()?;
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(command).envs(variables).process_group(0);
        shell.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        // Held meanwhile, so that no group is overlooked by what ends the process at once.
        let mut running = group.lock();
        let child = child::spawn(&mut shell)?;
        *running = Some(pid(&child));
        drop(running);
        // It has the writing end of the pipe.
        drop(shell);
        let shown = Arc::new(Mutex::new(true));
        let (reading, all_read) = mpsc::channel();
        let is_shown = shown.clone();
        thread::spawn(move || {
            let mut lines = Lines::default();
            let show = |line: OutputLine| {
                // Held while it is shown, so that nothing comes after it was turned off.
                let is_shown = is_shown.lock().expect("showing does not panic");
                if *is_shown {
                    show(line);
                }
            };
            for_each_piece(&mut output, |piece| lines.feed(piece, show));
            lines.flush(show);
            drop(reading);
        });
        let shell = pid(&child);
        thread::spawn(move || wait(shell, report));
        Ok(Self { child, group: group.clone(), shown, all_read })
    }

    /// Asks its process group to end. What is stopped would not notice.
    pub fn terminate(&self) {
        self.group.signal(Signal::TERM);
        self.group.signal(Signal::CONT);
    }

    /// Kills its process group.
    pub fn kill(&self) {
        self.group.kill();
    }

    /// Reaps the shell; how it ended, if it has.
    pub fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Whether its process group is gone; the shell must have ended.
    pub fn is_gone(&mut self) -> bool {
        // One that is not reaped is still in the group.
        let _ = self.status();
        let gone = test_kill_process_group(pid(&self.child)) == Err(Errno::SRCH);
        if gone {
            // The system may give the number to another one.
            *self.group.lock() = None;
        }
        gone
    }

    /// Waits until all that it printed was shown, but not longer than this: what it started may keep its output open.
    pub fn wait_for_output(&self, limit: Duration) {
        let _ = self.all_read.recv_timeout(limit);
    }

    /// Shows nothing of it any more. It is still read, so that what writes can go on.
    pub fn stop_showing(&self) {
        *self.shown.lock().expect("showing does not panic") = false;
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// Reports what happens to the shell until it has ended. It is left to be reaped, so that its number stays its own.
fn wait(shell: Pid, report: impl Fn(ProcessEvent)) {
    let any = WaitIdOptions::EXITED | WaitIdOptions::STOPPED;
    loop {
        match waitid(WaitId::Pid(shell), any | WaitIdOptions::NOWAIT) {
            Ok(Some(status)) if status.stopped() => {
                // A stop that is not taken would be reported again at once.
                let _ = waitid(WaitId::Pid(shell), WaitIdOptions::STOPPED | WaitIdOptions::NOHANG);
                if is_terminal_stop(&status) {
                    report(ProcessEvent::StoppedByTerminal);
                }
            }
            Err(Errno::INTR) | Ok(None) => {}
            Ok(Some(_)) | Err(_) => return report(ProcessEvent::Exited),
        }
    }
}

fn is_terminal_stop(status: &WaitIdStatus) -> bool {
    let terminal = [Signal::TTIN, Signal::TTOU].map(Signal::as_raw);
    status.stopping_signal().is_some_and(|signal| terminal.contains(&signal))
}
