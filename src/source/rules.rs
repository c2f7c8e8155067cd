//! Which paths of the source are sent. One matcher serves whole walks, walks through single folders, and single paths, so
//! that they agree.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ignore::gitignore::GitignoreBuilder;
use ignore::overrides::{Override, OverrideBuilder};
use ignore::{IncrementalIgnore, Match, WalkBuilder};

use crate::error::Error;

/// The name of ignore files, at any depth of the source, with rules in the syntax of gitignore that only we read.
pub const OWN_IGNORE_FILE: &str = ".s2iignore";

/// How symbolic links are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkPolicy {
    /// As links, with a warning for those that lead out of the source.
    #[default]
    Kept,
    /// As links without a warning, as the user asked for that.
    KeptKnowingly,
    /// As what they point to.
    Followed,
}

/// Which files the user wants to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Whether what git would ignore is left out.
    pub gitignore: bool,
    /// Globs of paths to leave out, even if they are included.
    pub exclude: Vec<String>,
    /// Globs of paths to send even if an ignore file names them.
    pub include: Vec<String>,
    pub links: LinkPolicy,
}

/// What the rules say about one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Sent,
    /// A folder that is left out, but `--include` names something below it.
    Descend,
    Ignored,
    /// Git's own folder or file, which is left out and never reported.
    Git,
}

/// The rules as they were when this was made; after an ignore file has changed, new rules have to be made.
pub struct Rules {
    matcher: IncrementalIgnore,
    include: Includes,
    /// Whether links are sent as what they point to.
    pub follow: bool,
}

impl Rules {
    /// Rules for the source below `root`, an absolute path.
    ///
    /// # Errors
    /// When a glob cannot be parsed.
    pub fn new(root: &Path, selection: &Selection) -> Result<Self> {
        let git = selection.gitignore;
        let mut walk = WalkBuilder::new(root);
        walk.hidden(false).require_git(false).git_ignore(git).git_global(git).git_exclude(git);
        walk.add_custom_ignore_filename(OWN_IGNORE_FILE);
        if !selection.exclude.is_empty() {
            let excluded: Vec<_> = selection.exclude.iter().map(|glob| format!("!{glob}")).collect();
            walk.overrides(globs(root, &excluded, "--exclude")?);
        }
        let mut matchers = walk.build_matchers();
        let include = Includes {
            all: globs(root, &selection.include, "--include")?,
            excluded: globs(root, &selection.exclude, "--exclude")?,
            parents: parents(root, &selection.include)?,
        };
        let follow = selection.links == LinkPolicy::Followed;
        Ok(Self { matcher: matchers.remove(0), include, follow })
    }

    /// What the rules say about the entry at `path`, relative to the root, whose parents are all sent or descended into.
    pub fn verdict(&mut self, path: &Path, is_dir: bool) -> Verdict {
        if path.file_name().is_some_and(|name| name == ".git") {
            return Verdict::Git;
        }
        if !self.matcher.matched(path, is_dir).is_ignore() || self.include.includes(path, is_dir) {
            return Verdict::Sent;
        }
        if is_dir && self.include.includes_below(path) { Verdict::Descend } else { Verdict::Ignored }
    }
}

/// A line of an ignore file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub file: PathBuf,
    /// The number of the line, from 1.
    pub line: usize,
    pub text: String,
}

/// The rule of an ignore file that hides `path`, relative to `root`; `None` when something else hides it.
pub fn hidden_by(root: &Path, path: &Path) -> Option<Rule> {
    let absolute = root.join(path);
    let is_folder = absolute.is_dir();
    let work_tree = root.ancestors().find(|folder| folder.join(".git").exists());
    let in_folders = absolute.ancestors().skip(1).flat_map(|folder| {
        [OWN_IGNORE_FILE, ".ignore", ".gitignore"].map(|name| (folder.to_owned(), folder.join(name)))
    });
    let git = work_tree.map(|top| (top.to_owned(), top.join(".git/info/exclude")));
    let global = ignore::gitignore::gitconfig_excludes_path().map(|file| (root.to_owned(), file));
    in_folders.chain(git).chain(global).find_map(|(folder, file)| {
        let mut builder = GitignoreBuilder::new(&folder);
        if !file.is_file() || builder.add(&file).is_some() {
            return None;
        }
        let rules = builder.build().ok()?;
        let Match::Ignore(glob) = rules.matched_path_or_any_parents(&absolute, is_folder) else { return None };
        let text = glob.original().to_owned();
        let content = std::fs::read_to_string(&file).ok()?;
        let line = content.lines().position(|line| line.trim_end() == text)? + 1;
        Some(Rule { file, line, text })
    })
}

/// The `--include` globs, and what limits them.
struct Includes {
    all: Override,
    excluded: Override,
    /// For each glob with a slash, the folders that lead to it.
    parents: Override,
}

impl Includes {
    /// Whether a glob matches the path, or a folder that contains it.
    fn includes(&self, path: &Path, is_dir: bool) -> bool {
        if self.all.is_empty() || self.excluded.matched(path, is_dir).is_whitelist() {
            return false;
        }
        let folders = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
        self.all.matched(path, is_dir).is_whitelist()
            || folders.into_iter().any(|folder| self.all.matched(folder, true).is_whitelist())
    }

    /// Whether a glob may match something below a folder.
    fn includes_below(&self, path: &Path) -> bool {
        self.parents.matched(path, true).is_whitelist() && !self.excluded.matched(path, true).is_whitelist()
    }
}

/// Compiles globs that were given to `option`.
fn globs(root: &Path, globs: &[String], option: &str) -> Result<Override> {
    let mut builder = OverrideBuilder::new(root);
    for glob in globs {
        builder.add(glob).map_err(|error| {
            let glob = glob.trim_start_matches('!');
            Error::usage(format!("`{option} {glob}` is not a valid glob"))
                .because(error)
                .hint("globs are those of .gitignore: `*.log`, `/dist`, `docs/**/*.pdf`")
        })?;
    }
    builder.build().context("cannot combine the globs")
}

/// The folders that lead to the globs: for `dist/js/*.js` these are `dist` and `dist/js`, which are entered even when they
/// are ignored. A glob without a slash has none: it would have to be searched for in all ignored folders, and not to walk
/// through them is what ignoring is for.
fn parents(root: &Path, include: &[String]) -> Result<Override> {
    let mut folders = Vec::new();
    for glob in include {
        let trimmed = glob.trim_matches('/');
        let mut folder = PathBuf::new();
        let parts: Vec<_> = trimmed.split('/').collect();
        for part in &parts[..parts.len() - 1] {
            folder.push(part);
            folders.push(format!("/{}", folder.display()));
        }
    }
    globs(root, &folders, "--include")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{LinkPolicy, Rules, Selection, Verdict};

    fn rules(files: &[(&str, &str)], include: &[&str], exclude: &[&str]) -> (tempfile::TempDir, Rules) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let own = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect();
        let selection =
            Selection { gitignore: true, include: own(include), exclude: own(exclude), links: LinkPolicy::Kept };
        let rules = Rules::new(dir.path(), &selection).unwrap();
        (dir, rules)
    }

    #[test]
    fn ignore_files_count_outside_a_repository_and_dotfiles_are_sent() {
        let (_dir, mut rules) = rules(&[(".gitignore", "*.log\n"), (".s2iignore", "!keep.log\n/build\n")], &[], &[]);
        assert_eq!(rules.verdict(Path::new("a.log"), false), Verdict::Ignored);
        assert_eq!(rules.verdict(Path::new("keep.log"), false), Verdict::Sent);
        assert_eq!(rules.verdict(Path::new("build"), true), Verdict::Ignored);
        assert_eq!(rules.verdict(Path::new(".env"), false), Verdict::Sent);
        assert_eq!(rules.verdict(Path::new("sub/.git"), true), Verdict::Git);
    }

    #[test]
    fn an_include_brings_back_what_it_names_and_nothing_else() {
        let (_dir, mut rules) = rules(&[(".gitignore", "dist/\n*.log\n")], &["dist/js/*.js", "seen.log"], &[]);
        assert_eq!(rules.verdict(Path::new("dist"), true), Verdict::Descend);
        assert_eq!(rules.verdict(Path::new("dist/js"), true), Verdict::Descend);
        assert_eq!(rules.verdict(Path::new("dist/js/a.js"), false), Verdict::Sent);
        assert_eq!(rules.verdict(Path::new("dist/css"), true), Verdict::Ignored);
        assert_eq!(rules.verdict(Path::new("sub/seen.log"), false), Verdict::Sent);
        assert_eq!(rules.verdict(Path::new("sub/other.log"), false), Verdict::Ignored);
    }

    #[test]
    fn an_included_folder_comes_whole_but_for_what_is_excluded() {
        let (_dir, mut rules) = rules(&[(".gitignore", "dist/\n")], &["dist"], &["*.map"]);
        assert_eq!(rules.verdict(Path::new("dist"), true), Verdict::Sent);
        assert_eq!(rules.verdict(Path::new("dist/deep/a.js"), false), Verdict::Sent);
        assert_eq!(rules.verdict(Path::new("dist/deep/a.map"), false), Verdict::Ignored);
    }

    #[test]
    fn the_rule_that_hides_a_file_is_found() {
        let (dir, _) =
            rules(&[(".gitignore", "# logs\n*.log\n"), ("sub/.s2iignore", "/tmp\n"), ("sub/tmp/a", "")], &[], &[]);
        let found =
            |path: &str| super::hidden_by(dir.path(), Path::new(path)).map(|rule| (rule.file, rule.line, rule.text));
        assert_eq!(found("sub/x.log"), Some((dir.path().join(".gitignore"), 2, "*.log".to_owned())));
        assert_eq!(found("sub/tmp/a"), Some((dir.path().join("sub/.s2iignore"), 1, "/tmp".to_owned())));
        assert_eq!(found("sub/y"), None);
    }

    #[test]
    fn a_glob_that_can_not_be_parsed_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let selection = Selection { exclude: vec!["a[".to_owned()], ..Selection::default() };
        let Err(error) = Rules::new(dir.path(), &selection) else { panic!("`a[` was taken") };
        assert!(error.to_string().contains("--exclude a["), "{error}");
    }
}
