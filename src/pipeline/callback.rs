//! The option `--callback-url`: posting the outcome of a build to a web server.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use serde::Serialize;

use super::context::BuildContext;
use crate::engine::cli::Engine;
use crate::engine::image;
use crate::http::{self, TimeLimits};
use crate::report::Reporter;
use crate::url::without_credentials;

/// How long the request may take: chosen so that a slow network succeeds, and a server that does not answer delays the end
/// of the command only a little.
const TIME_LIMITS: TimeLimits = TimeLimits { connect: Duration::from_secs(5), total: Duration::from_secs(15) };

/// How often a wait checks whether work was cancelled: chosen so that Ctrl-C seems immediate.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The JSON body of the request.
#[derive(Serialize)]
struct BuildOutcome {
    success: bool,
    /// The labels of the new image; empty if the build failed.
    labels: BTreeMap<String, String>,
}

/// Posts whether the build succeeded, if the job has a callback URL, and waits for the answer. If the request fails, it
/// warns. After an interrupt it does nothing.
pub fn post(cx: &BuildContext, success: bool) {
    let Some(url) = &cx.job.callback_url else { return };
    if cx.engine.cancel().why().is_some() {
        return;
    }
    cx.reporter.phase("telling the callback");
    post_outcome(url, &cx.job.tag, success, &cx.engine, cx.reporter);
}

/// Like [`post`], but does not wait for the answer.
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
    let (sender, answer) = mpsc::channel();
    let target = url.to_owned();
    // The thread is not joined: a request cannot be cancelled, and an interrupt must not wait for it.
    std::thread::spawn(move || drop(sender.send(http::post_json(&target, TIME_LIMITS, &body))));
    loop {
        match answer.recv_timeout(POLL_INTERVAL) {
            Ok(Ok(())) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(Err(error)) => {
                let url = without_credentials(url);
                reporter.warn(&format!("the callback `{url}` could not be told how the build ended: {error}"));
                return;
            }
            Err(RecvTimeoutError::Timeout) if engine.cancel().why().is_some() => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}
