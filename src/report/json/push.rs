//! Messages about a push, as JSON.

use serde::Serialize;

use super::seconds::seconds;
use crate::report::message::Outcome;
use crate::report::message::push::PushMessage;

/// One line.
#[derive(Serialize)]
#[serde(tag = "reason")]
pub enum PushLine<'a> {
    #[serde(rename = "push-started")]
    Started { build: Option<u64>, tag: &'a str, registry: &'a str },
    #[serde(rename = "push-output")]
    Output {
        build: Option<u64>,
        /// Bytes that are not UTF-8 are replaced.
        text: String,
        /// Present if the line is too long for one message and goes on in the next one.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        more: bool,
    },
    #[serde(rename = "push-finished")]
    Finished {
        build: Option<u64>,
        tag: &'a str,
        registry: &'a str,
        status: Outcome,
        digest: Option<&'a str>,
        seconds: f64,
    },
}

/// The line for a message, if there is one.
pub fn line<'a>(message: &PushMessage<'a>) -> Option<PushLine<'a>> {
    Some(match message {
        PushMessage::Layers(..) => return None,
        PushMessage::Started(push) => PushLine::Started { build: push.build, tag: &push.tag, registry: &push.registry },
        PushMessage::Output(push, line) => PushLine::Output {
            build: push.build,
            text: String::from_utf8_lossy(line.text).into_owned(),
            more: line.more,
        },
        PushMessage::Finished(push, end) => PushLine::Finished {
            build: push.build,
            tag: &push.tag,
            registry: &push.registry,
            status: end.outcome,
            digest: end.digest.as_deref(),
            seconds: seconds(end.took),
        },
    })
}
