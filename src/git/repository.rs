//! How a git repository can be named: as a URL that git understands, in the form of scp, as a folder that is a bare
//! repository.

use std::path::Path;

/// A repository, and which part of it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The URL, or the folder, as it is passed to git.
    pub url: String,
    /// A branch, tag or commit; the repository's HEAD if there is none.
    pub reference: Option<String>,
    /// Whether submodules are cloned as well.
    pub submodules: bool,
}

/// The URL schemes from which git fetches over the network.
const SCHEMES: [&str; 6] = ["http", "https", "ssh", "git", "git+ssh", "ftp"];

/// The scheme of a URL and what follows `://`; `None` for a text that is not a URL.
pub fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let is_scheme =
        |scheme: &str| !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    text.split_once("://").filter(|(scheme, _)| is_scheme(scheme))
}

/// Whether git fetches from URLs of this scheme.
pub fn is_git_scheme(scheme: &str) -> bool {
    SCHEMES.contains(&scheme)
}

/// Whether this is `HOST:PATH` or `USER@HOST:PATH`, as for scp: the colon comes before any slash.
pub fn is_scp(text: &str) -> bool {
    text.split_once(':').is_some_and(|(host, path)| !host.is_empty() && !host.contains('/') && !path.is_empty())
}

/// Whether git fetches from this over the network: any URL except `file://`, or the form of scp.
pub fn is_remote(text: &str) -> bool {
    let text = text.strip_prefix("file://").unwrap_or(text);
    text.contains("://") || is_scp(text)
}

/// Whether a folder is a bare repository, which has no work tree.
pub fn is_bare(folder: &Path) -> bool {
    folder.join("HEAD").is_file() && folder.join("objects").is_dir() && folder.join("refs").is_dir()
}

#[cfg(test)]
mod tests {
    use super::is_remote;

    #[test]
    fn what_git_would_fetch_is_remote() {
        for text in ["https://host.example/a.git", "ssh://git@host.example/a", "git@host.example:a/b", "host:a"] {
            assert!(is_remote(text), "{text}");
        }
        for text in ["/srv/app", "file:///srv/app", "app", ".", "./a:b", "a/b:c"] {
            assert!(!is_remote(text), "{text}");
        }
    }
}
