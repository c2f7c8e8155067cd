//! What the source holds now (the current snapshot), what the build under way or the last one was made of (the built one),
//! and what the image with the tag was made of (the tagged one).

mod changes;
mod follow;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::Result;

use super::compare::{self, ChangeKind, Difference, differences};
use super::decide::input::Comparison;
use super::fs_watcher::{FsWatcher, PathEvent, PendingEvents, WatchProblem};
use super::mounts::{Mount, MountTable};
use super::network_fs::Noticing;
use super::place::Place;
use crate::cancel::Cancel;
use crate::error::Error;
use crate::settings::source::Source;
use crate::source::entry::Entry;
use crate::source::rule_file::RuleLine;
use crate::source::rules::{Rules, Selection, Verdict};
use crate::source::snapshot::{Snapshot, parent};
use crate::source::walk::{DirtyPaths, take_snapshot, update_snapshot};

/// A hidden file that is saved so often is worth a note: twice may be chance.
const HIDDEN_OFTEN: u32 = 3;

/// So many hidden files are counted, which bounds the memory that it takes.
const HIDDEN_LIMIT: usize = 1000;

/// Something to report about looking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Events were lost; everything was looked at.
    Lost,
    /// The source folder is back, or another one is in its place.
    Back,
    /// The source means the folder at this path now.
    Moved(PathBuf),
    /// Something was mounted or unmounted in the source.
    Mounted,
    /// There will be no events.
    Problem(WatchProblem),
    /// The file system does not tell of every change.
    Noticing(Noticing),
    /// No event tells of changes behind the links that are followed.
    LinksFollowed,
    /// A file that rules hide is saved again and again.
    Hidden(PathBuf, Option<RuleLine>),
}

/// Looks at the source and keeps what was seen, for the event loop and for builds alike.
pub struct Tracker {
    source: Source,
    /// The folder that the source meant when it was last looked at.
    place: Place,
    /// The source means no folder now.
    gone: bool,
    /// It came to mean another folder since this was last taken.
    moved: bool,
    rules: Rules,
    fs_watcher: FsWatcher,
    wake: Arc<dyn Fn() + Send + Sync>,
    mount_table: MountTable,
    /// What was mounted at the source and in it.
    mounts: Vec<Mount>,
    /// The numbers of folders may change there.
    renumbers: bool,
    /// How changes are noticed is to be chosen anew.
    choose: bool,
    /// The user wants everything looked at by the clock.
    poll_asked: bool,
    /// Everything is looked at each time.
    polling: bool,
    /// Events wake.
    events: bool,
    current: Snapshot,
    built: Option<Snapshot>,
    tagged: Option<Snapshot>,
    /// A build is under way that takes in what comes.
    open: Arc<AtomicBool>,
    /// Everything is to be looked at the next time, though no event says so.
    doubted: Arc<AtomicBool>,
    /// Events that count were looked at for a standby, and not compared yet.
    uncompared: bool,
    hidden: HashMap<PathBuf, u32>,
    notices: Vec<Notice>,
}

impl Tracker {
    /// Arms all watches, then looks for the first time. `wake` is called when it is time to look again. With `poll_asked`,
    /// no event wakes. Questions to git end when `cancel` is triggered.
    ///
    /// # Errors
    /// A part of the source that cannot be read, a glob that cannot be parsed.
    pub fn new(
        source: &Source,
        selection: &Selection,
        cancel: Cancel,
        poll_asked: bool,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> Result<Self> {
        let ring = wake.clone();
        let place = Place::of(source)?;
        let root = &place.path;
        let mut rules = Rules::new(root, selection, cancel)?;
        let mut tracker = Self {
            source: source.clone(),
            fs_watcher: FsWatcher::new(root, rules.files_elsewhere(), move || ring()),
            rules,
            wake,
            place,
            gone: false,
            moved: false,
            mount_table: MountTable::open(),
            mounts: Vec::new(),
            renumbers: false,
            choose: true,
            poll_asked,
            polling: false,
            events: true,
            current: Snapshot::default(),
            built: None,
            tagged: None,
            open: Arc::default(),
            doubted: Arc::default(),
            uncompared: false,
            hidden: HashMap::new(),
            notices: Vec::new(),
        };
        tracker.look_everywhere()?;
        Ok(tracker)
    }

    /// Looks again where events were; whether any of them was about something that counts.
    ///
    /// # Errors
    /// A part of the source that cannot be read, or no source at all; everything is looked at the next time.
    pub fn look(&mut self) -> Result<bool> {
        let looked = self.look_where_needed();
        if looked.is_err() {
            self.fs_watcher.look_at_everything_next();
        }
        looked
    }

    fn look_where_needed(&mut self) -> Result<bool> {
        let pending = self.fs_watcher.take();
        let place = match Place::after(&self.place, &self.source) {
            Ok(place) => place,
            Err(error) => {
                if !std::mem::replace(&mut self.gone, true) {
                    self.start_over();
                }
                let gone = Error::usage("the source is gone").because(error);
                return Err(gone.hint("the image stays as it is until it is back").into());
            }
        };
        let elsewhere = self.is_elsewhere(&place);
        let all_asked = self.polling || self.doubted.swap(false, Ordering::Relaxed);
        let everything =
            pending.everything || pending.lost || self.choose || elsewhere || self.may_track_others(&pending);
        if elsewhere {
            self.move_to(place);
        } else if self.choose {
            self.begin_anew();
        } else if pending.lost {
            self.notices.push(Notice::Lost);
            self.start_over();
        } else if !everything && !all_asked {
            return self.look_where_events_were(pending);
        }
        let by_the_clock = all_asked && !everything;
        let relevant = !by_the_clock || !self.dirty_paths(pending).0.folders.is_empty();
        if !by_the_clock {
            // What came and went is not asked for here, so a watch may be one of a folder that is gone.
            self.fs_watcher.disarm_all();
        }
        self.look_everywhere()?;
        Ok(self.events && relevant)
    }

    fn may_track_others(&mut self, pending: &PendingEvents) -> bool {
        pending.index && self.rules.tracked_changed()
    }

    fn look_where_events_were(&mut self, pending: PendingEvents) -> Result<bool> {
        let (dirty, linked) = self.dirty_paths(pending);
        if linked {
            self.look_everywhere()?;
            return Ok(true);
        }
        if dirty.folders.is_empty() {
            return Ok(false);
        }
        if !dirty.trees.is_empty() {
            // What came or went may have brought rules along, or taken them away.
            self.rules.renew();
        }
        let Self { place, rules, fs_watcher, current, .. } = self;
        let seen = update_snapshot(current, &place.path, rules, &dirty, &mut |folder| fs_watcher.arm(folder))?;
        self.current = seen;
        self.note_problem();
        Ok(true)
    }

    fn look_everywhere(&mut self) -> Result<()> {
        self.rules.renew();
        let Self { place, rules, fs_watcher, .. } = self;
        let mut seen = take_snapshot(&place.path, rules, &mut |folder| fs_watcher.arm(folder))?;
        seen.adopt(&self.current);
        self.current = seen;
        self.fs_watcher.arm_indexes(self.rules.indexes());
        self.note_problem();
        self.choose_noticing();
        Ok(())
    }

    /// Where events ask to look again; and whether there are files with more names than the one in an event, so that others
    /// changed along without an event.
    fn dirty_paths(&mut self, pending: PendingEvents) -> (DirtyPaths, bool) {
        let mut dirty = DirtyPaths::default();
        let mut linked = false;
        let mut moved = HashSet::new();
        for (path, what) in pending.paths {
            let Ok(relative) = path.strip_prefix(&self.place.path) else { continue };
            let meta = fs::symlink_metadata(&path).ok();
            let is_folder = meta.as_ref().is_some_and(fs::Metadata::is_dir);
            linked |= meta.is_some_and(|meta| meta.is_file() && meta.nlink() > 1);
            match self.rules.verdict(relative, is_folder) {
                Verdict::Ignored => {
                    self.count_hidden(relative);
                    continue;
                }
                Verdict::Unlisted => continue,
                Verdict::Sent | Verdict::Descend => {}
            }
            let bytes = relative.as_os_str().as_bytes();
            dirty.folders.insert(parent(bytes).into());
            let was_folder = self.current.find(bytes).is_some_and(Entry::is_folder);
            if what == PathEvent::Moved && (is_folder || was_folder) {
                dirty.trees.insert(bytes.into());
                moved.insert(path);
            }
        }
        self.fs_watcher.disarm(&moved);
        (dirty, linked)
    }

    fn count_hidden(&mut self, path: &Path) {
        if self.hidden.len() > HIDDEN_LIMIT && !self.hidden.contains_key(path) {
            return;
        }
        let count = self.hidden.entry(path.to_owned()).or_default();
        *count += 1;
        if *count == HIDDEN_OFTEN {
            let rule = self.rules.rule_about(path);
            self.notices.push(Notice::Hidden(path.to_owned(), rule));
        }
    }

    /// The folder that the source meant when it was last looked at.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Its path.
    pub fn root(&self) -> &Path {
        &self.place.path
    }

    /// Whether the source came to mean another folder since this was last asked.
    pub fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    pub fn is_polling(&self) -> bool {
        self.polling
    }

    /// What there is to report, once.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// How many folders are watched.
    pub fn watches(&self) -> usize {
        self.fs_watcher.armed()
    }

    /// The source, as it was last seen.
    pub fn current(&self) -> &Snapshot {
        &self.current
    }

    /// Set when a build begins: until it has fixed its source, it takes in what comes, so that there is nothing to compare.
    pub fn open_flag(&self) -> Arc<AtomicBool> {
        self.open.clone()
    }

    /// The source as it was last seen, held against what is made and what has the tag, with what differs from the
    /// former.
    pub fn compare(&mut self, relevant: bool) -> (Comparison, Vec<Difference>) {
        let relevant = std::mem::take(&mut self.uncompared) || relevant;
        let unchanged = if relevant { Comparison::Same } else { Comparison::Nothing };
        if self.open.load(Ordering::Relaxed) {
            return (Comparison::Nothing, Vec::new());
        }
        let found = differences(&self.place.path, self.rules.follow, &self.current, self.built.as_mut());
        if found.is_empty() {
            return (unchanged, found);
        }
        if self.tagged.is_some()
            && differences(&self.place.path, self.rules.follow, &self.current, self.tagged.as_mut()).is_empty()
        {
            return (Comparison::Tagged, found);
        }
        let unsure = found.iter().any(|difference| difference.what != ChangeKind::Changed);
        (Comparison::Changed { unsure }, found)
    }

    /// The files that have to be read before [`compare`](Self::compare); reading them there would hold up whatever else
    /// wants the tracker.
    pub fn unread_candidates(&self) -> Vec<Arc<Entry>> {
        match &self.built {
            Some(built) if !self.open.load(Ordering::Relaxed) => compare::unread_candidates(&self.current, built),
            _ => Vec::new(),
        }
    }

    pub fn follows_links(&self) -> bool {
        self.rules.follow
    }

    /// Events that were not looked at yet, for a reader that must not wait for the tracker.
    pub fn pending_events(&self) -> Arc<Mutex<PendingEvents>> {
        self.fs_watcher.pending_events()
    }

    /// What was looked at for a standby is still to be compared.
    pub fn compare_later(&mut self) {
        self.uncompared = true;
    }

    /// Has the event loop look.
    pub fn wake(&self) {
        (self.wake)();
    }

    /// Has everything looked at the next time.
    pub fn look_at_everything_next(&mut self) {
        self.fs_watcher.look_at_everything_next();
    }

    /// What was sent is what was seen last; for a build, that is what it is made of from now on.
    pub fn settled_on(&mut self, sent: &Snapshot, of_build: bool) {
        self.current.adopt(sent);
        if of_build {
            self.built = Some(sent.clone());
            self.open.store(false, Ordering::Relaxed);
        }
    }
}

/// The tracker, for a moment.
pub fn lock(tracker: &Mutex<Tracker>) -> MutexGuard<'_, Tracker> {
    tracker.lock().expect("no thread panics while it holds this lock")
}

#[cfg(test)]
mod tests;
