//! Looking at the configuration of images, for the tests of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::engine::docker;

pub fn config(image: &str) -> Value {
    serde_json::from_str(&docker(&["image", "inspect", "--format", "{{json .Config}}", image])).unwrap()
}

/// The variables of an image, none of which may be there twice.
#[track_caller]
pub fn environment(image: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for pair in config(image)["Env"].as_array().into_iter().flatten() {
        let (name, value) = pair.as_str().unwrap().split_once('=').unwrap();
        assert_eq!(found.insert(name.to_owned(), value.to_owned()), None, "`{name}` is there twice");
    }
    found
}

pub fn git(folder: &Path, args: &[&str]) -> String {
    let who = ["-c", "user.name=tester", "-c", "user.email=tester@localhost"];
    let output = Command::new("git").arg("-C").arg(folder).args(who).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
