//! Hearing of changes: which folders are watched, and what events say. An event only says where to look again.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind, RemoveKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::debounce::{Burst, FEW};
use crate::source::rules::OWN_IGNORE_FILE;

/// With more different paths than this in one burst, everything is looked at.
const PATHS_LIMIT: usize = 5000;

/// Names of files with ignore rules, at any depth.
const RULE_FILES: [&str; 3] = [".gitignore", ".ignore", OWN_IGNORE_FILE];

/// What events told since they were last taken.
#[derive(Debug, Default)]
pub struct Heard {
    /// Absolute paths, and what happened to each last.
    pub paths: HashMap<PathBuf, Happened>,
    /// Anything may have changed: events were lost, or rules changed.
    pub everything: bool,
    /// Events were lost.
    pub lost: bool,
    span: Option<(Instant, Instant)>,
}

/// What happened to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// It was written to, and may be written to still.
    Written,
    /// It is as somebody wants it for now.
    Finished,
    /// It came or went; if it is a folder, then with all in it.
    Moved,
}

impl Heard {
    /// The burst of events, if there were any.
    pub fn burst(&self) -> Option<Burst> {
        let (first, last) = self.span?;
        let finished = !self.everything && self.paths.values().all(|what| *what != Happened::Written);
        Some(Burst { first, last, paths: self.paths.len(), finished })
    }

    fn note(&mut self, now: Instant) {
        let first = self.span.map_or(now, |(first, _)| first);
        self.span = Some((first, now));
    }
}

/// The watches, and what they told.
pub struct Files {
    root: PathBuf,
    heard: Arc<Mutex<Heard>>,
    watcher: Option<RecommendedWatcher>,
    armed: HashSet<PathBuf>,
    /// Files elsewhere with rules that count here.
    rules: Arc<Vec<PathBuf>>,
    trouble: Option<Trouble>,
}

/// Why events can not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The system lets this user watch no more folders.
    Folders,
    /// It lets this user have no more watchers, or this process no more open files.
    Watchers,
    Other(String),
}

impl Files {
    /// Watches nothing yet. `wake` is called on another thread, at the first event after each
    /// [`take`](Self::take), and when a save may be over.
    pub fn new(root: &Path, wake: impl Fn() + Send + Sync + Clone + 'static) -> Self {
        let rules = Arc::new(rules_elsewhere(root));
        let heard = Arc::new(Mutex::new(Heard::default()));
        let mut files =
            Self { root: root.to_owned(), heard, watcher: None, armed: HashSet::new(), rules, trouble: None };
        files.start(wake);
        files
    }

    /// Starts over with no watch, after something made those there are useless.
    pub fn start(&mut self, wake: impl Fn() + Send + Sync + 'static) {
        self.watcher = None;
        self.armed.clear();
        self.trouble = None;
        let ear = Ear { root: self.root.clone(), heard: self.heard.clone(), rules: self.rules.clone() };
        let handler = move |event: notify::Result<notify::Event>| {
            if ear.hear(event) {
                wake();
            }
        };
        match notify::recommended_watcher(handler) {
            Ok(watcher) => self.watcher = Some(watcher),
            Err(error) => self.trouble = Some(trouble(&error)),
        }
        // Who removes and makes the root again is seen from above.
        let outside = self.rules.iter().filter_map(|file| file.parent()).chain(self.root.parent());
        let outside: HashSet<PathBuf> = outside.map(Path::to_owned).collect();
        for folder in outside {
            self.watch(&folder, RecursiveMode::NonRecursive);
        }
    }

    /// Gives up watching: somebody looks at everything now and then.
    pub fn stop(&mut self) {
        self.watcher = None;
        self.armed.clear();
    }

    /// Has events of a folder's entries told from now on.
    pub fn arm(&mut self, folder: &Path) {
        // Where a watch goes as deep as the tree, it filters better than it could be steered.
        let recursive = !cfg!(target_os = "linux");
        if recursive && folder != self.root {
            return;
        }
        let mode = if recursive { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        if self.watcher.is_some() && self.trouble.is_none() && self.armed.insert(folder.to_owned()) {
            self.watch(folder, mode);
        }
    }

    /// Forgets watches of a path and below, which may belong to something else by now.
    pub fn disarm(&mut self, path: &Path) {
        self.armed.retain(|armed| !armed.starts_with(path));
    }

    /// Has every folder watched again when it is next looked at: which of them were replaced meanwhile is not known.
    pub fn disarm_all(&mut self) {
        self.armed.clear();
    }

    /// Takes what was heard.
    pub fn take(&mut self) -> Heard {
        std::mem::take(&mut *self.lock())
    }

    /// The burst of what was heard and not yet taken.
    pub fn burst(&self) -> Option<Burst> {
        self.lock().burst()
    }

    /// Has everything looked at the next time.
    pub fn doubt(&mut self) {
        self.lock().everything = true;
    }

    /// Whether events can not be had, and why.
    pub fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    pub fn armed(&self) -> usize {
        self.armed.len()
    }

    fn watch(&mut self, folder: &Path, mode: RecursiveMode) {
        let Some(watcher) = &mut self.watcher else { return };
        if let Err(error) = watcher.watch(folder, mode) {
            self.armed.remove(folder);
            // What is gone meanwhile is told by the folder above.
            if !matches!(error.kind, notify::ErrorKind::PathNotFound) && folder.exists() {
                self.trouble = Some(trouble(&error));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().expect("nobody panics while holding this lock")
    }
}

fn trouble(error: &notify::Error) -> Trouble {
    let is = |limit: rustix::io::Errno| match &error.kind {
        notify::ErrorKind::Io(error) => error.raw_os_error() == Some(limit.raw_os_error()),
        _ => false,
    };
    if matches!(error.kind, notify::ErrorKind::MaxFilesWatch) || is(rustix::io::Errno::NOSPC) {
        Trouble::Folders
    } else if is(rustix::io::Errno::MFILE) {
        Trouble::Watchers
    } else {
        Trouble::Other(error.to_string())
    }
}

/// Who hears events.
struct Ear {
    root: PathBuf,
    heard: Arc<Mutex<Heard>>,
    rules: Arc<Vec<PathBuf>>,
}

impl Ear {
    /// Notes an event. True when somebody should know now: it is the first one to be taken, or the end of a save.
    fn hear(&self, event: notify::Result<notify::Event>) -> bool {
        let Ok(event) = event else { return self.note(|heard| (heard.everything, heard.lost) = (true, true)) };
        // A queue that overflowed tells no path.
        if event.need_rescan() {
            return self.note(|heard| (heard.everything, heard.lost) = (true, true));
        }
        let Some(what) = happened(event.kind) else { return false };
        let mut first = false;
        for path in event.paths {
            first |= self.hear_path(path, what);
        }
        first
    }

    fn hear_path(&self, path: PathBuf, what: Happened) -> bool {
        if self.changes_rules(&path) || path == self.root {
            return self.note(|heard| heard.everything = true);
        }
        if !path.starts_with(&self.root) {
            return false;
        }
        let mut over = false;
        let first = self.note(|heard| {
            // Attributes of a file that is being written are no end of the writing.
            let last = heard.paths.entry(path).or_insert(what);
            if *last != Happened::Moved || what == Happened::Moved {
                *last = what;
            }
            if heard.paths.len() > PATHS_LIMIT {
                heard.paths.clear();
                heard.everything = true;
            }
            // What looked like a save that goes on may look like one that is over.
            over = what != Happened::Written && heard.paths.len() <= FEW;
        });
        first || over
    }

    fn changes_rules(&self, path: &Path) -> bool {
        let named = path.file_name().is_some_and(|name| RULE_FILES.iter().any(|file| name == *file));
        named && path.starts_with(&self.root) || self.rules.iter().any(|file| file == path)
    }

    fn note(&self, change: impl FnOnce(&mut Heard)) -> bool {
        let mut heard = self.heard.lock().expect("nobody panics while holding this lock");
        let first = heard.span.is_none();
        change(&mut heard);
        heard.note(Instant::now());
        first
    }
}

/// What an event says of its paths; `None` for those that only read.
fn happened(kind: EventKind) -> Option<Happened> {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Happened::Finished),
        EventKind::Access(_) => None,
        EventKind::Create(CreateKind::Folder) | EventKind::Remove(RemoveKind::Folder) => Some(Happened::Moved),
        EventKind::Modify(ModifyKind::Name(_)) | EventKind::Remove(_) => Some(Happened::Moved),
        EventKind::Modify(ModifyKind::Metadata(_)) => Some(Happened::Finished),
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Any | EventKind::Other => Some(Happened::Written),
    }
}

/// Files outside the root whose rules count in it: of folders above that belong to the same work tree or have rules
/// now, git's own list, and the user's global one.
fn rules_elsewhere(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let work_tree = root.ancestors().find(|folder| folder.join(".git").exists());
    for folder in root.ancestors().skip(1) {
        let inside = work_tree.is_some_and(|top| folder.starts_with(top));
        let names = RULE_FILES.iter().map(|name| folder.join(name));
        files.extend(names.filter(|file| inside || file.exists()));
    }
    files.extend(work_tree.and_then(git_folder).map(|git| git.join("info/exclude")));
    files.extend(ignore::gitignore::gitconfig_excludes_path());
    files.retain(|file| file.parent().is_some_and(Path::is_dir));
    files
}

/// The folder where git keeps what belongs to a work tree; in a linked one, `.git` is a file that names it.
pub fn git_folder(work_tree: &Path) -> Option<PathBuf> {
    let git = work_tree.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let text = fs::read_to_string(&git).ok()?;
    Some(work_tree.join(text.strip_prefix("gitdir:")?.trim()))
}

/// Whether a path is one of git's own.
pub fn is_git(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == OsStr::new(".git"))
}

#[cfg(test)]
mod tests {
    use super::{Ear, Happened, Heard, happened};
    use notify::event::{AccessKind, AccessMode, DataChange, EventKind, Flag, ModifyKind, RenameMode};
    use notify::{Event, event::CreateKind};
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex};

    fn ear() -> (Ear, Arc<Mutex<Heard>>) {
        let heard = Arc::new(Mutex::new(Heard::default()));
        let rules = Arc::new(vec![PathBuf::from("/home/.gitignore")]);
        (Ear { root: "/home/src".into(), heard: heard.clone(), rules }, heard)
    }

    fn event(kind: EventKind, path: &str) -> notify::Result<Event> {
        Ok(Event::new(kind).add_path(path.into()))
    }

    const WRITE: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    const CLOSE: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));

    #[test]
    fn reading_is_no_event() {
        let (ear, heard) = ear();
        assert!(!ear.hear(event(EventKind::Access(AccessKind::Open(AccessMode::Any)), "/home/src/a")));
        assert!(heard.lock().unwrap().burst().is_none());
    }

    #[test]
    fn a_file_is_finished_when_it_is_closed_or_moved_into_place() {
        let (ear, heard) = ear();
        assert!(ear.hear(event(WRITE, "/home/src/a")));
        assert!(!heard.lock().unwrap().burst().unwrap().finished);
        assert!(ear.hear(event(CLOSE, "/home/src/a")));
        ear.hear(event(EventKind::Modify(ModifyKind::Name(RenameMode::To)), "/home/src/b"));
        let burst = heard.lock().unwrap().burst().unwrap();
        assert!(burst.finished && burst.paths == 2);
    }

    #[test]
    fn an_overflow_has_no_path_and_doubts_everything() {
        let (ear, heard) = ear();
        assert!(ear.hear(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan))));
        assert!(heard.lock().unwrap().everything && heard.lock().unwrap().lost);
    }

    #[test]
    fn rules_and_the_root_itself_change_everything_and_neighbours_nothing() {
        for path in ["/home/src/sub/.gitignore", "/home/src/.s2iignore", "/home/.gitignore", "/home/src"] {
            let (ear, heard) = ear();
            ear.hear(event(CLOSE, path));
            assert!(heard.lock().unwrap().everything, "{path}");
        }
        let (ear, heard) = ear();
        assert!(!ear.hear(event(CLOSE, "/home/other")));
        assert!(heard.lock().unwrap().burst().is_none());
    }

    #[test]
    fn folders_come_and_go_whole() {
        assert_eq!(happened(EventKind::Create(CreateKind::Folder)), Some(Happened::Moved));
        assert_eq!(happened(EventKind::Create(CreateKind::File)), Some(Happened::Written));
    }
}
