//! Scripts that are fetched from the network.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::error::Error;
use crate::http;
use crate::url::without_credentials;

/// How long reaching a server may take, and how long all of one script: chosen so that a slow network passes, and a wrong
/// address is told within the patience of a person.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const WHOLE_LIMIT: Duration = Duration::from_secs(30);

/// The largest script, in bytes: scripts have a few thousand, a wrong address may be that of a disk image.
const SIZE_LIMIT: u64 = 4 * 1024 * 1024;

/// How often the wait for a server is held against the cancel.
const TICK: Duration = Duration::from_millis(50);

/// A script's text, or nothing where the server has none.
type Answer = Option<Vec<u8>>;

/// The network, and what it has answered. An address is asked once in a run, so that every build of it has the same
/// scripts, and none has to wait again. Clones share what they know.
#[derive(Clone, Default)]
pub struct Fetcher {
    known: Arc<Mutex<BTreeMap<String, Answer>>>,
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fetcher")
    }
}

impl Fetcher {
    /// Fetches what these addresses name, at the same time; a server's "not found" is an answer.
    ///
    /// # Errors
    /// A server that can not be reached or answers with anything else; what `go_on` says.
    pub fn fetch(&self, urls: &[String], go_on: &dyn Fn() -> Result<()>) -> Result<Vec<Answer>> {
        let (tell, answers) = mpsc::channel();
        let missing: Vec<&String> = urls.iter().filter(|url| !self.lock().contains_key(*url)).collect();
        for url in &missing {
            let (tell, url) = (tell.clone(), (*url).clone());
            // Not waited for when work is cancelled: what a thread fetches then goes nowhere.
            std::thread::spawn(move || {
                let answer = get(&url);
                let _ = tell.send((url, answer));
            });
        }
        let mut waiting = missing.len();
        while waiting > 0 {
            match answers.recv_timeout(TICK) {
                Ok((url, answer)) => {
                    waiting -= 1;
                    let answer = answer.map_err(|error| unreachable(&url, error))?;
                    self.lock().insert(url, answer);
                }
                Err(RecvTimeoutError::Timeout) => go_on()?,
                Err(RecvTimeoutError::Disconnected) => unreachable!("a sender is kept here"),
            }
        }
        let known = self.lock();
        Ok(urls.iter().map(|url| known.get(url).cloned().flatten()).collect())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Answer>> {
        self.known.lock().expect("no thread panics while it holds this lock")
    }
}

fn get(url: &str) -> Result<Answer, ureq::Error> {
    let agent = http::agent(CONNECT_LIMIT, WHOLE_LIMIT);
    match agent.get(url).call() {
        Ok(mut response) => response.body_mut().with_config().limit(SIZE_LIMIT).read_to_vec().map(Some),
        Err(ureq::Error::StatusCode(404 | 410)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn unreachable(url: &str, error: ureq::Error) -> anyhow::Error {
    let url = without_credentials(url);
    let (cause, hint) = match error {
        ureq::Error::StatusCode(status) => {
            let hint = "see that the address is right and open to you; a script that need not be there is answered \
                        with 404";
            (anyhow!("the server answers with status {status}"), hint)
        }
        ureq::Error::BodyExceedsLimit(limit) => {
            (anyhow!("it has more than {limit} bytes"), "see that the address is that of a folder of scripts")
        }
        error => {
            let hint = "see that the server is up (`curl --location URL` shows what it says), or fetch the scripts \
                        yourself and name their folder: `-s FOLDER`";
            (anyhow!(error.to_string()), hint)
        }
    };
    Error::usage(format!("cannot fetch the script `{url}`")).because(cause).hint(hint).into()
}
