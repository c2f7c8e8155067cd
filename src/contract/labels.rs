//! Labels of the images that are made here.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The name of the builder image, as the reference implementation writes it, too.
pub const BUILD_IMAGE: &str = "io.openshift.s2i.build.image";

/// The source as it was typed.
pub const SOURCE_LOCATION: &str = "io.openshift.s2i.build.source-location";

/// The folder inside the source that was used.
pub const CONTEXT_DIR: &str = "io.openshift.s2i.build.source-context-dir";

/// The branch, tag or commit that was cloned.
pub const REFERENCE: &str = "io.openshift.s2i.build.commit.ref";

/// The image's name for people.
pub const DISPLAY_NAME: &str = "io.k8s.display-name";

/// What the image is, for people.
pub const DESCRIPTION: &str = "io.k8s.description";

/// The version that made the image.
pub const VERSION: &str = "io.github.minis2i.version";

/// A digest of source, builder and options: two builds with the same one would make the same image.
pub const DIGEST: &str = "io.github.minis2i.digest";

/// The id of the builder image.
pub const BUILDER: &str = "io.github.minis2i.builder";

/// The path of the `save-artifacts` that the builder brought; empty where it has none.
pub const SAVE_ARTIFACTS: &str = "io.github.minis2i.save-artifacts";

/// The folder that the upload was extracted in.
pub const DESTINATION: &str = "io.github.minis2i.destination";

/// Says `bypassed` where the builder's ENTRYPOINT does not run what it is given.
pub const ENTRYPOINT: &str = "io.github.minis2i.entrypoint";

/// Says `missing` where the image has no shell.
pub const SHELL: &str = "io.github.minis2i.shell";

/// Says `copied` where artifacts came by files that `save-artifacts` copied; what lies in their place now is no news.
pub const ARTIFACTS: &str = "io.github.minis2i.artifacts";

/// The file in which `assemble` can leave labels.
pub const METADATA_FILE: &str = "/tmp/.s2i/image_metadata.json";

/// The most that labels of the metadata file may take, in bytes.
const METADATA_LIMIT: usize = 10_240;

#[derive(Deserialize)]
struct Metadata {
    labels: Vec<std::collections::BTreeMap<String, String>>,
}

/// The labels that `assemble` left in [`METADATA_FILE`].
///
/// # Errors
/// Anything but `{"labels":[{"NAME":"VALUE"}]}` of at most 10,240 bytes.
pub fn from_metadata(text: &[u8]) -> Result<Vec<(String, String)>> {
    let metadata: Metadata = serde_json::from_slice(text).context(r#"it is not {"labels":[{"NAME":"VALUE"}]}"#)?;
    let labels: Vec<_> = metadata.labels.into_iter().flatten().collect();
    let bytes: usize = labels.iter().map(|(name, value)| name.len() + value.len()).sum();
    ensure!(bytes <= METADATA_LIMIT, "its labels take {bytes} bytes, more than {METADATA_LIMIT}");
    Ok(labels)
}

/// A `LABEL` instruction for `docker commit --change`. A new line can not be said there and becomes a space.
pub fn instruction(name: &str, value: &str) -> String {
    format!("LABEL {}={}", quoted(name), quoted(value))
}

/// A text in double quotes, for an instruction; literal but for line ends, which become spaces.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' | '$' => quoted.extend(['\\', c]),
            '\n' | '\r' => quoted.push(' '),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::{from_metadata, instruction};

    #[test]
    fn quotes_and_variables_are_taken_literally() {
        assert_eq!(instruction("a", r#"x "y" $z \"#), r#"LABEL "a"="x \"y\" \$z \\""#);
        assert_eq!(instruction("a", "two\nlines"), r#"LABEL "a"="two lines""#);
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
