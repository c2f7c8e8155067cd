//! Where the source is: a folder of this machine, or a git repository that has to be cloned first.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::cli::job::JobArgs;
use crate::cli::options::RepositoryArgs;
use crate::error::Error;
use crate::git::repository::{Repository, is_bare, is_git_scheme, is_scp, split_scheme};

/// What the argument SOURCE means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceLocation {
    Folder(PathBuf),
    Repository(Repository),
}

impl SourceLocation {
    /// The location that these arguments mean. Whether a folder exists is not checked.
    ///
    /// # Errors
    /// When the scheme of a URL is unknown, or the branch, tag or commit cannot be one.
    pub fn of(args: &JobArgs) -> Result<Self> {
        let options = &args.repository;
        // A name that is not UTF-8 is not a URL.
        let Some(typed) = args.source.to_str() else { return Ok(Self::Folder(args.source.clone())) };
        let (url, fragment) = split_fragment(typed);
        match split_scheme(url) {
            Some((scheme, _)) if is_git_scheme(scheme) => repository(url, fragment, options),
            Some(("file", folder)) => at_file_url(folder, fragment, options),
            Some((scheme, _)) => Err(unknown_scheme(scheme)),
            None if is_scp(typed) && !args.source.exists() => repository(url, fragment, options),
            None if options.reference.is_some() || is_bare(&args.source) => repository(typed, None, options),
            None => Ok(Self::Folder(args.source.clone())),
        }
    }
}

/// A repository, of which `--ref`, or else the fragment of its URL, names the commit.
fn repository(url: &str, fragment: Option<&str>, options: &RepositoryArgs) -> Result<SourceLocation> {
    let reference = options.reference.as_deref().or(fragment).filter(|text| !text.is_empty());
    if let Some(option) = reference.filter(|text| text.starts_with('-')) {
        return Err(Error::usage(format!("`{option}` is not a branch, tag or commit"))
            .hint("give `--ref` the name of one")
            .into());
    }
    Ok(SourceLocation::Repository(Repository {
        url: url.to_owned(),
        reference: reference.map(str::to_owned),
        submodules: !options.ignore_submodules,
    }))
}

/// What a `file://` URL means: a folder, unless a commit is wanted or the folder is a bare repository.
fn at_file_url(folder: &str, fragment: Option<&str>, options: &RepositoryArgs) -> Result<SourceLocation> {
    let wants_commit = options.reference.is_some() || fragment.is_some();
    if wants_commit || is_bare(Path::new(folder)) {
        return repository(folder, fragment, options);
    }
    Ok(SourceLocation::Folder(folder.into()))
}

fn unknown_scheme(scheme: &str) -> anyhow::Error {
    Error::usage(format!("sources at `{scheme}://` are not supported"))
        .hint("give a folder, or the URL of a git repository (`https://`, `ssh://`, `git://`, `file://`)")
        .into()
}

/// The two parts of `URL#REFERENCE`.
fn split_fragment(typed: &str) -> (&str, Option<&str>) {
    typed.split_once('#').map_or((typed, None), |(url, fragment)| (url, Some(fragment)))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Repository, SourceLocation};
    use crate::cli::commands::{Cli, Command};

    fn of(source: &str, options: &[&str]) -> anyhow::Result<SourceLocation> {
        let line = [&["minis2i", "build", source, "builder", "tag"], options].concat();
        let Command::Build(args) = Cli::try_parse_from(line).unwrap().command else { panic!("no build") };
        SourceLocation::of(&args.job)
    }

    fn repository(url: &str, reference: Option<&str>) -> SourceLocation {
        let reference = reference.map(str::to_owned);
        SourceLocation::Repository(Repository { url: url.to_owned(), reference, submodules: true })
    }

    #[test]
    fn urls_are_repositories() {
        for url in ["https://host.example/a.git", "ssh://git@host.example/a", "git://h/a", "git@host.example:a/b.git"] {
            assert_eq!(of(url, &[]).unwrap(), repository(url, None), "{url}");
            assert_eq!(of(url, &["--ref", "v1"]).unwrap(), repository(url, Some("v1")), "{url}");
            assert_eq!(of(&format!("{url}#v2"), &[]).unwrap(), repository(url, Some("v2")), "{url}");
        }
    }

    #[test]
    fn folders_are_folders_whatever_they_are_called() {
        for typed in ["app", "./a:b", "/x/y#z", "C/..:x"] {
            assert_eq!(of(typed, &[]).unwrap(), SourceLocation::Folder(typed.into()), "{typed}");
        }
        assert_eq!(of("file:///x/app", &[]).unwrap(), SourceLocation::Folder("/x/app".into()));
        assert_eq!(of("file://app", &[]).unwrap(), SourceLocation::Folder("app".into()));
    }

    #[test]
    fn a_folder_of_which_a_commit_is_wanted_is_a_repository() {
        assert_eq!(of("file:///x/app", &["-r", "v1"]).unwrap(), repository("/x/app", Some("v1")));
        assert_eq!(of("file:///x/app#v1", &[]).unwrap(), repository("/x/app", Some("v1")));
        assert_eq!(of("app", &["-r", "v1"]).unwrap(), repository("app", Some("v1")));
    }

    #[test]
    fn a_bare_repository_is_a_repository() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("HEAD"), "ref: refs/heads/main\n").unwrap();
        for name in ["objects", "refs"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let path = dir.path().to_str().unwrap();
        assert_eq!(of(&format!("file://{path}"), &[]).unwrap(), repository(path, None));
        assert_eq!(of(path, &[]).unwrap(), repository(path, None));
    }

    #[test]
    fn other_schemes_and_odd_references_are_refused() {
        assert!(of("s3://bucket/app", &[]).is_err());
        assert!(of("https://host.example/a#--upload-pack=x", &[]).is_err());
    }
}
