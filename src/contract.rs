//! The S2I contract: what labels of a builder mean, where scripts come from, what an image of ours says about itself.

pub mod dockerfile;
pub mod environment;
pub mod external_scripts;
pub mod fetch;
pub mod labels;
pub mod place;
pub mod script;
pub mod users;

use anyhow::Result;

use crate::engine::image::Image;
use crate::error::Error;
use place::{Place, join, plain_folder};
use script::SCRIPTS_LABELS;

/// The variable that older builders say it with; likewise for the destination.
const SCRIPTS_VARIABLE: &str = "STI_SCRIPTS_URL";

/// Labels that say where the upload goes, the current one first.
const DESTINATION_LABELS: [&str; 2] = ["io.openshift.s2i.destination", "io.s2i.destination"];
const DESTINATION_VARIABLE: &str = "STI_LOCATION";
const DEFAULT_DESTINATION: &str = "/tmp";

const ASSEMBLE_USER_LABEL: &str = "io.openshift.s2i.assemble-user";

/// Where scripts are looked for in an image that does not say.
pub const DEFAULT_FOLDERS: [&str; 2] = ["/usr/libexec/s2i", "/usr/local/s2i"];

/// What was asked for by options, which come before what an image says.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Where scripts are looked for first.
    pub scripts: Option<Place>,
    /// A folder of the image, for scripts that neither an option, nor the source, nor the image's label has a place for.
    pub fallback: Option<String>,
    pub destination: Option<String>,
    pub user: Option<String>,
}

/// How a builder is built with: what it says itself, and what was asked for instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Folders of the image that may hold scripts: for each script the first that has it counts.
    pub folders: Vec<String>,
    /// How many of the folders, at the end, are the usual ones, named by neither an option nor the image.
    pub guesses: usize,
    /// Where an option says that scripts are.
    pub asked: Option<Place>,
    /// Where the builder says that its scripts are, if that is outside the image.
    pub outside: Option<Place>,
    /// Where the upload is extracted.
    pub destination: String,
    /// Who runs `assemble` and `save-artifacts`, where that is not the image's user.
    pub user: Option<String>,
}

impl Contract {
    /// Reads the labels of an image.
    ///
    /// # Errors
    /// A label that is not understood, triggers that a container does not run.
    pub fn of(image: &Image, name: &str, overrides: &Overrides) -> Result<Self> {
        if !image.config.on_build.is_empty() {
            return Err(Error::engine(format!(
                "the builder `{name}` has ONBUILD triggers, which only `docker build` runs"
            ))
            .hint(format!("write a Dockerfile with `FROM {name}` in the source and use `docker build`"))
            .into());
        }
        let said_place = match said(image, &SCRIPTS_LABELS, SCRIPTS_VARIABLE) {
            Some(url) => said_place(url, name).map(Some),
            None => Ok(None),
        };
        let said_place = if overrides.scripts.is_some() { said_place.unwrap_or(None) } else { said_place? };
        let in_image = |place: &Option<Place>| match place {
            Some(Place::Image(folder)) => Some(absolute(folder, image)),
            _ => None,
        };
        let fallback = overrides.fallback.as_deref().map(|folder| absolute(folder, image));
        let mut folders: Vec<String> =
            [in_image(&overrides.scripts), in_image(&said_place), fallback].into_iter().flatten().collect();
        let unnamed = said_place.is_none() && overrides.fallback.is_none();
        let guesses = if unnamed { DEFAULT_FOLDERS.len() } else { 0 };
        folders.extend(DEFAULT_FOLDERS[..guesses].iter().map(|folder| (*folder).to_owned()));
        let destination = said(image, &DESTINATION_LABELS, DESTINATION_VARIABLE).unwrap_or(DEFAULT_DESTINATION);
        let destination = overrides.destination.as_deref().unwrap_or(destination);
        let user = image.config.labels.get(ASSEMBLE_USER_LABEL).filter(|user| !user.is_empty());
        Ok(Self {
            folders,
            guesses,
            asked: overrides.scripts.clone(),
            outside: said_place.filter(|place| !matches!(place, Place::Image(_))),
            destination: absolute(destination, image),
            user: overrides.user.as_ref().or(user).cloned(),
        })
    }
}

fn said<'a>(image: &'a Image, labels: &[&str], variable: &str) -> Option<&'a str> {
    let label = labels.iter().find_map(|label| image.config.labels.get(*label)).map(String::as_str);
    label.or_else(|| image.env(variable)).filter(|value| !value.is_empty())
}

fn said_place(url: &str, name: &str) -> Result<Place> {
    let fault = match Place::parse(url) {
        // Only where it is typed is it clear what a path alone belongs to.
        Ok(Place::Folder(_)) if !url.contains("://") => "has no `image://` before it".to_owned(),
        Ok(place) => return Ok(place),
        Err(fault) => fault,
    };
    Err(Error::engine(format!("the builder `{name}` keeps its scripts at `{url}`, which {fault}"))
        .hint("`-s image:///FOLDER` says where they are; `file://` and `http(s)://` name places outside the image")
        .into())
}

/// A folder of an image, which may be given from its WORKDIR.
fn absolute(folder: &str, image: &Image) -> String {
    let folder = plain_folder(folder);
    if folder.starts_with('/') {
        return folder;
    }
    let from = &image.config.working_dir;
    join(if from.is_empty() { "/" } else { from }, &folder)
}

#[cfg(test)]
mod tests {
    use super::{Contract, Overrides, Place};
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
        assert_eq!(contract.guesses, 2);
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
    fn a_label_may_name_a_place_outside_or_is_refused() {
        let label = |url| image(&[("io.s2i.scripts-url", url)], &[]);
        let contract = of(&label("http://x/"));
        assert_eq!(contract.outside, Some(Place::Web("http://x".to_owned())));
        assert!(contract.folders.is_empty());
        for url in ["ftp://x/y", "/usr/libexec/s2i"] {
            assert!(Contract::of(&label(url), "b", &Overrides::default()).is_err(), "{url}");
            let overrides = Overrides { scripts: Some(Place::Image("/s".to_owned())), ..Overrides::default() };
            assert_eq!(Contract::of(&label(url), "b", &overrides).unwrap().folders[0], "/s");
        }
    }

    #[test]
    fn options_come_before_what_the_image_says_and_the_fallback_after() {
        let labels = [("io.s2i.scripts-url", "image:///label"), ("io.openshift.s2i.destination", "/label")];
        let overrides = Overrides {
            scripts: Some(Place::Image("rel".to_owned())),
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
        assert_eq!((contract.folders, contract.guesses), (vec!["/rel".to_owned(), "/fallback".to_owned()], 0));
    }
}
