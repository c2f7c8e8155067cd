//! Downloading scripts over HTTP.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::error::Error;
use crate::http::{self, RequestError, TimeLimits};
use crate::url::without_credentials;

/// How long the download of one script may take: chosen so that a slow network succeeds and a wrong URL is reported soon.
const TIME_LIMITS: TimeLimits = TimeLimits { connect: Duration::from_secs(10), total: Duration::from_secs(30) };

/// What to do where there is no HTTP client.
const INSTEAD: &str = "fetch the scripts yourself and name their folder: `-s FOLDER`";

/// The largest script, in bytes: chosen so that any script fits (they have a few thousand bytes) but a wrong URL does
/// not download a disk image.
const SIZE_LIMIT: u64 = 4 * 1024 * 1024;

/// How often a wait checks whether work was cancelled: chosen so that Ctrl-C seems immediate.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The content of a script, or `None` if the server does not have it.
type Download = Option<Vec<u8>>;

/// Downloads scripts and caches them. Each URL is requested once in a run, so that every build in it uses the same
/// scripts and only the first one waits. Clones share the cache.
#[derive(Clone, Default)]
pub struct Fetcher {
    cache: Arc<Mutex<BTreeMap<String, Download>>>,
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fetcher")
    }
}

impl Fetcher {
    /// Downloads these URLs in parallel and returns the contents in the same order. The status 404 or 410 gives `None`.
    ///
    /// # Errors
    /// If a server cannot be reached or answers with another status, a script is larger than 4 MiB, this program has no
    /// HTTP client, or `check_cancelled` fails, which is called while waiting.
    pub fn fetch(&self, urls: &[String], check_cancelled: &dyn Fn() -> Result<()>) -> Result<Vec<Download>> {
        for url in urls {
            required_by(&format!("the script `{}`", without_credentials(url)))?;
        }
        let (sender, answers) = mpsc::channel();
        let missing: Vec<&String> = urls.iter().filter(|url| !self.lock().contains_key(*url)).collect();
        for url in &missing {
            let (sender, url) = (sender.clone(), (*url).clone());
            // The thread is not joined: a request cannot be cancelled, and its answer is discarded if nothing waits for
            // it.
            std::thread::spawn(move || {
                let answer = download(&url);
                let _ = sender.send((url, answer));
            });
        }
        let mut pending = missing.len();
        while pending > 0 {
            match answers.recv_timeout(POLL_INTERVAL) {
                Ok((url, answer)) => {
                    pending -= 1;
                    let answer = answer.map_err(|error| download_failed(&url, error))?;
                    self.lock().insert(url, answer);
                }
                Err(RecvTimeoutError::Timeout) => check_cancelled()?,
                Err(RecvTimeoutError::Disconnected) => unreachable!("a sender is kept here"),
            }
        }
        let cache = self.lock();
        Ok(urls.iter().map(|url| cache.get(url).cloned().flatten()).collect())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Download>> {
        self.cache.lock().expect("no thread panics while it holds this lock")
    }
}

/// Checks that there is an HTTP client, which `what` needs to fetch scripts.
///
/// # Errors
/// If there is none.
pub fn required_by(what: &str) -> Result<()> {
    http::required_by(what, INSTEAD)
}

fn download(url: &str) -> Result<Download, RequestError> {
    match http::get(url, TIME_LIMITS, SIZE_LIMIT) {
        Ok(content) => Ok(Some(content)),
        Err(RequestError::Status(404 | 410)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn download_failed(url: &str, error: RequestError) -> anyhow::Error {
    let url = without_credentials(url);
    let hint = match error {
        RequestError::Status(_) => {
            "check the URL and your access to it; for a missing optional script the server should answer 404"
        }
        RequestError::TooLarge(_) => "see that the address is that of a folder of scripts",
        RequestError::Failed(_) => {
            "see that the server is up (`curl --location URL` shows what it says), or fetch the scripts \
             yourself and name their folder: `-s FOLDER`"
        }
    };
    Error::usage(format!("cannot fetch the script `{url}`")).because(anyhow!(error.to_string())).hint(hint).into()
}
