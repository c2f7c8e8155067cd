//! Telling a web server how a build ended, for `--callback-url`.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use serde::Serialize;

use crate::build::Workshop;
use crate::checkout::without_secrets;
use crate::engine::{Engine, image};
use crate::http;
use crate::report::Reporter;

/// How long reaching the server may take, and how long all of it.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const WHOLE_LIMIT: Duration = Duration::from_secs(15);

/// How often it is looked whether work was cancelled.
const TICK: Duration = Duration::from_millis(50);

/// What is sent.
#[derive(Serialize)]
struct News {
    success: bool,
    /// Those of the new image.
    labels: BTreeMap<String, String>,
}

/// Posts how the build ended, where somebody wants to know. A server that does not take it is worth a warning; after an
/// interrupt nobody waits for one.
pub fn tell(shop: &Workshop, success: bool) {
    let Some(url) = &shop.job.callback_url else { return };
    if shop.engine.cancel().why().is_some() {
        return;
    }
    shop.reporter.phase("telling the callback");
    post_news(url, &shop.job.tag, success, &shop.engine, shop.reporter);
}

/// The same without waiting for it, for somebody who has more to do.
pub fn tell_aside(shop: &Workshop, success: bool) {
    let Some(url) = shop.job.callback_url.clone() else { return };
    let (tag, engine, reporter) = (shop.job.tag.clone(), shop.engine.clone(), shop.reporter.clone());
    std::thread::spawn(move || post_news(&url, &tag, success, &engine, &reporter));
}

fn post_news(url: &str, tag: &str, success: bool, engine: &Engine, reporter: &Reporter) {
    let labels = match image::inspect(engine, [tag]) {
        Ok([Some(image)]) if success => image.config.labels,
        _ => BTreeMap::new(),
    };
    let body = serde_json::to_string(&News { success, labels }).expect("text can be written as JSON");
    let (done, answer) = mpsc::channel();
    let to = url.to_owned();
    // Not waited for when work is cancelled.
    std::thread::spawn(move || drop(done.send(post(&to, &body))));
    loop {
        match answer.recv_timeout(TICK) {
            Ok(Ok(())) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(Err(error)) => {
                let url = without_secrets(url);
                reporter.warn(&format!("the callback `{url}` was not told how the build ended: {error}"));
                return;
            }
            Err(RecvTimeoutError::Timeout) if engine.cancel().why().is_some() => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn post(url: &str, body: &str) -> Result<(), ureq::Error> {
    let agent = http::agent(CONNECT_LIMIT, WHOLE_LIMIT);
    agent.post(url).header("Content-Type", "application/json").send(body).map(|_| ())
}
