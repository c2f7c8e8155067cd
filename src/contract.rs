//! The S2I contract: what the labels of a builder image mean, where its scripts come from, and which labels minis2i
//! writes. Nothing here runs the engine or a container; that is left to the pipeline.

pub mod dockerfile;
pub mod environment;
pub mod external_scripts;
pub mod fetch;
pub mod image_path;
pub mod labels;
pub mod script;
pub mod scripts_url;
pub mod users;

use anyhow::Result;

use crate::engine::image::Image;
use crate::error::Error;
use image_path::{join, without_trailing_slashes};
use script::SCRIPTS_LABELS;
use scripts_url::ScriptsUrl;

/// The environment variable with which older builders name the URL of their scripts.
const SCRIPTS_VARIABLE: &str = "STI_SCRIPTS_URL";

/// Labels that name the folder for the upload, the current one first.
const DESTINATION_LABELS: [&str; 2] = ["io.openshift.s2i.destination", "io.s2i.destination"];

/// The environment variable with which older builders name the folder for the upload.
const DESTINATION_VARIABLE: &str = "STI_LOCATION";

/// The folder for the upload if neither the image nor an option names one, as in the reference implementation.
const DEFAULT_DESTINATION: &str = "/tmp";

/// The label that names the user for `assemble`.
const ASSEMBLE_USER_LABEL: &str = "io.openshift.s2i.assemble-user";

/// Folders that are searched for scripts if neither the image nor an option names one.
pub const DEFAULT_FOLDERS: [&str; 2] = ["/usr/libexec/s2i", "/usr/local/s2i"];

/// Options of the user, which override the labels of the image.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The location that is searched for scripts first.
    pub scripts: Option<ScriptsUrl>,
    /// A folder in the image that is searched last, for scripts that are found nowhere else.
    pub fallback: Option<String>,
    /// The folder in which the upload is extracted; a relative path starts at the image's WORKDIR.
    pub destination: Option<String>,
    /// The user that runs `assemble` and `save-artifacts`.
    pub user: Option<String>,
}

/// How to build with a builder image: what its labels say, after the overrides of the user were applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Folders in the image that may hold scripts. Each script is taken from the first folder that has it.
    pub folders: Vec<String>,
    /// How many of the folders, at the end of the list, are [`DEFAULT_FOLDERS`], named by neither an option nor the
    /// image.
    pub default_folders: usize,
    /// The location that `--scripts-url` names.
    pub scripts_option: Option<ScriptsUrl>,
    /// The location that the builder names for its scripts, if that is outside the image.
    pub external_url: Option<ScriptsUrl>,
    /// The absolute path of the folder in which the upload is extracted.
    pub destination: String,
    /// The user that runs `assemble` and `save-artifacts`, if it is not the image's user.
    pub user: Option<String>,
}

impl Contract {
    /// Reads the labels of `image`, which the user calls `name`.
    ///
    /// # Errors
    /// If a label has a URL that cannot be used, or the image has ONBUILD triggers, which a container does not run.
    pub fn of(image: &Image, name: &str, overrides: &Overrides) -> Result<Self> {
        if !image.config.on_build.is_empty() {
            return Err(Error::engine(format!(
                "the builder `{name}` has ONBUILD triggers, which only `docker build` runs"
            ))
            .hint(format!("write a Dockerfile with `FROM {name}` in the source and use `docker build`"))
            .into());
        }
        let url_of_image = scripts_url_of(image, name);
        // A bad label does not matter if an option says where the scripts are.
        let url_of_image = if overrides.scripts.is_some() { url_of_image.unwrap_or(None) } else { url_of_image? };
        let in_image = |url: &Option<ScriptsUrl>| match url {
            Some(ScriptsUrl::Image(folder)) => Some(absolute(folder, image)),
            _ => None,
        };
        let fallback = overrides.fallback.as_deref().map(|folder| absolute(folder, image));
        let mut folders: Vec<String> =
            [in_image(&overrides.scripts), in_image(&url_of_image), fallback].into_iter().flatten().collect();
        let unnamed = url_of_image.is_none() && overrides.fallback.is_none();
        let default_folders = if unnamed { DEFAULT_FOLDERS.len() } else { 0 };
        folders.extend(DEFAULT_FOLDERS[..default_folders].iter().map(|folder| (*folder).to_owned()));
        let destination =
            label_or_variable(image, &DESTINATION_LABELS, DESTINATION_VARIABLE).unwrap_or(DEFAULT_DESTINATION);
        let destination = overrides.destination.as_deref().unwrap_or(destination);
        let user = image.config.labels.get(ASSEMBLE_USER_LABEL).filter(|user| !user.is_empty());
        Ok(Self {
            folders,
            default_folders,
            scripts_option: overrides.scripts.clone(),
            external_url: url_of_image.filter(|url| !matches!(url, ScriptsUrl::Image(_))),
            destination: absolute(destination, image),
            user: overrides.user.as_ref().or(user).cloned(),
        })
    }

    /// The path of a script with this name in a container that it was sent to.
    pub fn uploaded_script(&self, name: &str) -> String {
        join(&self.destination, &format!("scripts/{name}"))
    }
}

/// The value of the first of these labels that the image has, or else of this environment variable. An empty value
/// counts as none.
fn label_or_variable<'a>(image: &'a Image, labels: &[&str], variable: &str) -> Option<&'a str> {
    let label = labels.iter().find_map(|label| image.config.labels.get(*label)).map(String::as_str);
    label.or_else(|| image.env(variable)).filter(|value| !value.is_empty())
}

/// The URL of the builder's scripts that the image called `name` has in a label or a variable.
fn scripts_url_of(image: &Image, name: &str) -> Result<Option<ScriptsUrl>> {
    let Some(url) = label_or_variable(image, &SCRIPTS_LABELS, SCRIPTS_VARIABLE) else { return Ok(None) };
    let fault = match ScriptsUrl::parse(url) {
        // In a label, a path without a scheme could mean this machine or the image.
        Ok(ScriptsUrl::Folder(_)) if !url.contains("://") => "has no `image://` before it".to_owned(),
        Ok(parsed) => return Ok(Some(parsed)),
        Err(fault) => fault,
    };
    Err(Error::engine(format!("the builder `{name}` keeps its scripts at `{url}`, which {fault}"))
        .hint("`-s image:///FOLDER` says where they are; `file://` and `http(s)://` name places outside the image")
        .into())
}

/// The absolute path of a folder in an image; a relative path starts at the image's WORKDIR.
fn absolute(folder: &str, image: &Image) -> String {
    let folder = without_trailing_slashes(folder);
    if folder.starts_with('/') {
        return folder;
    }
    let workdir = &image.config.working_dir;
    join(if workdir.is_empty() { "/" } else { workdir }, &folder)
}

#[cfg(test)]
mod tests {
    use super::{Contract, Overrides, ScriptsUrl};
    use crate::engine::image::Image;

    fn of(image: &Image) -> Contract {
        Contract::of(image, "b", &Overrides::default()).unwrap()
    }

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
        assert_eq!(of(&both).folders, ["/new"]);
        assert_eq!(of(&image(&[old], &env)).folders, ["/old"]);
        assert_eq!(of(&image(&[], &env)).folders, ["/older"]);
    }

    #[test]
    fn without_a_label_the_usual_folders_are_searched() {
        let contract = of(&image(&[], &[]));
        assert_eq!(contract.default_folders, 2);
        assert_eq!(contract.folders, ["/usr/libexec/s2i", "/usr/local/s2i"]);
        assert_eq!(contract.destination, "/tmp");
    }

    #[test]
    fn the_destination_and_the_user_come_from_labels() {
        let labels = [("io.openshift.s2i.destination", "/opt/in/"), ("io.openshift.s2i.assemble-user", "1500")];
        let contract = of(&image(&labels, &["STI_LOCATION=/x"]));
        assert_eq!(contract.destination, "/opt/in");
        assert_eq!(contract.user.as_deref(), Some("1500"));
    }

    #[test]
    fn triggers_are_refused() {
        let mut triggers = image(&[], &[]);
        triggers.config.on_build = vec!["RUN true".to_owned()];
        assert!(Contract::of(&triggers, "b", &Overrides::default()).is_err());
    }

    #[test]
    fn a_label_may_name_an_external_url_or_is_refused() {
        let label = |url| image(&[("io.s2i.scripts-url", url)], &[]);
        let contract = of(&label("http://x/"));
        assert_eq!(contract.external_url, Some(ScriptsUrl::Web("http://x".to_owned())));
        assert!(contract.folders.is_empty());
        for url in ["ftp://x/y", "/usr/libexec/s2i"] {
            assert!(Contract::of(&label(url), "b", &Overrides::default()).is_err(), "{url}");
            let overrides = Overrides { scripts: Some(ScriptsUrl::Image("/s".to_owned())), ..Overrides::default() };
            assert_eq!(Contract::of(&label(url), "b", &overrides).unwrap().folders[0], "/s");
        }
    }

    #[test]
    fn options_come_before_labels_and_the_fallback_after() {
        let labels = [("io.s2i.scripts-url", "image:///label"), ("io.openshift.s2i.destination", "/label")];
        let overrides = Overrides {
            scripts: Some(ScriptsUrl::Image("rel".to_owned())),
            fallback: Some("/fallback".to_owned()),
            destination: Some("in/".to_owned()),
            user: Some("5".to_owned()),
        };
        let mut labelled = image(&labels, &[]);
        labelled.config.working_dir = "/work".to_owned();
        let contract = Contract::of(&labelled, "b", &overrides).unwrap();
        assert_eq!(contract.folders, ["/work/rel", "/label", "/fallback"]);
        assert_eq!((contract.destination.as_str(), contract.user.as_deref()), ("/work/in", Some("5")));
        let contract = Contract::of(&image(&[], &[]), "b", &overrides).unwrap();
        assert_eq!((contract.folders, contract.default_folders), (vec!["/rel".to_owned(), "/fallback".to_owned()], 0));
    }
}
