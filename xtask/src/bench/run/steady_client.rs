//! A client that asks all the time, and counts what it gets.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::http::get_page;
use super::outcome::{Outcome, Tally};
use crate::signals;

/// How often it asks, each time on a connection of its own.
const INTERVAL: Duration = Duration::from_millis(5);

/// How long a page may take to come. Chosen, not measured: it only ends a wait for one that will never come.
const PAGE_LIMIT: Duration = Duration::from_secs(120);

/// The running client. Dropping it ends it.
pub struct SteadyClient {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Tally>>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    /// The last answer.
    page: Mutex<String>,
}

impl SteadyClient {
    pub fn start(address: SocketAddr) -> Self {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || ask_until_stopped(address, &of_thread));
        Self { shared, thread: Some(thread) }
    }

    /// Waits until it gets this content.
    pub fn wait_for(&self, content: &str, mut check: impl FnMut() -> Result<()>) -> Result<()> {
        let begin = Instant::now();
        while *self.shared.page.lock().expect("no thread panics while it holds this lock") != content {
            signals::check()?;
            check()?;
            if begin.elapsed() > PAGE_LIMIT {
                bail!("the client does not get what was saved within {} s", PAGE_LIMIT.as_secs());
            }
            std::thread::sleep(INTERVAL);
        }
        Ok(())
    }

    /// Ends it; what it counted.
    pub fn stop(mut self) -> Tally {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(|thread| thread.join().expect("the client does not panic")).unwrap_or_default()
    }
}

impl Drop for SteadyClient {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn ask_until_stopped(address: SocketAddr, shared: &Shared) -> Tally {
    let begin = Instant::now();
    let mut tally = Tally::default();
    while !shared.stop.load(Ordering::Relaxed) {
        let at = begin.elapsed();
        let outcome = get_page(address);
        let took = begin.elapsed() - at;
        tally.add(&outcome, at, took);
        if let Outcome::Answered(body) = outcome {
            *shared.page.lock().expect("no thread panics while it holds this lock") = body;
        }
        std::thread::sleep(INTERVAL.saturating_sub(took));
    }
    tally
}
