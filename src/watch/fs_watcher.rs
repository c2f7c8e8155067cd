//! Events of the file system: which folders are watched, and what events say. An event only says where to look again.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind, RemoveKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::debounce::{Burst, FEW};
use crate::git::work_tree::is_git_path;
use crate::source::rules::RULE_FILES;

/// With more different paths than this in one burst, everything is looked at.
const PATHS_LIMIT: usize = 5000;

/// The name of the file in which git keeps which files it tracks.
const INDEX: &str = "index";

/// What events said since they were last taken.
#[derive(Debug, Default)]
pub struct PendingEvents {
    /// Absolute paths, and what happened to each last.
    pub paths: HashMap<PathBuf, PathEvent>,
    /// Anything may have changed: events were lost, or rules changed.
    pub everything: bool,
    /// Events were lost.
    pub lost: bool,
    /// Git may track other files now.
    pub index: bool,
    span: Option<(Instant, Instant)>,
}

/// What happened to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathEvent {
    /// It was written to, and may be written to still.
    Written,
    /// It was closed, or only its attributes changed: a save that is over.
    Finished,
    /// It came or went; if it is a folder, then with all in it.
    Moved,
}

impl PendingEvents {
    /// The burst of events, if there were any.
    pub fn burst(&self) -> Option<Burst> {
        let (first, last) = self.span?;
        let finished = !self.everything && self.paths.values().all(|what| *what != PathEvent::Written);
        Some(Burst { first, last, paths: self.paths.len(), finished })
    }

    fn note(&mut self, now: Instant) {
        let first = self.span.map_or(now, |(first, _)| first);
        self.span = Some((first, now));
    }
}

/// The watches, and the events that they reported.
pub struct FsWatcher {
    root: PathBuf,
    pending: Arc<Mutex<PendingEvents>>,
    watcher: Option<RecommendedWatcher>,
    armed: HashSet<PathBuf>,
    /// Files elsewhere with rules that count here.
    rules: Arc<Vec<PathBuf>>,
    /// Folders with an index of git.
    git_folders: HashSet<PathBuf>,
    problem: Option<WatchProblem>,
}

/// Why events cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchProblem {
    /// The system lets this user watch no more folders.
    Folders,
    /// It lets this user have no more watchers, or this process no more open files.
    Watchers,
    Other(String),
}

impl FsWatcher {
    /// Watches nothing yet but `rules`, the files elsewhere with rules that count here. `wake` is called on another thread,
    /// at the first event after each [`take`](Self::take), and when a save may be over.
    pub fn new(root: &Path, rules: Vec<PathBuf>, wake: impl Fn() + Send + Sync + Clone + 'static) -> Self {
        let rules = Arc::new(in_folders(rules));
        let pending = Arc::new(Mutex::new(PendingEvents::default()));
        let mut fs_watcher = Self {
            root: root.to_owned(),
            pending,
            watcher: None,
            armed: HashSet::new(),
            rules,
            git_folders: HashSet::new(),
            problem: None,
        };
        fs_watcher.start(wake);
        fs_watcher
    }

    /// Starts over with no watch, after something made those there are useless.
    pub fn start(&mut self, wake: impl Fn() + Send + Sync + 'static) {
        self.watcher = None;
        self.armed.clear();
        self.git_folders.clear();
        self.problem = None;
        let handler =
            EventHandler { root: self.root.clone(), pending: self.pending.clone(), rules: self.rules.clone() };
        let handler = move |event: notify::Result<notify::Event>| {
            if handler.handle(event) {
                wake();
            }
        };
        match notify::recommended_watcher(handler) {
            Ok(watcher) => self.watcher = Some(watcher),
            Err(error) => self.problem = Some(problem(&error)),
        }
        // That the root is removed and made again is seen from above.
        let outside = self.rules.iter().filter_map(|file| file.parent()).chain(self.root.parent());
        let outside: HashSet<PathBuf> = outside.map(Path::to_owned).collect();
        for folder in outside {
            self.watch(&folder, RecursiveMode::NonRecursive);
        }
    }

    /// Watches what is below `root`, and `rules`, from the next [`start`](Self::start) on.
    pub fn move_to(&mut self, root: &Path, rules: Vec<PathBuf>) {
        root.clone_into(&mut self.root);
        self.rules = Arc::new(in_folders(rules));
    }

    /// Gives up watching: everything is looked at now and then instead.
    pub fn stop(&mut self) {
        self.watcher = None;
        self.armed.clear();
    }

    /// Watches the entries of a folder from now on.
    pub fn arm(&mut self, folder: &Path) {
        // Where a watch goes as deep as the tree, it filters better than it could be steered.
        let recursive = !cfg!(target_os = "linux");
        if recursive && folder != self.root {
            return;
        }
        let mode = if recursive { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        if self.watcher.is_some() && self.problem.is_none() && self.armed.insert(folder.to_owned()) {
            self.watch(folder, mode);
        }
    }

    /// Watches these indexes of git.
    pub fn arm_indexes(&mut self, indexes: impl Iterator<Item = PathBuf>) {
        // Elsewhere all below the root is watched anyway, and git's folder is seldom elsewhere.
        for index in indexes {
            let Some(folder) = index.parent() else { continue };
            if self.watcher.is_some() && self.problem.is_none() && self.git_folders.insert(folder.to_owned()) {
                self.watch(folder, RecursiveMode::NonRecursive);
            }
        }
    }

    /// Forgets watches of these paths and below, which may belong to something else by now.
    pub fn disarm(&mut self, paths: &HashSet<PathBuf>) {
        if !paths.is_empty() {
            self.armed.retain(|armed| !armed.ancestors().any(|above| paths.contains(above)));
        }
    }

    /// Has every folder watched again when it is next looked at: which of them were replaced meanwhile is not known.
    pub fn disarm_all(&mut self) {
        self.armed.clear();
        self.git_folders.clear();
    }

    /// Takes the events that came.
    pub fn take(&mut self) -> PendingEvents {
        std::mem::take(&mut *self.lock())
    }

    /// Has everything looked at the next time.
    pub fn look_at_everything_next(&mut self) {
        self.lock().everything = true;
    }

    /// The events that were not taken yet, shared.
    pub fn pending_events(&self) -> Arc<Mutex<PendingEvents>> {
        self.pending.clone()
    }

    /// Whether events cannot be had, and why.
    pub fn problem(&self) -> Option<&WatchProblem> {
        self.problem.as_ref()
    }

    pub fn armed(&self) -> usize {
        self.armed.len()
    }

    fn watch(&mut self, folder: &Path, mode: RecursiveMode) {
        let Some(watcher) = &mut self.watcher else { return };
        if let Err(error) = watcher.watch(folder, mode) {
            self.armed.remove(folder);
            // That it is gone is an event of the folder above.
            if !matches!(error.kind, notify::ErrorKind::PathNotFound) && folder.exists() {
                self.problem = Some(problem(&error));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, PendingEvents> {
        self.pending.lock().expect("no thread panics while it holds this lock")
    }
}

/// Those of the files whose folder is there, and can be watched.
fn in_folders(mut files: Vec<PathBuf>) -> Vec<PathBuf> {
    files.retain(|file| file.parent().is_some_and(Path::is_dir));
    files
}

fn problem(error: &notify::Error) -> WatchProblem {
    let is = |limit: rustix::io::Errno| match &error.kind {
        notify::ErrorKind::Io(error) => error.raw_os_error() == Some(limit.raw_os_error()),
        _ => false,
    };
    if matches!(error.kind, notify::ErrorKind::MaxFilesWatch) || is(rustix::io::Errno::NOSPC) {
        WatchProblem::Folders
    } else if is(rustix::io::Errno::MFILE) {
        WatchProblem::Watchers
    } else {
        WatchProblem::Other(error.to_string())
    }
}

/// Notes events as they come, on the thread of notify.
struct EventHandler {
    root: PathBuf,
    pending: Arc<Mutex<PendingEvents>>,
    rules: Arc<Vec<PathBuf>>,
}

impl EventHandler {
    /// Notes an event. True when it is time to wake: it is the first one to be taken, or the end of a save.
    fn handle(&self, event: notify::Result<notify::Event>) -> bool {
        let Ok(event) = event else { return self.note(|pending| (pending.everything, pending.lost) = (true, true)) };
        // A queue that overflowed tells no path.
        if event.need_rescan() {
            return self.note(|pending| (pending.everything, pending.lost) = (true, true));
        }
        let Some(what) = path_event(event.kind) else { return false };
        let mut first = false;
        for path in event.paths {
            first |= self.handle_path(path, what);
        }
        first
    }

    fn handle_path(&self, path: PathBuf, what: PathEvent) -> bool {
        if self.changes_rules(&path) || path == self.root {
            return self.note(|pending| pending.everything = true);
        }
        if path.strip_prefix(&self.root).map_or(true, is_git_path) {
            // Git writes a new index, and renames it.
            let is_index = path.file_name().is_some_and(|name| name == INDEX);
            return is_index && self.note(|pending| pending.index = true);
        }
        let mut over = false;
        let first = self.note(|pending| {
            // Attributes of a file that is being written are no end of the writing.
            let last = pending.paths.entry(path).or_insert(what);
            if *last != PathEvent::Moved || what == PathEvent::Moved {
                *last = what;
            }
            if pending.paths.len() > PATHS_LIMIT {
                pending.paths.clear();
                pending.everything = true;
            }
            // What looked like a save that goes on may look like one that is over.
            over = what != PathEvent::Written && pending.paths.len() <= FEW;
        });
        first || over
    }

    fn changes_rules(&self, path: &Path) -> bool {
        let named = path.file_name().is_some_and(|name| RULE_FILES.iter().any(|file| name == *file));
        named && path.starts_with(&self.root) || self.rules.iter().any(|file| file == path)
    }

    fn note(&self, change: impl FnOnce(&mut PendingEvents)) -> bool {
        let mut pending = self.pending.lock().expect("no thread panics while it holds this lock");
        let first = pending.span.is_none();
        change(&mut pending);
        pending.note(Instant::now());
        first
    }
}

/// What an event says of its paths; `None` for those that only read.
fn path_event(kind: EventKind) -> Option<PathEvent> {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(PathEvent::Finished),
        EventKind::Access(_) => None,
        EventKind::Create(CreateKind::Folder) | EventKind::Remove(RemoveKind::Folder) => Some(PathEvent::Moved),
        EventKind::Modify(ModifyKind::Name(_)) | EventKind::Remove(_) => Some(PathEvent::Moved),
        EventKind::Modify(ModifyKind::Metadata(_)) => Some(PathEvent::Finished),
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Any | EventKind::Other => Some(PathEvent::Written),
    }
}

#[cfg(test)]
mod tests {
    use super::{EventHandler, FsWatcher, PathEvent, PendingEvents, path_event};
    use notify::event::{AccessKind, AccessMode, DataChange, EventKind, Flag, ModifyKind, RenameMode};
    use notify::{Event, event::CreateKind};
    use std::collections::HashSet;
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex};

    fn handler() -> (EventHandler, Arc<Mutex<PendingEvents>>) {
        let pending = Arc::new(Mutex::new(PendingEvents::default()));
        let rules = Arc::new(vec![PathBuf::from("/home/.gitignore")]);
        (EventHandler { root: "/home/src".into(), pending: pending.clone(), rules }, pending)
    }

    fn event(kind: EventKind, path: &str) -> notify::Result<Event> {
        Ok(Event::new(kind).add_path(path.into()))
    }

    const WRITE: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    const CLOSE: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));

    #[test]
    fn reading_is_no_event() {
        let (handler, pending) = handler();
        assert!(!handler.handle(event(EventKind::Access(AccessKind::Open(AccessMode::Any)), "/home/src/a")));
        assert!(pending.lock().unwrap().burst().is_none());
    }

    #[test]
    fn a_file_is_finished_when_it_is_closed_or_moved_into_place() {
        let (handler, pending) = handler();
        assert!(handler.handle(event(WRITE, "/home/src/a")));
        assert!(!pending.lock().unwrap().burst().unwrap().finished);
        assert!(handler.handle(event(CLOSE, "/home/src/a")));
        handler.handle(event(EventKind::Modify(ModifyKind::Name(RenameMode::To)), "/home/src/b"));
        let burst = pending.lock().unwrap().burst().unwrap();
        assert!(burst.finished && burst.paths == 2);
    }

    #[test]
    fn an_overflow_has_no_path_and_doubts_everything() {
        let (handler, pending) = handler();
        assert!(handler.handle(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan))));
        assert!(pending.lock().unwrap().everything && pending.lock().unwrap().lost);
    }

    #[test]
    fn rules_and_the_root_itself_change_everything_and_neighbours_nothing() {
        for path in ["/home/src/sub/.gitignore", "/home/src/.s2iignore", "/home/.gitignore", "/home/src"] {
            let (handler, pending) = handler();
            handler.handle(event(CLOSE, path));
            assert!(pending.lock().unwrap().everything, "{path}");
        }
        let (handler, pending) = handler();
        assert!(!handler.handle(event(CLOSE, "/home/other")));
        assert!(pending.lock().unwrap().burst().is_none());
    }

    #[test]
    fn folders_come_and_go_whole() {
        assert_eq!(path_event(EventKind::Create(CreateKind::Folder)), Some(PathEvent::Moved));
        assert_eq!(path_event(EventKind::Create(CreateKind::File)), Some(PathEvent::Written));
    }

    #[test]
    fn folders_are_disarmed_with_what_is_below_them() {
        let dir = tempfile::tempdir().unwrap();
        let folders = ["", "a", "a/b", "a/b/c", "ab", "d"].map(|name| dir.path().join(name));
        folders.iter().for_each(|folder| std::fs::create_dir_all(folder).unwrap());
        let mut watcher = FsWatcher::new(dir.path(), Vec::new(), || {});
        folders.iter().for_each(|folder| watcher.arm(folder));
        let before = watcher.armed();
        watcher.disarm(&HashSet::new());
        assert_eq!(watcher.armed(), before);
        watcher.disarm(&["a/b", "d"].map(|name| dir.path().join(name)).into());
        assert_eq!(before - watcher.armed(), if cfg!(target_os = "linux") { 3 } else { 0 });
    }
}
