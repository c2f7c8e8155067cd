//! What the tests with a registry share.

use crate::support::engine::{try_docker, unique_name};

/// A name in a registry, which is removed from the engine at the end.
pub struct Pushed {
    /// The name without the registry.
    pub repository: String,
    pub tag: String,
}

impl Pushed {
    pub fn at(host: &str) -> Self {
        let repository = unique_name("pushed");
        let tag = format!("{host}/{repository}");
        Self { repository, tag }
    }
}

impl Drop for Pushed {
    fn drop(&mut self) {
        // The engine keeps the digest of an image that was pushed or pulled as one more name of it.
        let names = |format: &str| {
            let listing = try_docker(&["images", "--digests", "--format", format, &self.tag]).stdout;
            String::from_utf8_lossy(&listing).lines().map(str::to_owned).collect::<Vec<_>>()
        };
        let known = [names("{{.Repository}}:{{.Tag}}"), names("{{.Repository}}@{{.Digest}}")].concat();
        let known: Vec<&str> = known.iter().map(String::as_str).filter(|name| !name.contains("<none>")).collect();
        if !known.is_empty() {
            try_docker(&[&["image", "rm", "--force", "--no-prune"], &*known].concat());
        }
    }
}
