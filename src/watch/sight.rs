//! What the source holds now, what the build under way is made of, and what the image with the tag is made of.

use std::collections::HashMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::Result;

use super::files::{Files, Happened, Heard, Trouble, is_git};
use super::state::Seen;
use crate::failure::Failure;
use crate::source::rules::Verdict;
use crate::source::snapshot::{Dirt, parent};
use crate::source::{Entry, Kind, Rules, Selection, Snapshot, View, archive};

/// So often somebody has to save a hidden file until he is told.
const HIDDEN_OFTEN: u32 = 3;

/// So many hidden files are counted.
const HIDDEN_LIMIT: usize = 1000;

/// After so many news in a row everything is looked at.
const NEWS_LIMIT: u32 = 2;

/// Something to tell about looking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Events were lost; everything was looked at.
    Lost,
    /// The source folder is back, or another one is in its place.
    Back,
    /// There will be no events.
    Trouble(Trouble),
    /// Somebody keeps saving a file that rules hide.
    Hidden(PathBuf),
}

/// One difference of two sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub path: PathBuf,
    pub what: What,
}

/// What happened to the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    New,
    Changed,
    Gone,
}

/// The eyes of a watch. Whoever looks, the coordinator or a build, sees the same.
pub struct Sight {
    root: PathBuf,
    selection: Selection,
    rules: Rules,
    files: Files,
    wake: Arc<dyn Fn() + Send + Sync>,
    /// Device and inode of the root.
    identity: Option<(u64, u64)>,
    /// Everything is looked at each time.
    polling: bool,
    now: Snapshot,
    made: Option<Snapshot>,
    tagged: Option<Snapshot>,
    /// A build is under way that takes in what comes.
    open: bool,
    /// Events that count were looked at for a standby, and not compared yet.
    uncompared: bool,
    hidden: HashMap<PathBuf, u32>,
    notices: Vec<Notice>,
}

impl Sight {
    /// Arms all watches, then looks for the first time. `wake` is called when it is time to look again.
    ///
    /// # Errors
    /// A part of the source that can not be read, a glob that can not be parsed.
    pub fn new(root: &Path, selection: &Selection, wake: Arc<dyn Fn() + Send + Sync>) -> Result<Self> {
        let ring = wake.clone();
        let mut sight = Self {
            root: root.to_owned(),
            selection: selection.clone(),
            rules: Rules::new(root, selection)?,
            files: Files::new(root, move || ring()),
            wake,
            identity: identity(root),
            polling: false,
            now: Snapshot::default(),
            made: None,
            tagged: None,
            open: false,
            uncompared: false,
            hidden: HashMap::new(),
            notices: Vec::new(),
        };
        sight.look_everywhere()?;
        Ok(sight)
    }

    /// Looks again where events were; whether any of them was about something that counts.
    ///
    /// # Errors
    /// A part of the source that can not be read, or no source at all; everything is looked at the next time.
    pub fn look(&mut self) -> Result<bool> {
        let looked = self.look_where_needed();
        if looked.is_err() {
            self.files.doubt();
        }
        looked
    }

    fn look_where_needed(&mut self) -> Result<bool> {
        let heard = self.files.take();
        let identity = identity(&self.root);
        if identity != self.identity {
            if identity.is_some() {
                self.notices.push(Notice::Back);
            }
            self.identity = identity;
            self.start_over();
        } else if heard.lost {
            self.notices.push(Notice::Lost);
            self.start_over();
        } else if !heard.everything && !self.polling {
            return self.look_again(heard);
        }
        if identity.is_none() {
            let failure = Failure::usage(format!("the source folder `{}` is gone", self.root.display()));
            return Err(failure.hint("the image stays as it is until it is back").into());
        }
        // What came and went is not asked for here, so a watch may be one of a folder that is gone.
        self.files.disarm_all();
        self.look_everywhere()?;
        Ok(!self.polling)
    }

    fn look_again(&mut self, heard: Heard) -> Result<bool> {
        let (dirt, linked) = self.dirt(heard);
        if linked {
            self.look_everywhere()?;
            return Ok(true);
        }
        if dirt.folders.is_empty() {
            return Ok(false);
        }
        if !dirt.trees.is_empty() {
            // What came or went may have brought rules along, or taken them away.
            self.rules = Rules::new(&self.root, &self.selection)?;
        }
        let Self { root, rules, files, now, .. } = self;
        let seen = now.look_again(root, rules, &dirt, &mut |folder| files.arm(folder))?;
        self.now = seen;
        self.notice_trouble();
        Ok(true)
    }

    fn look_everywhere(&mut self) -> Result<()> {
        self.rules = Rules::new(&self.root, &self.selection)?;
        let Self { root, rules, files, .. } = self;
        let mut seen = Snapshot::take(root, rules, &mut |folder| files.arm(folder))?;
        seen.adopt(&self.now);
        self.now = seen;
        self.notice_trouble();
        Ok(())
    }

    /// Where what was heard asks to look again; and whether there are files with more names than the one that was
    /// heard, so that others changed along without an event.
    fn dirt(&mut self, heard: Heard) -> (Dirt, bool) {
        let mut dirt = Dirt::default();
        let mut linked = false;
        for (path, what) in heard.paths {
            let Ok(relative) = path.strip_prefix(&self.root) else { continue };
            if is_git(relative) {
                continue;
            }
            let meta = fs::symlink_metadata(&path).ok();
            let is_folder = meta.as_ref().is_some_and(fs::Metadata::is_dir);
            linked |= meta.is_some_and(|meta| meta.is_file() && meta.nlink() > 1);
            if self.rules.verdict(relative, is_folder) == Verdict::Ignored {
                self.count_hidden(relative);
                continue;
            }
            let bytes = relative.as_os_str().as_bytes();
            dirt.folders.insert(parent(bytes).into());
            let was_folder = self.now.find(bytes).is_some_and(Entry::is_folder);
            if what == Happened::Moved && (is_folder || was_folder) {
                self.files.disarm(&path);
                dirt.trees.insert(bytes.into());
            }
        }
        (dirt, linked)
    }

    fn count_hidden(&mut self, path: &Path) {
        if self.hidden.len() > HIDDEN_LIMIT && !self.hidden.contains_key(path) {
            return;
        }
        let count = self.hidden.entry(path.to_owned()).or_default();
        *count += 1;
        if *count == HIDDEN_OFTEN {
            self.notices.push(Notice::Hidden(path.to_owned()));
        }
    }

    fn start_over(&mut self) {
        if !self.polling {
            let ring = self.wake.clone();
            self.files.start(move || ring());
        }
    }

    fn notice_trouble(&mut self) {
        if !self.polling
            && let Some(trouble) = self.files.trouble()
        {
            self.notices.push(Notice::Trouble(trouble.clone()));
            self.poll();
        }
    }

    /// From now on, everything is looked at each time, and nobody calls to look.
    pub fn poll(&mut self) {
        self.polling = true;
        self.files.stop();
    }

    pub fn is_polling(&self) -> bool {
        self.polling
    }

    /// The burst of events that was not looked at yet.
    pub fn burst(&self) -> Option<super::debounce::Burst> {
        self.files.burst()
    }

    /// What there is to tell, once.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// How many folders are watched.
    pub fn watches(&self) -> usize {
        self.files.armed()
    }

    /// The source, as it was last seen.
    pub fn now(&self) -> &Snapshot {
        &self.now
    }

    /// A build begins: until it has fixed its source, it takes in what comes.
    pub fn open(&mut self) {
        self.open = true;
    }

    /// The build under way ended. What it was made of has the tag now, or did not get it; a cancelled one never was.
    pub fn close(&mut self, end: Close) {
        self.open = false;
        match end {
            Close::Tagged => self.tagged.clone_from(&self.made),
            Close::Failed => {}
            Close::Cancelled => self.made.clone_from(&self.tagged),
        }
    }

    /// The source as it was last seen, held against what is made and what has the tag, with what differs from the
    /// former.
    pub fn compare(&mut self, relevant: bool) -> (Seen, Vec<Difference>) {
        let relevant = std::mem::take(&mut self.uncompared) || relevant;
        let unchanged = if relevant { Seen::Same } else { Seen::Nothing };
        if self.open {
            return (Seen::Nothing, Vec::new());
        }
        let differences = differences(&self.root, self.rules.follow, &self.now, self.made.as_mut());
        if differences.is_empty() {
            return (unchanged, differences);
        }
        if self.tagged.is_some()
            && self::differences(&self.root, self.rules.follow, &self.now, self.tagged.as_mut()).is_empty()
        {
            return (Seen::Tagged, differences);
        }
        let unsure = differences.iter().any(|difference| difference.what != What::Changed);
        (Seen::Changed { unsure }, differences)
    }
}

/// How a build ended, for what is known of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    Tagged,
    Failed,
    Cancelled,
}

/// The view of one build, or of a container that is prepared for the next one.
pub struct SharedView {
    sight: Arc<Mutex<Sight>>,
    /// It is a build's: what was sent becomes what is made.
    fixes: bool,
    /// How often there were news.
    news: u32,
}

impl SharedView {
    pub fn of_build(sight: &Arc<Mutex<Sight>>) -> Self {
        Self { sight: sight.clone(), fixes: true, news: 0 }
    }

    pub fn of_standby(sight: &Arc<Mutex<Sight>>) -> Self {
        Self { sight: sight.clone(), fixes: false, news: 0 }
    }

    fn look(&self) -> Result<MutexGuard<'_, Sight>> {
        let mut sight = lock(&self.sight);
        let relevant = sight.look()?;
        // A build takes in what it sees; what a standby sees is still to be answered.
        sight.uncompared |= relevant && !self.fixes;
        Ok(sight)
    }
}

impl View for SharedView {
    fn snapshot(&mut self) -> Result<Snapshot> {
        let sight = self.look()?;
        Ok(sight.now.clone())
    }

    fn news(&mut self, sent: &Snapshot) -> Result<Option<Snapshot>> {
        if self.news >= NEWS_LIMIT {
            // Something may differ from what was seen without an event: a file that lost its other name, for example.
            lock(&self.sight).files.doubt();
        }
        let mut sight = self.look()?;
        if !sight.now.since(sent).is_empty() {
            let now = sight.now.clone();
            drop(sight);
            self.news += 1;
            return Ok(Some(now));
        }
        // Under the same lock as the look: whoever looks next compares with this.
        sight.now.adopt(sent);
        if self.fixes {
            sight.made = Some(sent.clone());
            sight.open = false;
        }
        Ok(None)
    }
}

/// The sight, for a moment.
pub fn lock(sight: &Mutex<Sight>) -> MutexGuard<'_, Sight> {
    sight.lock().expect("nobody panics while holding this lock")
}

fn identity(root: &Path) -> Option<(u64, u64)> {
    let meta = fs::metadata(root).ok().filter(fs::Metadata::is_dir)?;
    Some((meta.dev(), meta.ino()))
}

/// What differs in content between `now` and `base`. A file that was only touched, or saved with the same bytes, does
/// not; its new look is noted in the base.
fn differences(root: &Path, follow: bool, now: &Snapshot, base: Option<&mut Snapshot>) -> Vec<Difference> {
    let Some(base) = base else {
        return now.entries.iter().map(|entry| Difference { path: entry.path().to_owned(), what: What::New }).collect();
    };
    let delta = now.since(base);
    let mut differences = Vec::new();
    for index in delta.written {
        let entry = &now.entries[index];
        match base.position(&entry.path) {
            Some(before) if same_content(root, follow, entry, &base.entries[before]) => {
                base.entries[before] = entry.clone();
            }
            before => {
                let what = if before.is_some() { What::Changed } else { What::New };
                differences.push(Difference { path: entry.path().to_owned(), what });
            }
        }
    }
    let gone = delta.removed.iter().map(|path| PathBuf::from(std::ffi::OsStr::from_bytes(path)));
    differences.extend(gone.map(|path| Difference { path, what: What::Gone }));
    differences
}

fn same_content(root: &Path, follow: bool, entry: &Entry, before: &Entry) -> bool {
    if entry.kind != before.kind || entry.mode != before.mode || entry.size != before.size {
        return false;
    }
    if entry.kind != Kind::File {
        return true;
    }
    if entry.hash().is_none()
        && let Ok(Some(hash)) = archive::hash(&root.join(entry.path()), follow)
    {
        entry.know(hash);
    }
    // Two files of which nothing is known are not taken to be equal.
    entry.hash().is_some() && entry.hash() == before.hash()
}

#[cfg(test)]
mod tests {
    use super::{Close, SharedView, Sight, lock};
    use crate::source::{Selection, View};
    use crate::watch::state::Seen;
    use std::fs;
    use std::path::Path;
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    fn sight(root: &Path) -> Arc<Mutex<Sight>> {
        let selection = Selection { gitignore: true, ..Selection::default() };
        Arc::new(Mutex::new(Sight::new(root, &selection, Arc::new(|| {})).unwrap()))
    }

    /// Waits until events of the last change are heard, then looks and compares.
    fn seen(sight: &Arc<Mutex<Sight>>) -> Seen {
        hear(sight);
        let mut sight = lock(sight);
        let relevant = sight.look().unwrap();
        sight.compare(relevant).0
    }

    /// Waits until the sight has heard of something.
    fn hear(sight: &Arc<Mutex<Sight>>) {
        let begin = Instant::now();
        while lock(sight).burst().is_none() {
            assert!(begin.elapsed() < Duration::from_secs(10), "no event came");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Builds, as far as the sight hears of it.
    fn build(sight: &Arc<Mutex<Sight>>, end: Close) {
        let mut view = SharedView::of_build(sight);
        lock(sight).open();
        let mut sent = view.snapshot().unwrap();
        while let Some(now) = view.news(&sent).unwrap() {
            sent = now;
        }
        let root = lock(sight).root.clone();
        for entry in sent.entries.iter().filter(|entry| !entry.is_folder()) {
            entry.know(crate::source::archive::hash(&root.join(entry.path()), false).unwrap().unwrap());
        }
        lock(sight).close(end);
    }

    // Content that differs has another size here: the clock may not have moved between two writes.
    #[test]
    fn content_counts_not_times() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "1").unwrap();
        let sight = sight(dir.path());
        build(&sight, Close::Tagged);
        fs::write(dir.path().join("a"), "1").unwrap();
        assert_eq!(seen(&sight), Seen::Same);
        fs::write(dir.path().join("a"), "22").unwrap();
        assert_eq!(seen(&sight), Seen::Changed { unsure: false });
        fs::write(dir.path().join("a"), "1").unwrap();
        assert_eq!(seen(&sight), Seen::Same);
    }

    #[test]
    fn a_source_that_failed_is_not_the_one_that_has_the_tag() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "1").unwrap();
        let sight = sight(dir.path());
        build(&sight, Close::Tagged);
        fs::write(dir.path().join("a"), "22").unwrap();
        hear(&sight);
        build(&sight, Close::Failed);
        fs::write(dir.path().join("a"), "22").unwrap();
        assert_eq!(seen(&sight), Seen::Same);
        fs::write(dir.path().join("a"), "1").unwrap();
        assert_eq!(seen(&sight), Seen::Tagged);
    }

    #[test]
    fn what_is_ignored_is_not_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".gitignore"), "*.log\n").unwrap();
        let sight = sight(dir.path());
        build(&sight, Close::Tagged);
        fs::write(dir.path().join("a.log"), "1").unwrap();
        assert_eq!(seen(&sight), Seen::Nothing);
        fs::write(dir.path().join(".gitignore"), "").unwrap();
        assert_eq!(seen(&sight), Seen::Changed { unsure: true });
    }

    #[test]
    fn a_folder_made_and_filled_in_one_go_is_seen_whole() {
        let dir = tempfile::tempdir().unwrap();
        let sight = sight(dir.path());
        build(&sight, Close::Tagged);
        fs::create_dir_all(dir.path().join("a/b/c")).unwrap();
        fs::write(dir.path().join("a/b/c/d"), "1").unwrap();
        assert_eq!(seen(&sight), Seen::Changed { unsure: true });
        assert!(lock(&sight).now().find(b"a/b/c/d").is_some());
        build(&sight, Close::Tagged);
        fs::write(dir.path().join("a/b/c/d"), "2").unwrap();
        assert_eq!(seen(&sight), Seen::Changed { unsure: false });
    }

    #[test]
    fn a_folder_that_is_made_anew_while_rules_change_is_watched() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        let sight = sight(dir.path());
        build(&sight, Close::Tagged);
        for rules in ["x\n", "y\n"] {
            let _ = fs::remove_dir_all(dir.path().join("a"));
            fs::write(dir.path().join(".gitignore"), rules).unwrap();
            seen(&sight);
        }
        fs::create_dir(dir.path().join("a")).unwrap();
        fs::write(dir.path().join(".gitignore"), "z\n").unwrap();
        assert_eq!(seen(&sight), Seen::Changed { unsure: true });
        build(&sight, Close::Tagged);
        // Nothing of what was done before is heard any more.
        while lock(&sight).burst().is_some() {
            lock(&sight).look().unwrap();
            std::thread::sleep(Duration::from_millis(20));
        }
        fs::write(dir.path().join("a/b"), "1").unwrap();
        assert_eq!(seen(&sight), Seen::Changed { unsure: true });
    }

    #[test]
    fn events_that_a_standby_looked_at_are_answered() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "1").unwrap();
        let sight = sight(dir.path());
        build(&sight, Close::Tagged);
        fs::write(dir.path().join("a"), "1").unwrap();
        let begin = Instant::now();
        while lock(&sight).burst().is_none_or(|burst| !burst.finished) {
            assert!(begin.elapsed() < Duration::from_secs(10), "no event came");
        }
        SharedView::of_standby(&sight).snapshot().unwrap();
        assert_eq!(lock(&sight).compare(false).0, Seen::Same);
        assert_eq!(lock(&sight).compare(false).0, Seen::Nothing);
    }

    #[test]
    fn a_file_that_is_written_under_another_name_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("x")).unwrap();
        fs::write(dir.path().join("a"), "1").unwrap();
        fs::hard_link(dir.path().join("a"), dir.path().join("x/b")).unwrap();
        let sight = sight(dir.path());
        build(&sight, Close::Tagged);
        fs::write(dir.path().join("a"), "22").unwrap();
        assert_eq!(seen(&sight), Seen::Changed { unsure: false });
        assert_eq!(lock(&sight).now().find(b"x/b").unwrap().size, 2);
    }
}
