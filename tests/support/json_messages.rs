//! The JSON messages that are documented, and the keys that each of them has.

use std::collections::BTreeSet;

use serde_json::Value;

/// Asserts that each object has exactly the documented keys.
#[track_caller]
pub fn assert_schema(objects: &[Value]) {
    for object in objects {
        let expected: &[&str] = match object["reason"].as_str().unwrap() {
            "build-started" => {
                &["build", "builder", "changed", "changed_more", "previous", "reason", "source", "tag", "why"]
            }
            "output" | "output-again" | "hook-output" if object["more"] == true => &["build", "more", "reason", "text"],
            "output" | "output-again" | "hook-output" => &["build", "reason", "text"],
            "problem" => &["build", "column", "line", "message", "path", "reason"],
            "note" | "warning" => &["message", "reason"],
            "engine-call" => &["command", "reason", "seconds"],
            "build-finished" => &[
                "assemble_status",
                "build",
                "image",
                "no_standby",
                "phases",
                "reason",
                "seconds",
                "standby",
                "status",
                "tag",
            ],
            "watch-started" => &["builder", "folders", "poll", "process", "reason", "source", "tag"],
            "standby-ready" => &["build", "reason"],
            "skipped" => &["reason", "why"],
            "timings-written" => &["builds", "file", "reason"],
            "up-to-date" => &["image", "reason", "references", "tag"],
            "watch-finished" => &["builds", "cancelled", "failed", "fastest", "median", "reason"],
            "app-output" if object["more"] == true => &["build", "more", "reason", "text"],
            "app-output" => &["build", "reason", "text"],
            "app-ready" => &["build", "image", "reason", "seconds", "since", "tag", "urls"],
            "app-failed" => &["again", "app_status", "build", "image", "output", "reason", "serving", "tag", "why"],
            "app-exited" => &["again", "app_status", "build", "image", "output", "reason", "tag"],
            "error" => &["causes", "hint", "message", "reason"],
            other => panic!("unknown reason `{other}`"),
        };
        let mut keys: BTreeSet<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
        if object["reason"] == "output" && keys.remove("paths") {
            assert_paths(&object["paths"]);
        }
        assert_eq!(keys, expected.iter().copied().collect(), "{object}");
    }
}

/// Asserts that the paths of a line of output are some, each with the documented keys.
#[track_caller]
fn assert_paths(paths: &Value) {
    let paths = paths.as_array().unwrap();
    assert!(!paths.is_empty());
    for path in paths {
        let keys: Vec<_> = path.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["column", "container", "line", "source"], "{path}");
    }
}
