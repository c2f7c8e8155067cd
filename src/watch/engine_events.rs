//! Events of the engine: images that get another name. Whether the engine is there at all is for the decider to find out.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use serde::Deserialize;

use crate::engine::cli::Engine;
use crate::engine::dialect::{Dialect, full_id};
use crate::engine::reference::full_name;

/// The events of docker's that may give a name to an image, or take one away.
const ACTIONS: [&str; 6] = ["tag", "untag", "delete", "load", "import", "pull"];

/// What a stream of events has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineEvent {
    /// An image has this full name now, or has it no more.
    Named { name: String, id: String, removed: bool },
    /// An image was made or came from elsewhere, and may have been given any name.
    Made,
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
    /// Only podman has this and the following ones. What happened.
    status: Option<String>,
    /// The name of an image, or its id, or where it was loaded from.
    #[serde(default)]
    name: String,
    /// The id of the image, for those events whose name is one.
    #[serde(default, rename = "ID")]
    id: String,
    #[serde(rename = "Time")]
    timestamp: Option<String>,
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
    // Podman calls them otherwise, and has few of images.
    for action in ACTIONS.iter().filter(|_| !engine.dialect().is_podman()) {
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
    let EventLine { action, actor, time, status, name, id, timestamp } = serde_json::from_str(line).ok()?;
    if let Some(status) = status {
        let stamped = timestamp.and_then(|text| nanoseconds(&text));
        return Some((podman_event(&status, &name, &id)?, time.max(stamped.unwrap_or(0))));
    }
    let removed = matches!(action.as_str(), "untag" | "delete");
    Some((EngineEvent::Named { name: full_name(&actor.attributes.name), id: actor.id, removed }, time))
}

/// A time such as `2026-11-28T06:37:54.554Z` in nanoseconds since 1970.
fn nanoseconds(text: &str) -> Option<u64> {
    let timestamp: Timestamp = text.parse().ok()?;
    u64::try_from(timestamp.as_nanosecond()).ok()
}

/// What an event of podman's means, if it is about names. One that is about a new image does not say which name it has.
fn podman_event(status: &str, name: &str, id: &str) -> Option<EngineEvent> {
    let named = |removed| EngineEvent::Named { name: Dialect::Podman.full_name(name), id: full_id(id), removed };
    match status {
        "tag" => Some(named(false)),
        "untag" | "remove" => Some(named(true)),
        "build" | "import" | "loadfromarchive" | "pull" => Some(EngineEvent::Made),
        _ => None,
    }
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

    #[test]
    fn a_builder_that_podman_built_again_was_not_noticed() {
        // Lines of podman 4.3. A build only tells the id of its image.
        let build = r#"{"Name":"62e2ade204a6c3b9fb308e5eeac8701c7de9c09560327d1eb10c1ab7b66a1b69","Status":"build",
            "Time":"2026-11-28T06:37:54.554148687Z","Type":"image","Attributes":null}"#;
        assert_eq!(parse(build), Some((EngineEvent::Made, 1_795_847_874_554_148_687)));
        let load = r#"{"Name":"/var/tmp/podman2686289529","Status":"loadfromarchive",
            "Time":"2026-11-28T06:37:18.016874734Z","Type":"image","Attributes":null}"#;
        assert_eq!(parse(load).unwrap().0, EngineEvent::Made);
        let [tag, remove] = [("x:1", "tag"), ("localhost/x:1", "remove")].map(|(name, status)| {
            format!(
                r#"{{"ID":"6fd6e08042edb7ccc69fea2154c2a3caf7be5929fcd7e37384cecf30cf85e383","Name":"{name}",
                "Status":"{status}","Time":"2026-11-28T06:38:52.958668117Z","Type":"image","Attributes":null}}"#
            )
        });
        let id = "sha256:6fd6e08042edb7ccc69fea2154c2a3caf7be5929fcd7e37384cecf30cf85e383".to_owned();
        let named = |removed| EngineEvent::Named { name: "localhost/x:1".to_owned(), id: id.clone(), removed };
        assert_eq!(parse(&tag).unwrap().0, named(false));
        assert_eq!(parse(&remove).unwrap().0, named(true));
    }
}
