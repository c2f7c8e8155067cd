//! The labels that minis2i writes into the images it builds, and their syntax in Dockerfile instructions.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The name of the builder image; the reference implementation writes this label as well.
pub const BUILD_IMAGE: &str = "io.openshift.s2i.build.image";

/// The source, as the user typed it.
pub const SOURCE_LOCATION: &str = "io.openshift.s2i.build.source-location";

/// The subfolder of the source that was built.
pub const CONTEXT_DIR: &str = "io.openshift.s2i.build.source-context-dir";

/// The branch, tag or commit that was cloned.
pub const REFERENCE: &str = "io.openshift.s2i.build.commit.ref";

/// A human-readable name of the image.
pub const DISPLAY_NAME: &str = "io.k8s.display-name";

/// A human-readable description of the image.
pub const DESCRIPTION: &str = "io.k8s.description";

/// The version of minis2i that built the image. An image with this label was built by minis2i.
pub const VERSION: &str = "io.github.minis2i.version";

/// A digest of source, builder and options. Two builds with the same digest would produce the same image.
pub const DIGEST: &str = "io.github.minis2i.digest";

/// The id of the builder image.
pub const BUILDER: &str = "io.github.minis2i.builder";

/// The commit that made the image. Where a run is killed before the image has a name, the next run finds it by this.
pub const COMMIT: &str = "io.github.minis2i.commit";

/// The path of the `save-artifacts` that came with the builder; empty if there is none.
pub const SAVE_ARTIFACTS: &str = "io.github.minis2i.save-artifacts";

/// The folder in which the upload was extracted.
pub const DESTINATION: &str = "io.github.minis2i.destination";

/// `bypassed` if the builder's ENTRYPOINT does not run the command it is given, otherwise `kept`.
pub const ENTRYPOINT: &str = "io.github.minis2i.entrypoint";

/// `missing` if the image has no shell, otherwise empty.
pub const SHELL: &str = "io.github.minis2i.shell";

/// `memory` if the source is better kept in memory while `assemble` of this builder runs, `layer` if that fails or is slower,
/// and empty as long as it does not matter.
pub const SOURCE_IN: &str = "io.github.minis2i.source-in";

/// `copied` if `save-artifacts` copied files instead of writing a tar stream, otherwise empty. The files that it copied
/// are then in the image and must be removed before it runs again.
pub const ARTIFACTS: &str = "io.github.minis2i.artifacts";

/// The file in which `assemble` can leave labels.
pub const METADATA_FILE: &str = "/tmp/.s2i/image_metadata.json";

/// The largest total size of names and values in the metadata file, in bytes.
const METADATA_LIMIT: usize = 10_240;

#[derive(Deserialize)]
struct Metadata {
    labels: Vec<std::collections::BTreeMap<String, String>>,
}

/// Parses the content of [`METADATA_FILE`] and returns the labels in it, as names and values.
///
/// # Errors
/// If the text is not JSON of the form `{"labels":[{"NAME":"VALUE"}]}`, or the labels take more than 10,240 bytes.
pub fn from_metadata(text: &[u8]) -> Result<Vec<(String, String)>> {
    let metadata: Metadata = serde_json::from_slice(text).context(r#"it is not {"labels":[{"NAME":"VALUE"}]}"#)?;
    let labels: Vec<_> = metadata.labels.into_iter().flatten().collect();
    let bytes: usize = labels.iter().map(|(name, value)| name.len() + value.len()).sum();
    ensure!(bytes <= METADATA_LIMIT, "its labels take {bytes} bytes, more than {METADATA_LIMIT}");
    Ok(labels)
}

/// A `LABEL` instruction for a Dockerfile or the `--change` of docker's commit. Line breaks, which it cannot express, become
/// spaces.
pub fn instruction(name: &str, value: &str) -> String {
    format!("LABEL {}={}", quoted(name), quoted(value))
}

/// The same for an engine that takes what is between the quotes as it is.
pub fn literal_instruction(name: &str, value: &str) -> String {
    format!("LABEL \"{name}\"=\"{}\"", one_line(value))
}

/// Quotes text for a Dockerfile instruction so that it is taken literally, except that line breaks become spaces.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in one_line(text).chars() {
        match c {
            '"' | '\\' | '$' => quoted.extend(['\\', c]),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The text with spaces in the place of line breaks.
pub fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::{from_metadata, instruction, literal_instruction};

    #[test]
    fn quotes_and_variables_are_taken_literally() {
        assert_eq!(instruction("a", r#"x "y" $z \"#), r#"LABEL "a"="x \"y\" \$z \\""#);
        assert_eq!(instruction("a", "two\nlines"), r#"LABEL "a"="two lines""#);
    }

    #[test]
    fn podman_put_backslashes_into_labels_with_quotes() {
        assert_eq!(literal_instruction("a", "x \"y\" $z \\\nw"), "LABEL \"a\"=\"x \"y\" $z \\ w\"");
    }

    #[test]
    fn metadata_is_a_list_of_labels() {
        let labels = from_metadata(br#"{"labels":[{"a":"1"},{"b":"2"}]}"#).unwrap();
        assert_eq!(labels, [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
    }

    #[test]
    fn metadata_of_another_shape_is_an_error() {
        for text in ["", "[]", r#"{"labels":[{"a":1}]}"#, r#"{"labels":{"a":"1"}}"#] {
            assert!(from_metadata(text.as_bytes()).is_err(), "{text}");
        }
        let long = format!(r#"{{"labels":[{{"a":"{}"}}]}}"#, "x".repeat(10_240));
        assert!(from_metadata(long.as_bytes()).is_err());
    }
}
