//! What a tracker sees of real files.

use super::{Notice, Tracker, lock};
use crate::cancel::Cancel;
use crate::report::message::Outcome;
use crate::settings::source::Source;
use crate::source::rules::Selection;
use crate::source::send::hash_file;
use crate::source::view::SourceView;
use crate::watch::debounce::Burst;
use crate::watch::decide::input::Comparison;
use crate::watch::place::SourceMoved;
use crate::watch::tracked_view::TrackedView;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn tracker(root: &Path) -> Arc<Mutex<Tracker>> {
    let selection = Selection { gitignore: true, ..Selection::default() };
    Arc::new(Mutex::new(
        Tracker::new(&Source::at(root), &selection, Cancel::default(), false, Arc::new(|| {})).unwrap(),
    ))
}

/// Waits until events of the last change have come, then looks and compares.
fn seen(tracker: &Arc<Mutex<Tracker>>) -> Comparison {
    wait_for_events(tracker);
    let mut tracker = lock(tracker);
    let relevant = tracker.look().unwrap();
    tracker.compare(relevant).0
}

fn burst(tracker: &Arc<Mutex<Tracker>>) -> Option<Burst> {
    lock(tracker).pending_events().lock().unwrap().burst()
}

/// Waits until the tracker has events, and those of the last write are complete.
fn wait_for_events(tracker: &Arc<Mutex<Tracker>>) {
    let begin = Instant::now();
    let is_complete = |burst: Burst| burst.finished || burst.last.elapsed() > Duration::from_millis(300);
    while !burst(tracker).is_some_and(is_complete) {
        assert!(begin.elapsed() < Duration::from_secs(10), "no event came");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Builds, as far as the tracker is concerned.
fn build(tracker: &Arc<Mutex<Tracker>>, outcome: Outcome) {
    let place = lock(tracker).place().clone();
    let mut view = TrackedView::of_build(tracker, &place);
    lock(tracker).open_flag().store(true, std::sync::atomic::Ordering::Relaxed);
    let mut sent = view.snapshot().unwrap();
    while let Some(now) = view.changes_since(&sent).unwrap() {
        sent = now;
    }
    let root = lock(tracker).root().to_owned();
    for entry in sent.entries.iter().filter(|entry| !entry.is_folder()) {
        entry.set_hash(hash_file(&root.join(entry.path()), false).unwrap().unwrap());
    }
    lock(tracker).close_build(outcome);
}

// Content that differs has another size here: the clock may not have moved between two writes.
#[test]
fn content_counts_not_times() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "1").unwrap();
    let tracker = tracker(dir.path());
    build(&tracker, Outcome::Ok);
    fs::write(dir.path().join("a"), "1").unwrap();
    assert_eq!(seen(&tracker), Comparison::Same);
    fs::write(dir.path().join("a"), "22").unwrap();
    assert_eq!(seen(&tracker), Comparison::Changed { unsure: false });
    fs::write(dir.path().join("a"), "1").unwrap();
    assert_eq!(seen(&tracker), Comparison::Same);
}

#[test]
fn a_source_that_failed_is_not_the_one_that_has_the_tag() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "1").unwrap();
    let tracker = tracker(dir.path());
    build(&tracker, Outcome::Ok);
    fs::write(dir.path().join("a"), "22").unwrap();
    wait_for_events(&tracker);
    build(&tracker, Outcome::Failed);
    fs::write(dir.path().join("a"), "22").unwrap();
    assert_eq!(seen(&tracker), Comparison::Same);
    fs::write(dir.path().join("a"), "1").unwrap();
    assert_eq!(seen(&tracker), Comparison::Tagged);
}

#[test]
fn what_is_ignored_is_not_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(".gitignore"), "*.log\n").unwrap();
    let tracker = tracker(dir.path());
    build(&tracker, Outcome::Ok);
    fs::write(dir.path().join("a.log"), "1").unwrap();
    assert_eq!(seen(&tracker), Comparison::Nothing);
    fs::write(dir.path().join(".gitignore"), "").unwrap();
    assert_eq!(seen(&tracker), Comparison::Changed { unsure: true });
}

#[test]
fn a_file_that_git_tracks_from_now_on_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(".gitignore"), "dist/\n").unwrap();
    fs::create_dir(dir.path().join("dist")).unwrap();
    fs::write(dir.path().join("dist/app.js"), "1").unwrap();
    let git = |args: &[&str]| {
        let status = std::process::Command::new("git").arg("-C").arg(dir.path()).args(args).status();
        assert!(status.unwrap().success());
    };
    git(&["init", "--quiet"]);
    let tracker = tracker(dir.path());
    build(&tracker, Outcome::Ok);
    git(&["add", "--force", "dist/app.js"]);
    assert_eq!(seen(&tracker), Comparison::Changed { unsure: true });
    assert!(lock(&tracker).current().find(b"dist/app.js").is_some());
    build(&tracker, Outcome::Ok);
    git(&["rm", "--quiet", "--cached", "dist/app.js"]);
    assert_eq!(seen(&tracker), Comparison::Changed { unsure: true });
}

#[test]
fn a_folder_made_and_filled_in_one_go_is_seen_whole() {
    let dir = tempfile::tempdir().unwrap();
    let tracker = tracker(dir.path());
    build(&tracker, Outcome::Ok);
    fs::create_dir_all(dir.path().join("a/b/c")).unwrap();
    fs::write(dir.path().join("a/b/c/d"), "1").unwrap();
    assert_eq!(seen(&tracker), Comparison::Changed { unsure: true });
    assert!(lock(&tracker).current().find(b"a/b/c/d").is_some());
    build(&tracker, Outcome::Ok);
    fs::write(dir.path().join("a/b/c/d"), "2").unwrap();
    assert_eq!(seen(&tracker), Comparison::Changed { unsure: false });
}

#[test]
fn a_folder_that_is_made_anew_while_rules_change_is_watched() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("a")).unwrap();
    let tracker = tracker(dir.path());
    build(&tracker, Outcome::Ok);
    for rules in ["x\n", "y\n"] {
        let _ = fs::remove_dir_all(dir.path().join("a"));
        fs::write(dir.path().join(".gitignore"), rules).unwrap();
        seen(&tracker);
    }
    fs::create_dir(dir.path().join("a")).unwrap();
    fs::write(dir.path().join(".gitignore"), "z\n").unwrap();
    assert_eq!(seen(&tracker), Comparison::Changed { unsure: true });
    build(&tracker, Outcome::Ok);
    // No event of what was done before comes any more.
    while burst(&tracker).is_some() {
        lock(&tracker).look().unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    fs::write(dir.path().join("a/b"), "1").unwrap();
    assert_eq!(seen(&tracker), Comparison::Changed { unsure: true });
}

#[test]
fn events_that_a_standby_looked_at_are_answered() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "1").unwrap();
    let tracker = tracker(dir.path());
    build(&tracker, Outcome::Ok);
    fs::write(dir.path().join("a"), "1").unwrap();
    wait_for_events(&tracker);
    let place = lock(&tracker).place().clone();
    TrackedView::of_standby(&tracker, &place).snapshot().unwrap();
    assert_eq!(lock(&tracker).compare(false).0, Comparison::Same);
    assert_eq!(lock(&tracker).compare(false).0, Comparison::Nothing);
}

#[test]
fn a_file_that_is_written_under_another_name_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("x")).unwrap();
    fs::write(dir.path().join("a"), "1").unwrap();
    fs::hard_link(dir.path().join("a"), dir.path().join("x/b")).unwrap();
    let tracker = tracker(dir.path());
    build(&tracker, Outcome::Ok);
    fs::write(dir.path().join("a"), "22").unwrap();
    assert_eq!(seen(&tracker), Comparison::Changed { unsure: false });
    assert_eq!(lock(&tracker).current().find(b"x/b").unwrap().size, 2);
}

#[test]
fn where_events_may_be_missing_everything_is_looked_at_and_events_wake_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "1").unwrap();
    fs::write(dir.path().join(".gitignore"), "*.log\n").unwrap();
    let tracker = tracker(dir.path());
    lock(&tracker).polling = true;
    build(&tracker, Outcome::Ok);
    fs::write(dir.path().join("a"), "22").unwrap();
    assert_eq!(seen(&tracker), Comparison::Changed { unsure: false });
    build(&tracker, Outcome::Ok);
    fs::write(dir.path().join("a"), "22").unwrap();
    assert_eq!(seen(&tracker), Comparison::Same);
    fs::write(dir.path().join("x.log"), "1").unwrap();
    assert_eq!(seen(&tracker), Comparison::Nothing);
    // The other side of a network changes a file, of which no event tells.
    fs::write(dir.path().join("a"), "333").unwrap();
    wait_for_events(&tracker);
    lock(&tracker).fs_watcher.take();
    let mut tracker = lock(&tracker);
    let relevant = tracker.look().unwrap();
    assert_eq!(tracker.compare(relevant).0, Comparison::Changed { unsure: false });
}

/// Two folders with a file each, and a link to the first.
fn two_folders(contents: [&str; 2]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    for (folder, content) in ["r1", "r2"].into_iter().zip(contents) {
        fs::create_dir(dir.path().join(folder)).unwrap();
        fs::write(dir.path().join(folder).join("a"), content).unwrap();
    }
    let link = dir.path().join("current");
    symlink("r1", &link).unwrap();
    (dir, link)
}

fn retarget(link: &Path, to: &str) {
    fs::remove_file(link).unwrap();
    symlink(to, link).unwrap();
}

#[test]
fn a_link_to_the_source_that_was_retargeted_made_the_watch_stale_for_good() {
    let (dir, link) = two_folders(["1", "22"]);
    let tracker = tracker(&link);
    build(&tracker, Outcome::Ok);
    assert!(!lock(&tracker).needs_another_look());
    retarget(&link, "r2");
    assert!(lock(&tracker).needs_another_look());
    assert!(lock(&tracker).look().unwrap());
    assert!(lock(&tracker).take_moved() && !lock(&tracker).needs_another_look());
    let top = dir.path().canonicalize().unwrap();
    assert_eq!(lock(&tracker).take_notices(), [Notice::Moved(top.join("r2"))]);
    assert_eq!(lock(&tracker).compare(true).0, Comparison::Changed { unsure: false });
    build(&tracker, Outcome::Ok);
    // Saves in the new folder are seen by their events, those in the old one are none.
    fs::write(top.join("r1/a"), "4444").unwrap();
    fs::write(top.join("r2/a"), "333").unwrap();
    assert_eq!(seen(&tracker), Comparison::Changed { unsure: false });
    // A link that leads nowhere is as good as a source that was removed.
    retarget(&link, "r3");
    assert!(lock(&tracker).needs_another_look());
    assert!(lock(&tracker).look().is_err() && !lock(&tracker).needs_another_look());
    retarget(&link, "r2");
    assert!(lock(&tracker).needs_another_look() && lock(&tracker).look().unwrap());
    assert_eq!(lock(&tracker).take_notices().last(), Some(&Notice::Back));
}

#[test]
fn a_parent_whose_name_another_folder_took_was_not_noticed() {
    let dir = tempfile::tempdir().unwrap();
    for (parent, content) in [("p/q", "1"), ("other/q", "22")] {
        fs::create_dir_all(dir.path().join(parent).join("src")).unwrap();
        fs::write(dir.path().join(parent).join("src/a"), content).unwrap();
    }
    let tracker = tracker(&dir.path().join("p/q/src"));
    build(&tracker, Outcome::Ok);
    fs::rename(dir.path().join("p"), dir.path().join("away")).unwrap();
    fs::rename(dir.path().join("other"), dir.path().join("p")).unwrap();
    assert!(lock(&tracker).needs_another_look() && lock(&tracker).look().unwrap());
    assert_eq!(lock(&tracker).compare(true).0, Comparison::Changed { unsure: false });
    build(&tracker, Outcome::Ok);
    fs::write(dir.path().join("p/q/src/a"), "333").unwrap();
    assert_eq!(seen(&tracker), Comparison::Changed { unsure: false });
}

#[test]
fn another_folder_with_the_same_content_needs_no_build() {
    let (_dir, link) = two_folders(["1", "1"]);
    let tracker = tracker(&link);
    build(&tracker, Outcome::Ok);
    retarget(&link, "r2");
    let relevant = lock(&tracker).look().unwrap();
    assert_eq!(lock(&tracker).compare(relevant).0, Comparison::Same);
}

#[test]
fn a_build_never_mixes_two_folders() {
    let (_dir, link) = two_folders(["1", "22"]);
    let tracker = tracker(&link);
    let place = lock(&tracker).place().clone();
    let mut view = TrackedView::of_build(&tracker, &place);
    let sent = view.snapshot().unwrap();
    retarget(&link, "r2");
    assert!(SourceMoved::ended(&view.changes_since(&sent).unwrap_err()));
    // Also if the event loop was the first to see it, and if the link is back meanwhile.
    assert!(SourceMoved::ended(&view.changes_since(&sent).unwrap_err()));
    let place = lock(&tracker).place().clone();
    assert_eq!(TrackedView::of_build(&tracker, &place).snapshot().unwrap().entries[0].size, 2);
}
