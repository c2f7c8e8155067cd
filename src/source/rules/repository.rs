//! A repository's part of the rules: what git ignores in all of it, and which files it tracks, which are never ignored.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::cancel::Cancel;
use crate::git::ignore_settings::IgnoreSettings;
use crate::git::tracked::TrackedPaths;
use crate::git::work_tree::common_folder;

/// What tells one state of a file from another: times, size, device and inode; `None` if there is no file.
type Stamp = Option<(i64, i64, i64, i64, u64, u64, u64)>;

/// A repository whose rules count from its top folder down to the next repository.
pub struct Repository {
    pub top: PathBuf,
    /// The folder with git's own files.
    git_folder: PathBuf,
    pub settings: Arc<IgnoreSettings>,
    tracked: OnceLock<Option<Arc<TrackedPaths>>>,
}

impl Repository {
    /// The repository's own file with rules for all of it.
    pub fn exclude_file(&self) -> PathBuf {
        common_folder(&self.git_folder).join("info/exclude")
    }

    /// The file in which git keeps which files it tracks.
    pub fn index(&self) -> PathBuf {
        self.git_folder.join("index")
    }

    /// The files that git tracks; `None` if git cannot say that.
    pub fn tracked(&self, memory: &mut Memory) -> Option<&TrackedPaths> {
        self.tracked.get_or_init(|| memory.tracked(self)).as_deref()
    }
}

/// What git said about repositories, as long as it holds, so that git is not asked at each look.
pub struct Memory {
    cancel: Cancel,
    settings: HashMap<PathBuf, ([Stamp; 2], Arc<IgnoreSettings>)>,
    tracked: HashMap<PathBuf, (Stamp, Result<Arc<TrackedPaths>, String>)>,
}

impl Memory {
    /// Nothing is known yet. Questions to git end when `cancel` is triggered.
    pub fn new(cancel: Cancel) -> Self {
        Self { cancel, settings: HashMap::new(), tracked: HashMap::new() }
    }

    /// The repository with this top folder and this folder with git's own files.
    pub fn repository(&mut self, top: PathBuf, git_folder: PathBuf) -> Repository {
        let stamps =
            [common_folder(&git_folder).join("config"), git_folder.join("config.worktree")].map(|it| stamp(&it));
        let settings = match self.settings.get(&top) {
            Some((known, settings)) if *known == stamps => settings.clone(),
            _ => {
                let settings = Arc::new(IgnoreSettings::ask(&top, &self.cancel));
                self.settings.insert(top.clone(), (stamps, settings.clone()));
                settings
            }
        };
        Repository { top, git_folder, settings, tracked: OnceLock::new() }
    }

    /// The settings of git outside of all repositories.
    pub fn settings_outside(&mut self, folder: &Path) -> Arc<IgnoreSettings> {
        let ask = || ([None; 2], Arc::new(IgnoreSettings::ask(folder, &self.cancel)));
        self.settings.entry(folder.to_owned()).or_insert_with(ask).1.clone()
    }

    fn tracked(&mut self, repository: &Repository) -> Option<Arc<TrackedPaths>> {
        let stamp = stamp(&repository.index());
        // Without an index, nothing is tracked.
        stamp?;
        let known = self.tracked.get(&repository.top).filter(|(known, _)| *known == stamp);
        let answer = match known {
            Some((_, answer)) => answer.clone(),
            None => {
                let asked = TrackedPaths::ask(&repository.top, &self.cancel);
                let answer = asked.map(Arc::new).map_err(|error| format!("{error:#}"));
                self.tracked.insert(repository.top.clone(), (stamp, answer.clone()));
                answer
            }
        };
        answer.ok()
    }

    /// Whether what is known of this repository's tracked files may not hold any more, and then, whether git says something
    /// else now.
    pub fn tracks_others(&mut self, repository: &Repository) -> bool {
        let Some((_, Ok(before))) = self.tracked.get(&repository.top).cloned() else {
            return repository.tracked.get().is_some();
        };
        self.tracked(repository).is_none_or(|now| now != before)
    }

    /// Why git could not say which files it tracks, for each repository where that is so.
    pub fn faults(&self) -> impl Iterator<Item = String> {
        let failed = self.tracked.iter().filter_map(|(top, (_, answer))| Some((top, answer.as_ref().err()?)));
        failed.map(|(top, why)| {
            format!("git does not say which files it tracks in {}, so rules apply to all of them: {why}", top.display())
        })
    }
}

fn stamp(file: &Path) -> Stamp {
    let meta = fs::metadata(file).ok()?;
    let times = (meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec());
    Some((times.0, times.1, times.2, times.3, meta.size(), meta.dev(), meta.ino()))
}

/// The part of a path below the folder with the path `top`; both are relative to the same folder.
pub fn below<'a>(top: &[u8], path: &'a [u8]) -> &'a [u8] {
    if top.is_empty() { path } else { path.get(top.len() + 1..).unwrap_or_default() }
}

/// A path from bytes.
pub fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}
