//! The URL of a folder that holds scripts: what `--scripts-url` and the labels of a builder contain. Reading the
//! scripts is left to [`external_scripts`](super::external_scripts) and to the container.

use std::fmt;
use std::path::PathBuf;

use super::image_path::without_trailing_slashes;
use crate::url::without_credentials;

/// A folder that may hold scripts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptsUrl {
    /// A folder in the image; a relative path starts at the image's WORKDIR.
    Image(String),
    /// A folder on this machine.
    Folder(PathBuf),
    /// An `http` or `https` URL, without a slash at its end; the name of a script is appended to it.
    Web(String),
}

impl ScriptsUrl {
    /// Parses a URL. Text without a scheme is the path of a folder on this machine.
    ///
    /// # Errors
    /// If the URL names no folder or its scheme is unknown. The error is the end of a sentence, for example `is empty`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return match text.split_once(':') {
                Some((scheme @ ("image" | "file" | "http" | "https"), _)) => {
                    Err(format!("has no `//` after `{scheme}:`"))
                }
                _ if text.is_empty() => Err("is empty".to_owned()),
                _ => Ok(ScriptsUrl::Folder(text.into())),
            };
        };
        match scheme.to_ascii_lowercase().as_str() {
            _ if rest.is_empty() => Err("names no folder".to_owned()),
            "image" => Ok(ScriptsUrl::Image(without_trailing_slashes(rest))),
            "file" => Ok(ScriptsUrl::Folder(rest.into())),
            scheme @ ("http" | "https") => Ok(ScriptsUrl::Web(format!("{scheme}://{}", rest.trim_end_matches('/')))),
            scheme => Err(format!("begins with `{scheme}://`, which is not understood")),
        }
    }
}

impl fmt::Display for ScriptsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScriptsUrl::Image(folder) => write!(f, "`{folder}` in the image"),
            ScriptsUrl::Folder(folder) => write!(f, "`{}`", folder.display()),
            ScriptsUrl::Web(url) => write!(f, "`{}`", without_credentials(url)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ScriptsUrl;

    #[test]
    fn urls_name_folders() {
        for (text, url) in [
            ("image:///usr/libexec/s2i/", ScriptsUrl::Image("/usr/libexec/s2i".to_owned())),
            ("image://bin", ScriptsUrl::Image("bin".to_owned())),
            ("image:///", ScriptsUrl::Image("/".to_owned())),
            ("file:///opt/s2i", ScriptsUrl::Folder("/opt/s2i".into())),
            ("file://scripts", ScriptsUrl::Folder("scripts".into())),
            ("../scripts", ScriptsUrl::Folder("../scripts".into())),
            ("HTTPS://host.example/s2i/", ScriptsUrl::Web("https://host.example/s2i".to_owned())),
        ] {
            assert_eq!(ScriptsUrl::parse(text), Ok(url), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "image://", "image:/usr/libexec/s2i", "file:x", "ftp://host.example/x", "http://"] {
            assert!(ScriptsUrl::parse(text).is_err(), "{text}");
        }
    }
}
