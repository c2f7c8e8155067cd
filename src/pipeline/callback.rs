//! Telling a web server how a build ended, for `--callback-url`.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use serde::Serialize;

use super::context::BuildContext;
use crate::engine::cli::Engine;
use crate::engine::image;
use crate::http;
use crate::report::Reporter;
use crate::url::without_credentials;

/// How long reaching the server may take, and how long all of it: the command ends no later than this after the build.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const WHOLE_LIMIT: Duration = Duration::from_secs(15);

/// How often it is looked whether work was cancelled.
const TICK: Duration = Duration::from_millis(50);

/// What is sent.
#[derive(Serialize)]
struct BuildOutcome {
    success: bool,
    /// Those of the new image.
    labels: BTreeMap<String, String>,
}

/// Posts how the build ended, if there is an address for it. A server that does not take it is worth a warning; after an
/// interrupt none is waited for.
pub fn post(cx: &BuildContext, success: bool) {
    let Some(url) = &cx.job.callback_url else { return };
    if cx.engine.cancel().why().is_some() {
        return;
    }
    cx.reporter.phase("telling the callback");
    post_outcome(url, &cx.job.tag, success, &cx.engine, cx.reporter);
}

/// The same without waiting for it.
pub fn post_in_background(cx: &BuildContext, success: bool) {
    let Some(url) = cx.job.callback_url.clone() else { return };
    let (tag, engine, reporter) = (cx.job.tag.clone(), cx.engine.clone(), cx.reporter.clone());
    std::thread::spawn(move || post_outcome(&url, &tag, success, &engine, &reporter));
}

fn post_outcome(url: &str, tag: &str, success: bool, engine: &Engine, reporter: &Reporter) {
    let labels = match image::inspect(engine, [tag]) {
        Ok([Some(image)]) if success => image.config.labels,
        _ => BTreeMap::new(),
    };
    let body = serde_json::to_string(&BuildOutcome { success, labels }).expect("text can be written as JSON");
    let (done, answer) = mpsc::channel();
    let to = url.to_owned();
    // Not waited for when work is cancelled.
    std::thread::spawn(move || drop(done.send(send_body(&to, &body))));
    loop {
        match answer.recv_timeout(TICK) {
            Ok(Ok(())) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(Err(error)) => {
                let url = without_credentials(url);
                reporter.warn(&format!("the callback `{url}` was not told how the build ended: {error}"));
                return;
            }
            Err(RecvTimeoutError::Timeout) if engine.cancel().why().is_some() => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn send_body(url: &str, body: &str) -> Result<(), ureq::Error> {
    let agent = http::agent(CONNECT_LIMIT, WHOLE_LIMIT);
    agent.post(url).header("Content-Type", "application/json").send(body).map(|_| ())
}
