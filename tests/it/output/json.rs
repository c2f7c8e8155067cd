//! What a build prints as JSON lines.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::builder::Builder;
use crate::support::json_messages::assert_schema;
use crate::support::project::Project;

#[track_caller]
fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn reasons(objects: &[Value]) -> Vec<&str> {
    objects.iter().map(|object| object["reason"].as_str().unwrap()).collect()
}

#[test]
fn json_tells_a_good_build() {
    let builder = Builder::assembling("echo one; printf 'two\\377' >&2");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).args(&["--message-format", "json"]).success();
    let objects = outcome.json();
    assert_eq!(outcome.stderr, "");
    assert_schema(&objects);
    assert_eq!(reasons(&objects), ["build-started", "output", "output", "build-finished"]);
    let [started, one, two, finished] = &objects[..] else { panic!("{outcome}") };
    assert_eq!(started["build"], 1);
    assert_eq!(started["source"], project.path().to_str().unwrap());
    assert_eq!(started["builder"], builder.name());
    assert_eq!(started["tag"], project.tag.as_str());
    for unknown in ["previous", "why"] {
        assert_eq!(started[unknown], Value::Null);
    }
    assert_eq!((&started["changed"], &started["changed_more"]), (&serde_json::json!([]), &0.into()));
    assert_eq!((&one["build"], &one["text"]), (&1.into(), &"one".into()));
    assert_eq!(two["text"], "two\u{fffd}");
    assert_eq!(finished["status"], "ok");
    assert_eq!(finished["image"], project.id().unwrap());
    assert_eq!(finished["assemble_status"], 0);
    assert_eq!((&finished["standby"], &finished["no_standby"]), (&Value::Null, &Value::Null));
    assert!(finished["seconds"].as_f64().unwrap() > 0.0);
    let mut phases = keys(&finished["phases"]);
    // It is listed only when it takes long enough to matter.
    phases.remove("clear");
    assert_eq!(phases, ["assemble", "commit", "source", "start"].into());
    assert!(finished["phases"].as_object().unwrap().values().all(Value::is_f64), "{outcome}");
}

#[test]
fn json_tells_a_failed_build() {
    let builder = Builder::assembling("exit 7");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).args(&["--message-format", "json"]).run().status(7);
    let objects = outcome.json();
    assert_schema(&objects);
    assert_eq!(reasons(&objects), ["build-started", "build-finished", "error"]);
    let finished = &objects[1];
    assert_eq!((&finished["status"], &finished["image"]), (&"failed".into(), &Value::Null));
    assert_eq!(finished["assemble_status"], 7);
    let expected = serde_json::json!({
        "reason": "error", "message": "`assemble` failed with exit status 7", "causes": [], "hint": null
    });
    assert_eq!(objects[2], expected);
}

#[test]
fn json_tells_a_cancelled_build() {
    let builder = Builder::assembling("echo assembling now; exec sleep 300");
    let project = Project::new().file("a", "1");
    let running = project.build(&builder).args(&["--message-format", "json"]).start();
    running.wait_for_stdout("assembling now");
    running.signal("INT");
    let outcome = running.end().status(130);
    let objects = outcome.json();
    assert_schema(&objects);
    assert_eq!(reasons(&objects), ["build-started", "output", "build-finished", "error"]);
    assert_eq!((&objects[2]["status"], &objects[2]["assemble_status"]), (&"cancelled".into(), &Value::Null));
}

#[test]
fn json_tells_notes_warnings_and_engine_calls() {
    let builder = Builder::copying().script("save-artifacts", "#!/bin/sh\nexit 3\n").make();
    let project = Project::new().file("a", "1").file("trash", "2").file(".s2iignore", "trash\n");
    project.build(&builder).success();
    let id = project.id().unwrap();
    let outcome = project.build(&builder).args(&["--message-format", "json", "--verbose"]).success();
    let objects = outcome.json();
    assert_schema(&objects);
    let of = |reason: &str| objects.iter().filter(|object| object["reason"] == reason).collect::<Vec<_>>();
    assert_eq!(of("build-started")[0]["previous"], id);
    assert!(of("note")[0]["message"].as_str().unwrap().contains("trash"), "{outcome}");
    assert!(of("warning")[0]["message"].as_str().unwrap().contains("`save-artifacts` failed"), "{outcome}");
    let calls = of("engine-call");
    assert!(calls.iter().any(|call| call["seconds"].is_f64()), "{outcome}");
    assert!(calls.iter().all(|call| call["command"].as_str().unwrap().starts_with("docker ")), "{outcome}");
    // A call that runs beside the build has a message when it starts, and another one with its time when it ends.
    for started in calls.iter().filter(|call| call["seconds"].is_null()) {
        let ended = calls.iter().filter(|call| call["command"] == started["command"] && call["seconds"].is_f64());
        assert_eq!(ended.count(), 1, "{outcome}");
    }
}

#[test]
fn json_and_quiet_leave_the_result() {
    let builder = Builder::assembling("echo hello");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).args(&["--message-format", "json", "--quiet"]).success();
    assert_eq!(reasons(&outcome.json()), ["build-finished"]);
}

#[test]
fn a_line_that_is_too_long_comes_in_parts_that_say_so() {
    let builder = Builder::assembling("head -c 20000000 /dev/zero | tr '\\0' x; echo; echo after");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).args(&["--message-format", "json"]).success();
    let objects = outcome.json();
    assert_schema(&objects);
    let output = objects.iter().filter(|message| message["reason"] == "output");
    let parts: Vec<_> = output.map(|it| (it["text"].as_str().unwrap().len(), it.get("more").cloned())).collect();
    let whole = 16 * 1024 * 1024;
    assert_eq!(parts, [(whole, Some(true.into())), (20_000_000 - whole, None), (5, None)]);
}
