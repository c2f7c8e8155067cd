//! What stands in for `watchexec`: a program is run when a folder has been quiet for 50 ms after a change.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use serde_json::Value;

/// `watchexec` is run with the same.
const DEBOUNCE: Duration = Duration::from_millis(50);

/// How often the loop checks whether it is to end: the longest that a bench waits for it.
const STOP_CHECK_INTERVAL: Duration = Duration::from_millis(200);

/// The running loop. Dropping it ends it, after the program if that is running.
pub struct InotifyLoop {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl InotifyLoop {
    /// Runs the program once, and then after changes in this folder, but not in those below; JSON that it prints is
    /// passed on.
    pub fn start(folder: &Path, line: &[&str], reports: Sender<(Instant, Value)>) -> Result<Self> {
        let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let flags = WatchFlags::CLOSE_WRITE | WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVE;
        inotify::add_watch(&events, folder, flags).with_context(|| format!("cannot watch {}", folder.display()))?;
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, line) = (Arc::clone(&stop), line.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        let thread = std::thread::spawn(move || run_loop(&events, &line, &reports, &stopped));
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Fails when the loop has ended.
    pub fn check_alive(&mut self) -> Result<()> {
        if let Some(ended) = self.thread.take_if(|thread| thread.is_finished()) {
            ended.join().expect("the loop does not panic").context("the baseline's loop ended")?;
        }
        ensure!(self.thread.is_some(), "the baseline's loop ended");
        Ok(())
    }
}

impl Drop for InotifyLoop {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run_loop(events: &OwnedFd, line: &[String], reports: &Sender<(Instant, Value)>, stop: &AtomicBool) -> Result<()> {
    run_program(line, reports)?;
    while !stop.load(Ordering::Relaxed) {
        if !wait_for_event(events, STOP_CHECK_INTERVAL)? {
            continue;
        }
        while wait_for_event(events, DEBOUNCE)? {}
        run_program(line, reports)?;
    }
    Ok(())
}

/// Whether an event comes in time; those that have come are taken.
fn wait_for_event(events: &OwnedFd, within: Duration) -> Result<bool> {
    let mut files = [PollFd::new(events, PollFlags::IN)];
    let within = Timespec::try_from(within)?;
    if poll(&mut files, Some(&within))? == 0 {
        return Ok(false);
    }
    let mut space = [MaybeUninit::uninit(); 4096];
    let mut reader = inotify::Reader::new(events, &mut space);
    // It fails when there is no more.
    while reader.next().is_ok() {}
    Ok(true)
}

fn run_program(line: &[String], reports: &Sender<(Instant, Value)>) -> Result<()> {
    let output = Command::new(&line[0]).args(&line[1..]).stdin(Stdio::null()).output()?;
    ensure!(output.status.success(), "a build failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    // The receiver is gone when the bench is ending.
    let _ = reports.send((Instant::now(), serde_json::from_slice(&output.stdout)?));
    Ok(())
}
