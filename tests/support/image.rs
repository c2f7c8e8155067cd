//! A look into an image that came out of a build: its configuration, its files, what it prints.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::archive::{Entry, entries};
use super::containers::remove_container;
use super::engine::{docker, says_vanished, settled_list};
use super::engine_api::{Answer, delete, encoded, filters, get, request};

/// An image that came out.
pub struct Image(pub String);

impl Image {
    /// Runs a command in the image and returns what it printed. It has the network of the machine, which takes the engine
    /// a third less time than one of its own.
    pub fn run(&self, command: &[&str]) -> String {
        docker(&[&["run", "--rm", "--network", "host", &self.0], command].concat())
    }

    pub fn config(&self) -> Value {
        let mut found = find_image(&self.0).unwrap_or_else(|| panic!("there is no image {}", self.0));
        found["Config"].take()
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
        let saved = get(&format!("/images/{}/get", encoded(&self.0)));
        assert!(saved.is_success(), "{}", saved.text());
        saved.body.windows(text.len()).any(|window| window == text.as_bytes())
    }

    pub fn label(&self, name: &str) -> Option<String> {
        self.config()["Labels"][name].as_str().map(str::to_owned)
    }

    /// Everything below a folder of the image, by path below it. The folder itself is the empty path.
    pub fn files(&self, folder: &str) -> BTreeMap<Vec<u8>, Entry> {
        let answer = self.archive(folder);
        assert!(answer.is_success(), "{folder}: {}", answer.text());
        entries(&answer.body)
    }

    /// Whether the image has such a path.
    pub fn has(&self, path: &str) -> bool {
        self.archive(path).is_success()
    }

    /// What a file of the image holds, without the space around it. A path that is a link is followed.
    pub fn text(&self, path: &str) -> String {
        let answer = self.archive(path);
        match entries(if answer.is_success() { &answer.body } else { b"" }).into_values().next() {
            Some(Entry { kind: 'f', content, .. }) => String::from_utf8_lossy(&content).trim().to_owned(),
            _ => self.run(&["cat", path]),
        }
    }

    /// A path of the image as a tar archive. A container is made for it that never runs.
    fn archive(&self, path: &str) -> Answer {
        let container = self.container();
        let answer = archive_of(&container, path);
        remove_container(&container);
        answer
    }

    /// The id of a new container of the image that never runs. The caller removes it.
    pub fn container(&self) -> String {
        let wanted = json!({ "Image": self.0, "Cmd": ["/none"], "HostConfig": { "NetworkMode": "none" } }).to_string();
        let made = request("POST", "/containers/create", "application/json", wanted.as_bytes()).json();
        made["Id"].as_str().unwrap().to_owned()
    }
}

/// A path of a container as a tar archive.
pub fn archive_of(container: &str, path: &str) -> Answer {
    get(&format!("/containers/{container}/archive?path={}", encoded(path)))
}

/// What the engine says of an image; none if it has no such one.
pub fn find_image(name: &str) -> Option<Value> {
    let answer = get(&format!("/images/{}/json", encoded(name)));
    (answer.status != 404).then(|| answer.json())
}

/// The id of an image; none if there is no such one.
pub fn image_id(name: &str) -> Option<String> {
    find_image(name)?["Id"].as_str().map(str::to_owned)
}

/// Removes a builder image, and before it the images that were built with it.
pub fn remove_with_results(builder: &str) {
    let Some(id) = image_id(builder) else { return };
    for label in ["io.github.minis2i.builder", "org.opencontainers.image.base.digest"] {
        let target = format!("/images/json?{}", filters(&[("label", &format!("{label}={id}"))]));
        let answer = settled_list(|| get(&target), |answer| !answer.is_success() && says_vanished(&answer.text()));
        let built = answer.json();
        built.as_array().into_iter().flatten().filter_map(|it| it["Id"].as_str()).for_each(remove_image);
    }
    remove_image(builder);
}

/// Removes an image, or a name of it. One that is gone is no error, and one that is in use stays.
pub fn remove_image(name: &str) {
    delete(&format!("/images/{}?force=1", encoded(name)));
}
