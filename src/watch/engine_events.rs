//! Events of the engine: images that get another name, and whether it answers at all.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use serde::Deserialize;

use crate::engine::cli::Engine;
use crate::engine::image::full_name;

/// How often an engine that went away is asked whether it is back: a call takes 20 ms, and a person waits for the answer.
const ASK_INTERVAL: Duration = Duration::from_millis(500);

/// How long a stream of events must have gone on to be worth starting again at once.
const STABLE: Duration = Duration::from_secs(5);

/// How long to wait before an engine that answers, but tells no events, is asked for them again: it may never have them.
const PAUSE: Duration = Duration::from_secs(30);

/// What the engine said, or does not say any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineEvent {
    /// An image has this name now, or has it no more.
    Named {
        name: String,
        id: String,
    },
    Gone,
    Back,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EventLine {
    #[serde(default)]
    actor: Actor,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Actor {
    #[serde(rename = "ID")]
    id: String,
    attributes: Attributes,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Attributes {
    name: String,
}

/// Listens to the engine until `stop` is closed; the engine's handle must end calls then.
pub fn listen(engine: &Engine, stop: &Receiver<()>, send: impl Fn(EngineEvent)) {
    loop {
        let begin = std::time::Instant::now();
        follow_stream(engine, &send);
        if engine.cancel().why().is_some() {
            return;
        }
        if answers(engine) {
            let pause = if begin.elapsed() > STABLE { Duration::ZERO } else { PAUSE };
            if !waited(stop, pause) {
                return;
            }
            continue;
        }
        send(EngineEvent::Gone);
        loop {
            if !waited(stop, ASK_INTERVAL) {
                return;
            }
            if answers(engine) {
                break;
            }
        }
        send(EngineEvent::Back);
    }
}

/// Whether the engine answers.
pub fn answers(engine: &Engine) -> bool {
    engine.call(&["version"]).is_ok_and(|output| output.success)
}

/// False when listening is over.
fn waited(stop: &Receiver<()>, time: Duration) -> bool {
    stop.recv_timeout(time) == Err(RecvTimeoutError::Timeout)
}

/// Sends what a stream of events has, until it ends.
fn follow_stream(engine: &Engine, send: &impl Fn(EngineEvent)) {
    let kinds = ["tag", "untag", "delete", "load", "import", "pull"];
    let mut args = vec!["events".to_owned(), "--format".to_owned(), "{{json .}}".to_owned()];
    args.extend(["--filter".to_owned(), "type=image".to_owned()]);
    for kind in kinds {
        args.extend(["--filter".to_owned(), format!("event={kind}")]);
    }
    let Ok(mut process) = engine.spawn_announced(&args, Stdio::null()) else { return };
    let errors = process.collect_stderr();
    for line in BufReader::new(process.stdout()).lines() {
        let Ok(line) = line else { break };
        if let Some(event) = parse(&line) {
            send(event);
        }
    }
    let _ = process.wait();
    errors.text();
}

fn parse(line: &str) -> Option<EngineEvent> {
    let line: EventLine = serde_json::from_str(line).ok()?;
    let Actor { id, attributes } = line.actor;
    Some(EngineEvent::Named { name: full_name(&attributes.name), id })
}

#[cfg(test)]
mod tests {
    use super::{EngineEvent, parse};

    #[test]
    fn an_event_names_the_image_in_full() {
        let line = r#"{"status":"tag","id":"sha256:1","Type":"image","Action":"tag",
            "Actor":{"ID":"sha256:1","Attributes":{"name":"builder:latest","some.label":"x"}}}"#;
        let expected =
            EngineEvent::Named { name: "docker.io/library/builder:latest".to_owned(), id: "sha256:1".to_owned() };
        assert_eq!(parse(line), Some(expected));
        assert_eq!(parse("no json"), None);
    }
}
