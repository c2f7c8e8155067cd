//! What the engine's CLI prints about a push.

use std::collections::HashMap;

use crate::report::message::push::Layers;

/// How docker's lines about layers end that are in the registry.
const IN_REGISTRY: [&str; 3] = ["Pushed", "Layer already exists", "Mounted from"];

/// How the line begins with which podman ends, after its progress and what it tried again.
const ERROR: &str = "Error: ";

/// What the output of docker's `push` said so far.
#[derive(Default)]
pub struct PushOutput {
    /// By the short ids of layers: whether the layer is in the registry.
    layers: HashMap<String, bool>,
    /// What the registry calls the image.
    pub digest: Option<String>,
}

impl PushOutput {
    /// Takes in a line; whether it changed the number of layers.
    pub fn take_in(&mut self, line: &str) -> bool {
        let line = line.trim();
        // Podman's.
        if line.starts_with("sha256:") && !line.contains(' ') {
            self.digest = Some(line.to_owned());
            return false;
        }
        let Some((subject, what)) = line.split_once(": ") else { return false };
        if let Some(digest) = what.strip_prefix("digest: ") {
            self.digest = digest.split(' ').next().map(str::to_owned);
            return false;
        }
        if subject.len() != 12 || !subject.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return false;
        }
        let is_there = IN_REGISTRY.iter().any(|text| what.starts_with(text));
        self.layers.insert(subject.to_owned(), is_there) != Some(is_there)
    }

    /// The layers that were named.
    pub fn layers(&self) -> Layers {
        Layers { in_registry: self.layers.values().filter(|there| **there).count(), all: self.layers.len() }
    }
}

/// The error in what a `push` printed to the error output, without podman's progress.
pub fn cause(stderr: &str) -> &str {
    let stderr = stderr.trim();
    let end = stderr.rfind(&format!("\n{ERROR}")).map_or(stderr, |at| &stderr[at + 1..]);
    if end.is_empty() { "it printed no error message" } else { end }
}

#[cfg(test)]
mod tests {
    use super::{Layers, PushOutput, cause};

    #[test]
    fn layers_are_counted_and_the_digest_is_found() {
        let mut output = PushOutput::default();
        let lines = "The push refers to repository [127.0.0.1:5000/team/app]\n\
                     b3e965aee5a2: Preparing\n5f70bf18a086: Preparing\n5f70bf18a086: Waiting\n\
                     b3e965aee5a2: Layer already exists\n5f70bf18a086: Retrying in 5 seconds\n5f70bf18a086: Pushed";
        let changed = lines.lines().map(|line| output.take_in(line)).filter(|changed| *changed).count();
        assert_eq!((changed, output.layers()), (4, Layers { in_registry: 2, all: 2 }));
        assert!(!output.take_in("latest: digest: sha256:3039 size: 527"));
        assert_eq!(output.digest.as_deref(), Some("sha256:3039"));
        assert!(!output.take_in("sha256:e4e6"));
        assert_eq!(output.digest.as_deref(), Some("sha256:e4e6"));
    }

    #[test]
    fn an_error_is_shown_without_podmans_progress() {
        let stderr = "Getting image source signatures\nCopying blob sha256:1\ntime=\"2026\" level=warning msg=\"Failed, \
                      retrying in 1s ... (1/3). Error: a\"\nCopying blob sha256:1\nError: writing blob: denied\n";
        assert_eq!(cause(stderr), "Error: writing blob: denied");
        assert_eq!(cause("denied: requested access\n"), "denied: requested access");
        assert_eq!(cause("  "), "it printed no error message");
    }
}
