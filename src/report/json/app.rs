//! Messages about the app, as JSON.

use serde::Serialize;

use super::seconds::seconds;
use crate::report::message::app::{AppMessage, Since};

/// One line.
#[derive(Serialize)]
#[serde(tag = "reason")]
pub enum AppLine<'a> {
    #[serde(rename = "app-output")]
    Output {
        build: u64,
        /// Bytes that are not UTF-8 are replaced.
        text: String,
        /// Present if the line is too long for one message and goes on in the next one.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        more: bool,
    },
    #[serde(rename = "app-ready")]
    Ready { build: u64, tag: &'a str, image: &'a str, urls: Vec<String>, seconds: f64, since: &'a str },
    #[serde(rename = "app-failed")]
    Failed {
        build: u64,
        tag: &'a str,
        image: Option<&'a str>,
        why: &'a str,
        app_status: Option<i32>,
        output: &'a [String],
        serving: Option<&'a str>,
        again: Option<&'a str>,
    },
    #[serde(rename = "app-exited")]
    Exited { build: u64, tag: &'a str, image: &'a str, app_status: i32, output: &'a [String], again: Option<f64> },
}

/// The line for a message.
pub fn line<'a>(message: &AppMessage<'a>) -> AppLine<'a> {
    match message {
        AppMessage::Output(output) => AppLine::Output {
            build: output.build,
            text: String::from_utf8_lossy(output.text).into_owned(),
            more: output.more,
        },
        AppMessage::Ready(ready) => AppLine::Ready {
            build: ready.build,
            tag: &ready.tag,
            image: &ready.image,
            urls: ready.urls().collect(),
            seconds: seconds(ready.took),
            since: match ready.since {
                Since::Save => "save",
                Since::Build => "build",
                Since::Asked => "asked",
                Since::Exit => "exit",
                Since::Fallback => "fallback",
            },
        },
        AppMessage::Failed(failed) => AppLine::Failed {
            build: failed.build,
            tag: &failed.tag,
            image: failed.image.as_deref(),
            why: &failed.why,
            app_status: failed.status,
            output: &failed.output,
            serving: failed.serving.as_deref(),
            again: failed.again.as_deref(),
        },
        AppMessage::Exited(exited) => AppLine::Exited {
            build: exited.build,
            tag: &exited.tag,
            image: &exited.image,
            app_status: exited.status,
            output: &exited.output,
            again: exited.again.map(seconds),
        },
    }
}
