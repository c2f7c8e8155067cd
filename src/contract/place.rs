//! Where scripts are, as a URL says it.

use std::fmt;
use std::path::PathBuf;

use crate::url::without_credentials;

/// A place that may hold scripts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// This folder of the image; a relative one is meant from its WORKDIR.
    Image(String),
    /// This folder of this machine.
    Folder(PathBuf),
    /// Below this address.
    Web(String),
}

impl Place {
    /// Reads a URL; a text without a scheme is the path of a folder here.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return match text.split_once(':') {
                Some((scheme @ ("image" | "file" | "http" | "https"), _)) => {
                    Err(format!("has no `//` after `{scheme}:`"))
                }
                _ if text.is_empty() => Err("is empty".to_owned()),
                _ => Ok(Place::Folder(text.into())),
            };
        };
        match scheme.to_ascii_lowercase().as_str() {
            _ if rest.is_empty() => Err("names no folder".to_owned()),
            "image" => Ok(Place::Image(plain_folder(rest))),
            "file" => Ok(Place::Folder(rest.into())),
            scheme @ ("http" | "https") => Ok(Place::Web(format!("{scheme}://{}", rest.trim_end_matches('/')))),
            scheme => Err(format!("begins with `{scheme}://`, which is not understood")),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Image(folder) => write!(f, "`{folder}` in the image"),
            Place::Folder(folder) => write!(f, "`{}`", folder.display()),
            Place::Web(url) => write!(f, "`{}`", without_credentials(url)),
        }
    }
}

/// A folder without slashes at the end.
pub fn plain_folder(path: &str) -> String {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { "/".to_owned() } else { trimmed.to_owned() }
}

/// A path in an image.
pub fn join(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn urls_name_places() {
        for (text, place) in [
            ("image:///usr/libexec/s2i/", Place::Image("/usr/libexec/s2i".to_owned())),
            ("image://bin", Place::Image("bin".to_owned())),
            ("image:///", Place::Image("/".to_owned())),
            ("file:///opt/s2i", Place::Folder("/opt/s2i".into())),
            ("file://scripts", Place::Folder("scripts".into())),
            ("../scripts", Place::Folder("../scripts".into())),
            ("HTTPS://host.example/s2i/", Place::Web("https://host.example/s2i".to_owned())),
        ] {
            assert_eq!(Place::parse(text), Ok(place), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "image://", "image:/usr/libexec/s2i", "file:x", "ftp://host.example/x", "http://"] {
            assert!(Place::parse(text).is_err(), "{text}");
        }
    }
}
