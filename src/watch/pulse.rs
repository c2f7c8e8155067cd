//! What the engine tells of itself: images that get another name, and that it is there at all.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use serde::Deserialize;

use crate::engine::Engine;
use crate::engine::image::full_name;

/// How often an engine that went away is asked whether it is back.
const ASK: Duration = Duration::from_millis(500);

/// How long a stream of events must have gone on to be worth starting again at once.
const SOUND: Duration = Duration::from_secs(5);

/// How long to wait before an engine is asked again that answers, but tells no events.
const PAUSE: Duration = Duration::from_secs(30);

/// What there is to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beat {
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
struct Line {
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
pub fn listen(engine: &Engine, stop: &Receiver<()>, tell: impl Fn(Beat)) {
    loop {
        let begin = std::time::Instant::now();
        hear(engine, &tell);
        if engine.cancel().why().is_some() {
            return;
        }
        if answers(engine) {
            let pause = if begin.elapsed() > SOUND { Duration::ZERO } else { PAUSE };
            if !waited(stop, pause) {
                return;
            }
            continue;
        }
        tell(Beat::Gone);
        loop {
            if !waited(stop, ASK) {
                return;
            }
            if answers(engine) {
                break;
            }
        }
        tell(Beat::Back);
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

/// Tells what a stream of events has, until it ends.
fn hear(engine: &Engine, tell: &impl Fn(Beat)) {
    let kinds = ["tag", "untag", "delete", "load", "import", "pull"];
    let mut args = vec!["events".to_owned(), "--format".to_owned(), "{{json .}}".to_owned()];
    args.extend(["--filter".to_owned(), "type=image".to_owned()]);
    for kind in kinds {
        args.extend(["--filter".to_owned(), format!("event={kind}")]);
    }
    let Ok(mut process) = engine.spawn_announced(&args, Stdio::null()) else { return };
    let mut errors = process.stderr();
    let drained = std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
    for line in BufReader::new(process.stdout()).lines() {
        let Ok(line) = line else { break };
        if let Some(beat) = beat(&line) {
            tell(beat);
        }
    }
    let _ = process.wait();
    let _ = drained.join();
}

fn beat(line: &str) -> Option<Beat> {
    let line: Line = serde_json::from_str(line).ok()?;
    let Actor { id, attributes } = line.actor;
    Some(Beat::Named { name: full_name(&attributes.name), id })
}

#[cfg(test)]
mod tests {
    use super::{Beat, beat};

    #[test]
    fn an_event_names_the_image_in_full() {
        let line = r#"{"status":"tag","id":"sha256:1","Type":"image","Action":"tag",
            "Actor":{"ID":"sha256:1","Attributes":{"name":"builder:latest","some.label":"x"}}}"#;
        let expected = Beat::Named { name: "docker.io/library/builder:latest".to_owned(), id: "sha256:1".to_owned() };
        assert_eq!(beat(line), Some(expected));
        assert_eq!(beat("no json"), None);
    }
}
