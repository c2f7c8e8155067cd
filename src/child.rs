//! Child processes: starting one, and reading its streams. A full pipe stops the child, so each stream is read to its end, on
//! a thread of its own where the caller has something else to do.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::thread::JoinHandle;

use signal_hook::consts::SIGTSTP;

/// How much is read at once, in bytes: half of a pipe's usual 64 KiB, so that the writer can go on meanwhile.
const PIECE_SIZE: usize = 32 * 1024;

/// Starts a child, on which the Ctrl-Z of that moment has no effect. One that is not in its own process group yet would be stopped before
/// it runs its program: our thread would wait for it for ever, and so the shell for us, and nothing would continue it.
///
/// # Errors
/// If the program cannot be started.
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    // A child has the signal mask of the thread that starts it.
    let mask = StopBlocked::in_this_thread();
    let before = mask.0;
    // SAFETY: the function calls only what may be called between fork and exec, and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            // To ignore a signal drops the one that waits; a program that unblocks it (docker's does) would stop there.
            libc::signal(SIGTSTP, libc::SIG_IGN);
            libc::signal(SIGTSTP, libc::SIG_DFL);
            libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
            Ok(())
        });
    }
    let child = command.spawn();
    drop(mask);
    child
}

/// The signal of Ctrl-Z is not delivered to this thread; dropping it makes the mask of signals what it was.
struct StopBlocked(libc::sigset_t);

impl StopBlocked {
    fn in_this_thread() -> Self {
        let mut stop = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
        let mut before = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
        // SAFETY: both pointers are to memory of the right type, which `sigemptyset` initializes and for which all zeros are
        // a valid value. No safe interface sets the mask of a thread.
        unsafe {
            libc::sigemptyset(stop.as_mut_ptr());
            libc::sigaddset(stop.as_mut_ptr(), SIGTSTP);
            libc::pthread_sigmask(libc::SIG_BLOCK, stop.as_ptr(), before.as_mut_ptr());
            Self(before.assume_init())
        }
    }
}

impl Drop for StopBlocked {
    fn drop(&mut self) {
        // SAFETY: the pointer is to a mask that this thread had.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, std::ptr::null_mut());
        }
    }
}

/// Calls `on_piece` with the content of a stream, piece by piece, until the stream ends or cannot be read any more.
pub fn for_each_piece(stream: &mut impl Read, mut on_piece: impl FnMut(&[u8])) {
    let mut buffer = vec![0; PIECE_SIZE];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => on_piece(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// The content of a stream until its end or the first error.
pub fn read_all(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

/// The end of the content of a stream, at most `limit` bytes.
pub fn read_end(stream: &mut impl Read, limit: usize) -> Vec<u8> {
    let mut end = Vec::new();
    for_each_piece(stream, |piece| keep_end(&mut end, piece, limit));
    end
}

/// Adds a piece to the end of some content, of which at most `limit` bytes are kept.
pub fn keep_end(end: &mut Vec<u8>, piece: &[u8], limit: usize) {
    end.extend_from_slice(piece);
    let excess = end.len().saturating_sub(limit);
    end.drain(..excess);
}

/// A stream that is being read on a thread of its own.
pub struct Collector(JoinHandle<Vec<u8>>);

impl Collector {
    /// Starts to read the stream; returns at once.
    pub fn start(mut stream: impl Read + Send + 'static) -> Self {
        Self(std::thread::spawn(move || read_all(&mut stream)))
    }

    /// Waits for the end of the stream; returns its content as text, trimmed. Bytes that are not UTF-8 are replaced.
    pub fn text(self) -> String {
        let bytes = self.0.join().unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    use super::{Collector, SIGTSTP, spawn};

    #[test]
    fn a_child_that_ctrl_z_met_before_it_ran_was_waited_for_for_ever() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo went on"]).stdout(Stdio::piped());
        // It sends itself what the terminal would.
        // SAFETY: both functions may be called between fork and exec.
        unsafe {
            command.pre_exec(|| {
                libc::kill(libc::getpid(), SIGTSTP);
                Ok(())
            });
        }
        let mut child = spawn(&mut command).unwrap();
        let said = Collector::start(child.stdout.take().unwrap()).text();
        assert_eq!((said.as_str(), child.wait().unwrap().success()), ("went on", true));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_child_can_be_stopped_later() {
        let mut command = Command::new("grep");
        command.args(["-E", "^(SigBlk|SigIgn)", "/proc/self/status"]).stdout(Stdio::piped());
        let mut child = spawn(&mut command).unwrap();
        let said = Collector::start(child.stdout.take().unwrap()).text();
        child.wait().unwrap();
        let masks = said.split_whitespace().filter_map(|word| u64::from_str_radix(word, 16).ok());
        let masks: Vec<u64> = masks.collect();
        assert_eq!(masks.len(), 2, "{said}");
        assert!(masks.iter().all(|mask| mask & (1 << (SIGTSTP - 1)) == 0), "{said}");
    }
}
