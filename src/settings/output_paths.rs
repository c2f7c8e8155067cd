//! Settings about paths in the output of a build: what the user calls the source, rules of the user, and how problems are
//! printed.

use std::env;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use anyhow::Result;

use super::source_location::SourceLocation;
use crate::cli::job::JobArgs;
use crate::error::Error;
use crate::output_paths::path_map::MapRule;
use crate::report::message::ProblemStyle;

/// What is done with the paths in the output.
#[derive(Clone, Debug)]
pub struct OutputPaths {
    /// Whether they are replaced in text.
    pub replaced: bool,
    /// What the user calls the source, in any bytes; empty where the user is in it.
    pub source: Vec<u8>,
    pub rules: Vec<MapRule>,
    /// How problems are printed, if they are wanted.
    pub problems: Option<ProblemStyle>,
}

impl OutputPaths {
    /// The settings for these arguments; `cloned` is whether the source is a clone, whose paths begin in the repository.
    ///
    /// # Errors
    /// When a rule cannot be used.
    pub fn new(args: &JobArgs, cloned: bool) -> Result<Self> {
        let options = &args.output_paths;
        let current = env::current_dir().unwrap_or_default();
        let folder = match SourceLocation::of(args)? {
            SourceLocation::Folder(folder) if !cloned => folder,
            _ => PathBuf::new(),
        };
        let rules: Result<Vec<_>> = options.map_path.iter().map(|text| rule(text)).collect();
        Ok(Self {
            replaced: options.map_paths || !options.map_path.is_empty(),
            source: called_from(&current, &folder, args.repository.context_dir.as_deref()),
            rules: rules?,
            problems: options.problems.then(|| problem_style(&current)),
        })
    }
}

/// What a user in the folder `current` calls what was typed as `folder`, and a folder in it. A relative path stays as it
/// was typed; an absolute one becomes relative where it leads below `current`.
fn called_from(current: &Path, folder: &Path, context: Option<&Path>) -> Vec<u8> {
    let folder = if folder.is_absolute() { folder.strip_prefix(current).unwrap_or(folder) } else { folder };
    let context = context.into_iter().flat_map(Path::components).filter(|part| *part != Component::RootDir);
    // Parts of `.` are left out at the beginning, too.
    let parts = folder.components().chain(context).filter(|part| *part != Component::CurDir);
    let path: PathBuf = parts.collect();
    // A line feed in it would begin a line of its own in the output.
    path.as_os_str().as_bytes().iter().map(|byte| if byte.is_ascii_control() { b'?' } else { *byte }).collect()
}

/// Parses a value of `--map-path`.
fn rule(text: &str) -> Result<MapRule> {
    let fault = |fault: &str| {
        Error::usage(format!("`--map-path {text}` cannot be used: {fault}"))
            .hint("write `--map-path /FOLDER/IN/THE/CONTAINER=FOLDER`")
    };
    let (from, to) = text.split_once('=').ok_or_else(|| fault("it has no `=`"))?;
    let from = from.trim_end_matches('/');
    if !from.starts_with('/') {
        return Err(fault("what is before the `=` is no absolute path of a folder or file").into());
    }
    if to.is_empty() || to.contains(char::is_control) {
        return Err(fault("what is after the `=` is no path").into());
    }
    let to = to.strip_prefix("./").filter(|rest| !rest.is_empty()).unwrap_or(to);
    let to = if to.len() > 1 { to.trim_end_matches('/') } else { to };
    Ok(MapRule { from: from.to_owned(), to: to.to_owned() })
}

/// How problems are printed for a user in the folder `current`.
fn problem_style(current: &Path) -> ProblemStyle {
    if env::var_os("GITHUB_ACTIONS").is_none_or(|value| value != "true") {
        return ProblemStyle::Line;
    }
    let workspace = env::var_os("GITHUB_WORKSPACE").map(PathBuf::from);
    let folder =
        workspace.and_then(|workspace| Some(current.strip_prefix(workspace).ok()?.to_string_lossy().into_owned()));
    let folder = folder.filter(|folder| !folder.is_empty()).map(|folder| format!("{folder}/"));
    ProblemStyle::GithubActions { folder: folder.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{called_from, rule};

    #[test]
    fn a_source_is_called_as_it_was_typed() {
        let called = |folder: &str, context: Option<&str>| {
            String::from_utf8(called_from(Path::new("/home/u"), Path::new(folder), context.map(Path::new))).unwrap()
        };
        for (folder, name) in [
            ("testapp", "testapp"),
            ("./testapp/", "testapp"),
            (".", ""),
            ("../x", "../x"),
            ("/home/u/testapp", "testapp"),
            ("/home/u", ""),
            ("/home/user/x", "/home/user/x"),
            ("a\nb", "a?b"),
            ("", ""),
        ] {
            assert_eq!(called(folder, None), name, "{folder:?}");
        }
        assert_eq!(called("app", Some("/web/./front")), "app/web/front");
        assert_eq!(called(".", Some("web")), "web");
    }

    #[test]
    fn rules_have_two_sides() {
        let parsed = |text| rule(text).map(|rule| (rule.from, rule.to)).ok();
        let pair = |from: &str, to: &str| Some((from.to_owned(), to.to_owned()));
        assert_eq!(parsed("/opt/app/=web/"), pair("/opt/app", "web"));
        assert_eq!(parsed("/opt/app=./web=x"), pair("/opt/app", "web=x"));
        assert_eq!(parsed("/a=."), pair("/a", "."));
        assert_eq!(parsed("/a=./"), pair("/a", "."));
        assert_eq!(parsed("/a=/"), pair("/a", "/"));
        for text in ["", "/a", "a=b", "=b", "/=b", "/a=", "/a=x\ny"] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
    }
}
