//! Which paths of the source are sent: what git would take, less what the user leaves out. One matcher serves whole walks,
//! walks through single folders, and single paths, so that they agree.
//!
//! A path is asked about from the strongest rule to the weakest: `--exclude`, `.s2iignore`, `.ignore`, `.gitignore`, git's
//! `info/exclude` and its global file, and last the names that only editors give. What git tracks is never ignored by the
//! rules from `.ignore` on. The rules of a repository end at its top folder, and where the next one begins.

mod editor_files;
pub mod explain;
mod globs;
mod layer;
mod repository;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use super::read_error::unreadable;
use super::rule_file::{Match, RuleFault, RuleFile, RuleLine};
use super::snapshot::parent;
use crate::cancel::Cancel;
use crate::git::work_tree::{git_folder, work_tree_of};
use globs::Globs;
use layer::Layer;
use repository::{Memory, Repository, below, path};

/// The name of ignore files, at any depth of the source, with rules in the syntax of gitignore that only we read.
pub const OWN_IGNORE_FILE: &str = ".s2iignore";

/// The name of ignore files that tools for searching read.
const SEARCH_IGNORE_FILE: &str = ".ignore";

const GIT_IGNORE_FILE: &str = ".gitignore";

/// The names of all files with ignore rules, at any depth.
pub const RULE_FILES: [&str; 3] = [GIT_IGNORE_FILE, SEARCH_IGNORE_FILE, OWN_IGNORE_FILE];

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
    /// Whether what git would ignore, or `.ignore` names, is left out.
    pub gitignore: bool,
    /// Whether files with names that only editors give are left out.
    pub editor_files: bool,
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
    /// A folder that is left out, but something below it is sent: what `--include` names, or what git tracks.
    Descend,
    Ignored,
    /// Git's own folder or file, or a file that an editor writes beside another one: left out and never reported.
    Unlisted,
}

/// What hides a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hidden {
    No,
    /// `--exclude` or `.s2iignore`.
    ByUser,
    /// Git's rules, or `.ignore`.
    ByGit,
    ByEditorName,
}

/// The rules as they were when this was made or renewed; after an ignore file has changed, they have to be renewed.
pub struct Rules {
    root: PathBuf,
    /// The top of all rules: that of the work tree that contains the source, else the source.
    top: PathBuf,
    /// The path of the source, relative to the top.
    source: Box<[u8]>,
    gitignore: bool,
    editor_files: bool,
    globs: Globs,
    /// Whether links are sent as what they point to.
    pub follow: bool,
    /// What counts in a folder, by its path relative to the top.
    folders: HashMap<Box<[u8]>, Arc<Folder>>,
    /// The repositories that were met.
    repositories: Vec<Arc<Repository>>,
    memory: Memory,
    /// What keeps rule files, or lines of them, from having a meaning, by file.
    faults: BTreeMap<PathBuf, Vec<String>>,
    /// A rule file that cannot be read.
    unreadable: Option<(PathBuf, io::Error)>,
}

/// What counts for the entries of a folder.
#[derive(Clone)]
struct Folder {
    own: Option<Arc<Layer>>,
    search: Option<Arc<Layer>>,
    git: Option<Arc<Layer>>,
    repository: Option<Arc<Repository>>,
    /// The path of the repository's top folder, relative to the top of all rules.
    repository_path: Box<[u8]>,
    /// Whether letters match in either case.
    fold: bool,
    /// Whether the folder itself is hidden, and with it all that is not sent for another reason.
    hidden: Hidden,
}

impl Rules {
    /// Rules for the source below `root`, an absolute path. Questions to git end when `cancel` is triggered.
    ///
    /// # Errors
    /// When a glob cannot be parsed.
    pub fn new(root: &Path, selection: &Selection, cancel: Cancel) -> Result<Self> {
        let mut rules = Self {
            root: root.to_owned(),
            top: root.to_owned(),
            source: Box::default(),
            gitignore: selection.gitignore,
            editor_files: selection.editor_files,
            globs: Globs::new(root, &selection.include, &selection.exclude)?,
            follow: selection.links == LinkPolicy::Followed,
            folders: HashMap::new(),
            repositories: Vec::new(),
            memory: Memory::new(cancel),
            faults: BTreeMap::new(),
            unreadable: None,
        };
        rules.renew();
        Ok(rules)
    }

    /// Makes these the rules for the source below `root`, an absolute path, from now on.
    pub fn move_to(&mut self, root: &Path) {
        root.clone_into(&mut self.root);
        self.faults.clear();
        self.renew();
    }

    /// Forgets what rule files said, so that they are read again. What git said is kept as long as it holds.
    pub fn renew(&mut self) {
        self.folders.clear();
        self.repositories.clear();
        self.unreadable = None;
        self.faults.retain(|file, _| file.exists());
        self.top = work_tree_of(&self.root).unwrap_or(&self.root).to_owned();
        let source = self.root.strip_prefix(&self.top).unwrap_or(Path::new(""));
        self.source = source.as_os_str().as_bytes().into();
    }

    /// What the rules say about the entry at `path`, relative to the root, whose parents are all sent or descended into.
    pub fn verdict(&mut self, path: &Path, is_folder: bool) -> Verdict {
        if path.file_name().is_some_and(|name| name == ".git") {
            return Verdict::Unlisted;
        }
        let full = self.below_top(path);
        let folder = self.folder(parent(&full));
        let hidden = self.hidden(&folder, path, &full, is_folder).0;
        if hidden == Hidden::No || self.globs.includes(path, is_folder) {
            return Verdict::Sent;
        }
        if is_folder
            && (self.globs.includes_below(path) || hidden == Hidden::ByGit && self.tracks_below(&folder, &full))
        {
            return Verdict::Descend;
        }
        if hidden == Hidden::ByEditorName { Verdict::Unlisted } else { Verdict::Ignored }
    }

    /// The rule that hides `path`, relative to the root; `None` when something else hides it, or nothing does.
    pub fn rule_about(&mut self, path: &Path) -> Option<RuleLine> {
        let is_folder = self.root.join(path).is_dir();
        let mut steps: Vec<&Path> = path.ancestors().filter(|step| !step.as_os_str().is_empty()).collect();
        steps.reverse();
        for step in steps {
            let full = self.below_top(step);
            let folder = self.folder(parent(&full));
            let (hidden, rule) = self.hidden(&folder, step, &full, is_folder || step != path);
            if hidden != Hidden::No {
                return rule.map(|rule| rule.line());
            }
        }
        None
    }

    /// What is wrong with rule files, and what git could not say, each as a sentence.
    ///
    /// # Errors
    /// When a rule file in the source cannot be read: what it leaves out is not known.
    pub fn faults(&mut self) -> Result<Vec<String>> {
        if let Some((file, error)) = self.unreadable.take() {
            return Err(unreadable(&file, error));
        }
        Ok(self.faults.values().flatten().cloned().chain(self.memory.faults()).collect())
    }

    /// Whether git tracks other files than when it was asked. They are known after the rules were renewed.
    pub fn tracked_changed(&mut self) -> bool {
        let Self { repositories, memory, .. } = self;
        repositories.iter().any(|repository| memory.tracks_others(repository))
    }

    /// The files outside of the source with rules that count in it.
    pub fn files_elsewhere(&mut self) -> Vec<PathBuf> {
        let source = self.source.clone();
        let folder = self.folder(&source);
        let above = self.root.ancestors().skip(1).take_while(|above| above.starts_with(&self.top));
        let mut files: Vec<_> = above.flat_map(|above| RULE_FILES.map(|name| above.join(name))).collect();
        files.extend(folder.repository.iter().map(|repository| repository.exclude_file()));
        let settings = match &folder.repository {
            Some(repository) => repository.settings.clone(),
            None => self.memory.settings_outside(&self.root),
        };
        files.extend(settings.excludes_file.clone());
        files
    }

    /// The files in which git keeps which files it tracks, of all repositories that were met.
    pub fn indexes(&self) -> impl Iterator<Item = PathBuf> {
        self.repositories.iter().map(|repository| repository.index())
    }

    fn below_top(&self, path: &Path) -> Vec<u8> {
        let path = path.as_os_str().as_bytes();
        if self.source.is_empty() { path.to_owned() } else { [&self.source, path].join(&b'/') }
    }

    /// What hides an entry of `folder`, and by which rule if it is one. `path` is relative to the root, `full` to the top.
    fn hidden<'f>(
        &mut self,
        folder: &'f Folder,
        path: &Path,
        full: &[u8],
        is_folder: bool,
    ) -> (Hidden, Option<Match<'f>>) {
        if folder.hidden == Hidden::ByUser || self.globs.excludes(path, is_folder) {
            return (Hidden::ByUser, None);
        }
        let rule_in = |layer: &'f Option<Arc<Layer>>| layer.as_ref()?.last_match(full, is_folder, folder.fold);
        let own = rule_in(&folder.own);
        if own.is_some_and(|rule| rule.hides()) {
            return (Hidden::ByUser, own);
        }
        let rule = own.or_else(|| rule_in(&folder.search)).or_else(|| rule_in(&folder.git));
        if folder.hidden == Hidden::ByGit || rule.is_some_and(|rule| rule.hides()) {
            return if self.tracks(folder, full) { (Hidden::No, None) } else { (Hidden::ByGit, rule) };
        }
        let is_editor_file = || {
            let name = full.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            self.editor_files && !is_folder && rule.is_none() && editor_files::is_editor_file(name)
        };
        if is_editor_file() && !self.tracks(folder, full) {
            return (Hidden::ByEditorName, None);
        }
        (Hidden::No, None)
    }

    /// Whether git tracks a path, relative to the top, in the repository that counts in `folder`.
    fn tracks(&mut self, folder: &Folder, full: &[u8]) -> bool {
        let Some(repository) = &folder.repository else { return false };
        let tracked = repository.tracked(&mut self.memory);
        tracked.is_some_and(|tracked| tracked.has(below(&folder.repository_path, full)))
    }

    fn tracks_below(&mut self, folder: &Folder, full: &[u8]) -> bool {
        let Some(repository) = &folder.repository else { return false };
        let tracked = repository.tracked(&mut self.memory);
        tracked.is_some_and(|tracked| tracked.has_below(below(&folder.repository_path, full)))
    }

    /// What counts in the folder at `full`, relative to the top.
    fn folder(&mut self, full: &[u8]) -> Arc<Folder> {
        if let Some(known) = self.folders.get(full) {
            return known.clone();
        }
        let mut folder = if full.is_empty() {
            self.outside_of_repositories()
        } else {
            let above = self.folder(parent(full));
            let hidden = match full.get(self.source.len() + usize::from(!self.source.is_empty())..) {
                // It is the source, or contains it: whoever names a folder wants it.
                None | Some([]) => Hidden::No,
                Some(in_source) if full.starts_with(&self.source) => self.hidden(&above, path(in_source), full, true).0,
                Some(_) => Hidden::No,
            };
            Folder { hidden, ..(*above).clone() }
        };
        self.enter(full, &mut folder);
        let folder = Arc::new(folder);
        self.folders.insert(full.into(), folder.clone());
        folder
    }

    /// What counts above the top: the user's global rules, where the top is no repository.
    fn outside_of_repositories(&mut self) -> Folder {
        let mut folder = Folder {
            own: None,
            search: None,
            git: None,
            repository: None,
            repository_path: Box::default(),
            fold: false,
            hidden: Hidden::No,
        };
        if self.gitignore && git_folder(&self.top).is_none() {
            let settings = self.memory.settings_outside(&self.top.clone());
            folder.fold = settings.ignore_case;
            folder.git = self.global_rules(b"", settings.excludes_file.as_deref(), settings.ignore_case);
        }
        folder
    }

    /// The rules of git's global file, for the repository with this top folder.
    fn global_rules(&mut self, top: &[u8], file: Option<&Path>, fold: bool) -> Option<Arc<Layer>> {
        let global = file.and_then(|file| self.read(file, true, fold));
        Layer::below(None, top, global)
    }

    /// Adds to what counts in a folder what stands in it.
    fn enter(&mut self, full: &[u8], folder: &mut Folder) {
        let absolute = if full.is_empty() { self.top.clone() } else { self.top.join(path(full)) };
        if self.gitignore
            && let Some(git_folder) = git_folder(&absolute)
        {
            let repository = self.memory.repository(absolute.clone(), git_folder);
            folder.fold = repository.settings.ignore_case;
            let global = self.global_rules(full, repository.settings.excludes_file.as_deref(), folder.fold);
            let own_exclude = self.read(&repository.exclude_file(), true, folder.fold);
            folder.git = Layer::below(global, full, own_exclude);
            let repository = Arc::new(repository);
            self.repositories.push(repository.clone());
            folder.repository = Some(repository);
            folder.repository_path = full.into();
        }
        let own = self.read(&absolute.join(OWN_IGNORE_FILE), true, folder.fold);
        folder.own = Layer::below(folder.own.take(), full, own);
        if self.gitignore {
            let search = self.read(&absolute.join(SEARCH_IGNORE_FILE), true, folder.fold);
            folder.search = Layer::below(folder.search.take(), full, search);
            let git = self.read(&absolute.join(GIT_IGNORE_FILE), false, folder.fold);
            folder.git = Layer::below(folder.git.take(), full, git);
        }
    }

    /// Reads a rule file, and notes what is wrong with it.
    fn read(&mut self, file: &Path, follow: bool, fold: bool) -> Option<RuleFile> {
        let read = RuleFile::read(file, follow, fold);
        let faults = match &read {
            Ok(Some(rules)) => rules.faults().iter().map(ToString::to_string).collect(),
            Ok(None) => Vec::new(),
            Err(error) => {
                vec![RuleFault { file: file.to_owned(), line: None, cause: error.to_string() }.to_string()]
            }
        };
        if faults.is_empty() {
            self.faults.remove(file);
        } else {
            self.faults.insert(file.to_owned(), faults);
        }
        match read {
            Ok(rules) => rules,
            Err(error) => {
                if file.starts_with(&self.root) && self.unreadable.is_none() {
                    self.unreadable = Some((file.to_owned(), error));
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod git_comparison;
#[cfg(test)]
mod tests;
