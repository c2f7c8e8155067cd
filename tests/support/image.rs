//! A look into an image that came out of a build: its configuration, its files, what it prints.

use std::collections::BTreeMap;

use serde_json::Value;

use super::archive::{Entry, entries};
use super::engine::{docker, try_docker};

/// An image that came out.
pub struct Image(pub String);

impl Image {
    /// Runs a command in the image and returns what it printed. It has the network of the machine, which takes the engine
    /// a third less time than one of its own.
    pub fn run(&self, command: &[&str]) -> String {
        docker(&[&["run", "--rm", "--network", "host", &self.0], command].concat())
    }

    pub fn config(&self) -> Value {
        let text = docker(&["image", "inspect", "--format", "{{json .Config}}", &self.0]);
        serde_json::from_str(&text).unwrap()
    }

    /// The variables of the image, none of which may be there twice.
    #[track_caller]
    pub fn environment(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for pair in self.config()["Env"].as_array().into_iter().flatten() {
            let (name, value) = pair.as_str().unwrap().split_once('=').unwrap();
            assert_eq!(found.insert(name.to_owned(), value.to_owned()), None, "`{name}` is there twice");
        }
        found
    }

    /// Whether a layer, the configuration or the history of the image has these bytes.
    pub fn has_bytes(&self, text: &str) -> bool {
        let saved = try_docker(&["save", &self.0]);
        assert!(saved.status.success());
        saved.stdout.windows(text.len()).any(|window| window == text.as_bytes())
    }

    pub fn label(&self, name: &str) -> Option<String> {
        self.config()["Labels"][name].as_str().map(str::to_owned)
    }

    /// Everything below a folder of the image, by path below it. The folder itself is the empty path.
    pub fn files(&self, folder: &str) -> BTreeMap<Vec<u8>, Entry> {
        let container = docker(&["create", "--network", "none", &self.0, "/none"]);
        let output = try_docker(&["cp", &format!("{container}:{folder}"), "-"]);
        docker(&["rm", "-fv", &container]);
        assert!(output.status.success(), "{folder}: {}", String::from_utf8_lossy(&output.stderr));
        entries(&output.stdout)
    }

    /// Whether the image has such a path.
    pub fn has(&self, path: &str) -> bool {
        let container = docker(&["create", "--network", "none", &self.0, "/none"]);
        let found = try_docker(&["cp", &format!("{container}:{path}"), "-"]).status.success();
        docker(&["rm", "-fv", &container]);
        found
    }
}
