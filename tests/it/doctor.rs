//! `minis2i doctor`.

use serde_json::Value;

use crate::support::engine::{BASE, docker};
use crate::support::run::Run;

fn topics(json: &str) -> Vec<(String, String)> {
    let checks: Vec<Value> = serde_json::from_str(json).unwrap();
    let text = |check: &Value, key: &str| check[key].as_str().unwrap().to_owned();
    checks.iter().map(|check| (text(check, "topic"), text(check, "state"))).collect()
}

#[test]
fn the_engine_and_the_machine_are_checked_and_nothing_is_left() {
    let outcome = Run::new().args(&["doctor", "--json", BASE]).success();
    let topics = topics(&outcome.stdout);
    for topic in ["engine", "storage driver", "commit", "git", "terminal"] {
        assert!(topics.iter().any(|(name, state)| name == topic && state != "missing"), "{topic}: {outcome}");
    }
    let outcome = Run::new().args(&["doctor", "--verbose"]).success().says("$ docker import -").says("$ docker commit");
    let state = outcome.stdout.split_whitespace().next();
    assert!(matches!(state, Some("ok" | "slow")), "{outcome}");
    // The ids of the images that were made are those that were removed.
    let removed = outcome.stderr.lines().filter_map(|line| line.split("image rm --no-prune ").nth(1));
    let removed: Vec<&str> = removed.filter_map(|rest| rest.split_whitespace().next()).collect();
    assert_eq!(removed.len(), 4, "{outcome}");
    let images = docker(&["images", "--all", "--quiet", "--no-trunc"]);
    assert!(!removed.iter().any(|id| images.contains(id)), "{outcome}");
}

#[test]
fn an_engine_that_does_not_answer_is_a_finding_and_the_rest_is_checked() {
    let run = Run::new().args(&["doctor", "--json"]).env("DOCKER_HOST", "unix:///none").run();
    let topics = topics(&run.stdout);
    run.status(125);
    assert_eq!(topics[0], ("engine".to_owned(), "missing".to_owned()));
    assert!(topics.iter().any(|(topic, state)| topic == "git" && state == "ok"), "{topics:?}");
}

#[test]
fn an_image_that_does_not_exist_is_an_error() {
    Run::new()
        .args(&["doctor", "minis2i-test-none"])
        .run()
        .status(2)
        .says("there is no image `minis2i-test-none`")
        .says("hint: ");
}
