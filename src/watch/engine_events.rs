//! Events of the engine: images that get another name. Whether the engine is there at all is for the decider to find out.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant, SystemTime};

use serde::Deserialize;

use crate::engine::cli::Engine;
use crate::engine::reference::full_name;

/// The events of an image that may give a name to it, or take one away.
const ACTIONS: [&str; 6] = ["tag", "untag", "delete", "load", "import", "pull"];

/// What a stream of events has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineEvent {
    /// An image has this full name now, or has it no more.
    Named { name: String, id: String, removed: bool },
    /// The stream ended, after this time.
    StreamEnded { lasted: Duration },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EventLine {
    #[serde(default)]
    action: String,
    #[serde(default)]
    actor: Actor,
    /// Nanoseconds since 1970, by the engine's clock.
    #[serde(default, rename = "timeNano")]
    time: u64,
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

/// Follows the engine's events, again each time it is asked to, until the requests end; the engine's handle must end calls
/// then. Each stream begins where the one before ended, the first one now: nothing in between is missed.
pub fn listen_on_request(engine: &Engine, requests: &Receiver<()>, send: impl Fn(EngineEvent)) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut since = u64::try_from(now.as_nanos()).unwrap_or(0);
    for () in requests {
        let begin = Instant::now();
        follow_stream(engine, &mut since, &send);
        send(EngineEvent::StreamEnded { lasted: begin.elapsed() });
    }
}

/// Sends what a stream of events has, until it ends.
fn follow_stream(engine: &Engine, since: &mut u64, send: &impl Fn(EngineEvent)) {
    let mut args = vec!["events".to_owned(), "--format".to_owned(), "{{json .}}".to_owned()];
    args.extend(["--since".to_owned(), seconds(*since), "--filter".to_owned(), "type=image".to_owned()]);
    for action in ACTIONS {
        args.extend(["--filter".to_owned(), format!("event={action}")]);
    }
    let Ok(mut process) = engine.spawn_announced(&args, Stdio::null()) else { return };
    let errors = process.collect_stderr();
    for line in BufReader::new(process.stdout()).lines() {
        let Ok(line) = line else { break };
        if let Some((event, time)) = parse(&line) {
            *since = (*since).max(time + 1);
            send(event);
        }
    }
    let _ = process.wait();
    errors.text();
}

/// A time as the CLI takes it: seconds with nine decimals.
fn seconds(nanoseconds: u64) -> String {
    format!("{}.{:09}", nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000)
}

/// The event in a line, and when it was.
fn parse(line: &str) -> Option<(EngineEvent, u64)> {
    let EventLine { action, actor, time } = serde_json::from_str(line).ok()?;
    let removed = matches!(action.as_str(), "untag" | "delete");
    Some((EngineEvent::Named { name: full_name(&actor.attributes.name), id: actor.id, removed }, time))
}

#[cfg(test)]
mod tests {
    use super::{EngineEvent, parse, seconds};

    #[test]
    fn an_event_names_the_image_in_full() {
        let line = r#"{"status":"tag","id":"sha256:1","Type":"image","Action":"tag","time":1,"timeNano":1000000002,
            "Actor":{"ID":"sha256:1","Attributes":{"name":"builder:latest","some.label":"x"}}}"#;
        let name = "docker.io/library/builder:latest".to_owned();
        let expected = EngineEvent::Named { name, id: "sha256:1".to_owned(), removed: false };
        assert_eq!(parse(line), Some((expected, 1_000_000_002)));
        assert_eq!(parse("no json"), None);
        assert_eq!(seconds(1_000_000_002), "1.000000002");
    }
}
