//! The S2I contract: what labels of a builder mean, where scripts come from, what an image of ours says about itself.

pub mod dockerfile;
pub mod environment;
pub mod labels;

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Result;

use crate::engine::image::Image;
use crate::failure::Failure;

/// Labels that say where a builder's scripts are, the current one first.
pub const SCRIPTS_LABELS: [&str; 2] = ["io.openshift.s2i.scripts-url", "io.s2i.scripts-url"];
const SCRIPTS_VARIABLE: &str = "STI_SCRIPTS_URL";

/// Labels that say where the upload goes, the current one first.
const DESTINATION_LABELS: [&str; 2] = ["io.openshift.s2i.destination", "io.s2i.destination"];
const DESTINATION_VARIABLE: &str = "STI_LOCATION";
const DEFAULT_DESTINATION: &str = "/tmp";

const ASSEMBLE_USER_LABEL: &str = "io.openshift.s2i.assemble-user";

/// Where scripts are looked for in an image that does not say.
pub const DEFAULT_FOLDERS: [&str; 2] = ["/usr/libexec/s2i", "/usr/local/s2i"];

/// Where a source has scripts of its own; the second is the old name of the first.
const SOURCE_FOLDERS: [&str; 2] = [".s2i/bin", ".sti/bin"];

/// A script's part in a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    Assemble,
    Run,
    SaveArtifacts,
}

impl Script {
    pub const ALL: [Script; 3] = [Script::Assemble, Script::Run, Script::SaveArtifacts];

    pub fn name(self) -> &'static str {
        match self {
            Script::Assemble => "assemble",
            Script::Run => "run",
            Script::SaveArtifacts => "save-artifacts",
        }
    }
}

/// What an image says about how it wants to be built with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Folders of the image in which scripts may be, the first with an `assemble` counts.
    pub folders: Vec<String>,
    /// Whether a label, or the old variable, named the folder.
    pub named: bool,
    /// Where the upload is extracted.
    pub destination: String,
    /// Who runs `assemble` and `save-artifacts`, where that is not the image's user.
    pub user: Option<String>,
}

impl Contract {
    /// Reads the labels of an image.
    ///
    /// # Errors
    /// A label that points outside the image, triggers that a container does not run.
    pub fn of(image: &Image, name: &str) -> Result<Self> {
        if !image.config.on_build.is_empty() {
            return Err(Failure::engine(format!(
                "the builder `{name}` has ONBUILD triggers, which only `docker build` runs"
            ))
            .hint(format!("write a Dockerfile with `FROM {name}` in the source and use `docker build`"))
            .into());
        }
        let (folders, named) = match said(image, &SCRIPTS_LABELS, SCRIPTS_VARIABLE) {
            Some(url) => (vec![folder_in_image(url, name)?], true),
            None => (DEFAULT_FOLDERS.map(str::to_owned).to_vec(), false),
        };
        let destination = said(image, &DESTINATION_LABELS, DESTINATION_VARIABLE).unwrap_or(DEFAULT_DESTINATION);
        let user = image.config.labels.get(ASSEMBLE_USER_LABEL).filter(|user| !user.is_empty());
        Ok(Self { folders, named, destination: plain_folder(destination), user: user.cloned() })
    }
}

fn said<'a>(image: &'a Image, labels: &[&str], variable: &str) -> Option<&'a str> {
    let label = labels.iter().find_map(|label| image.config.labels.get(*label)).map(String::as_str);
    label.or_else(|| image.env(variable)).filter(|value| !value.is_empty())
}

/// `image:///usr/libexec/s2i/` is the folder `/usr/libexec/s2i`; without the third slash it is relative to WORKDIR.
fn folder_in_image(url: &str, name: &str) -> Result<String> {
    match url.strip_prefix("image://") {
        Some(path) => Ok(plain_folder(path)),
        None => Err(Failure::engine(format!("the builder `{name}` keeps its scripts at `{url}`, outside the image"))
            .hint("only `image://` is understood: a builder with its scripts inside is needed")
            .into()),
    }
}

fn plain_folder(path: &str) -> String {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { "/".to_owned() } else { trimmed.to_owned() }
}

/// A path in an image.
pub fn join(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

/// A script that the source brings along.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnScript {
    pub script: Script,
    pub content: Vec<u8>,
}

/// The scripts of the source's `.s2i/bin`, executable or not; links are followed.
///
/// # Errors
/// A script that is there but can not be read.
pub fn own_scripts(source: &Path) -> Result<Vec<OwnScript>> {
    let mut found = Vec::new();
    for script in Script::ALL {
        for folder in SOURCE_FOLDERS {
            let path = source.join(folder).join(script.name());
            match fs::read(&path) {
                Ok(content) => {
                    found.push(OwnScript { script, content });
                    break;
                }
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                Err(error) => {
                    return Err(Failure::usage(format!("cannot read the script `{}`", path.display()))
                        .because(error)
                        .hint("make it a readable file, or remove it to use the builder's own")
                        .into());
                }
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::Contract;
    use crate::engine::image::Image;

    fn image(labels: &[(&str, &str)], env: &[&str]) -> Image {
        let mut image = Image::default();
        image.config.labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        image.config.env = env.iter().map(|pair| (*pair).to_owned()).collect();
        image
    }

    #[test]
    fn the_current_label_wins_over_the_old_one_and_the_variable() {
        let old = ("io.s2i.scripts-url", "image:///old");
        let env = ["STI_SCRIPTS_URL=image:///older"];
        let both = image(&[old, ("io.openshift.s2i.scripts-url", "image:///new/")], &env);
        assert_eq!(Contract::of(&both, "b").unwrap().folders, ["/new"]);
        assert_eq!(Contract::of(&image(&[old], &env), "b").unwrap().folders, ["/old"]);
        assert_eq!(Contract::of(&image(&[], &env), "b").unwrap().folders, ["/older"]);
    }

    #[test]
    fn without_a_label_the_usual_folders_are_searched() {
        let contract = Contract::of(&image(&[], &[]), "b").unwrap();
        assert!(!contract.named);
        assert_eq!(contract.folders, ["/usr/libexec/s2i", "/usr/local/s2i"]);
        assert_eq!(contract.destination, "/tmp");
    }

    #[test]
    fn the_destination_and_the_user_come_from_labels() {
        let labels = [("io.openshift.s2i.destination", "/opt/in/"), ("io.openshift.s2i.assemble-user", "1500")];
        let contract = Contract::of(&image(&labels, &["STI_LOCATION=/x"]), "b").unwrap();
        assert_eq!(contract.destination, "/opt/in");
        assert_eq!(contract.user.as_deref(), Some("1500"));
    }

    #[test]
    fn triggers_and_scripts_outside_are_refused() {
        let mut triggers = image(&[], &[]);
        triggers.config.on_build = vec!["RUN true".to_owned()];
        assert!(Contract::of(&triggers, "b").is_err());
        assert!(Contract::of(&image(&[("io.s2i.scripts-url", "http://x/")], &[]), "b").is_err());
    }
}
