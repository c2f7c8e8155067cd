//! The words of a watch: why a build is made, what is odd about the source.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use indicatif::HumanBytes;

use super::compare::{ChangeKind, Difference};
use super::decide::action::Note;
use super::decide::git_wait::GIT_LIMIT;
use super::decide::input::Demand;
use super::fs_watcher::WatchProblem;
use super::network_fs::{Noticing, Tells};
use super::tracker::Notice;
use crate::report::Reporter;
use crate::report::message::{Message, Why};
use crate::source::snapshot::Snapshot;

/// So many changed files are named.
const NAMED: usize = 3;

/// So many of the largest folders are named.
const FOLDERS: usize = 3;

/// Why a source that changed is built.
pub fn why_changed(differences: &[Difference]) -> Why {
    // A folder whose content came or went says less than the content.
    let parents: HashSet<&Path> = differences.iter().filter_map(|it| it.path.parent()).collect();
    let leaves: Vec<_> = differences.iter().filter(|it| !parents.contains(it.path.as_path())).collect();
    let changed: Vec<String> = leaves.iter().take(NAMED).map(|it| it.path.display().to_string()).collect();
    let more = leaves.len() - changed.len();
    let verb = if leaves.iter().all(|it| it.what == ChangeKind::Gone) { "removed" } else { "changed" };
    let mut text = changed.join(", ");
    if more > 0 {
        text += &format!(" and {more} more");
    }
    Why { text: format!("{text} {verb}"), changed, more }
}

/// Why a source is built that changed in a way that no look saw.
pub fn why_unknown() -> Why {
    why_text("the source changed".to_owned())
}

/// Why something else than a change is built; a builder that changed is named by its short id.
pub fn why_demanded(demand: Demand, short_builder: &str) -> Why {
    why_text(match demand {
        Demand::First => "the first build".to_owned(),
        Demand::Asked => "asked for".to_owned(),
        Demand::AskedClean => "asked for, without artifacts".to_owned(),
        Demand::Builder => format!("the builder image changed, to {short_builder}"),
        Demand::Engine => "the engine is back".to_owned(),
        Demand::TagMoved => "another program took the tag away".to_owned(),
    })
}

fn why_text(text: String) -> Why {
    Why { text, changed: Vec::new(), more: 0 }
}

/// Reports what was decided to tell the user of a watch of this tag.
pub fn report_note(reporter: &Reporter, tag: &str, note: &Note) {
    match note {
        Note::Same => reporter.emit(&Message::Skipped("what was saved has the same content as before")),
        Note::Tagged => reporter.emit(&Message::Skipped(&format!("{tag} is an image of this source already"))),
        Note::EngineGone => reporter.warn("the engine does not answer; waiting until it does"),
        Note::EngineBack => reporter.note("the engine is back"),
        Note::OtherEngine => reporter.note(
            "another engine answers at the same address now, or it has lost its data; images of the one before are not in it",
        ),
        Note::Paused => reporter.emit(&Message::Note("paused; `p` resumes")),
        Note::Resumed => reporter.emit(&Message::Note("going on")),
        Note::GitWait(lock) => reporter.note(&waits_for_git(lock)),
        Note::Fault(why) => reporter.warn(why),
    }
}

/// Reports what the tracker noticed of the source, which was given as `typed`.
pub fn report_notice(reporter: &Reporter, typed: &str, notice: &Notice) {
    match notice {
        Notice::Lost => reporter.emit(&Message::Note("events were lost; looked at everything")),
        Notice::Back => {
            let text = format!("the source {typed} is back, or another folder is in its place; looked at everything");
            reporter.emit(&Message::Note(&text));
        }
        Notice::Moved(path) => {
            let text = format!("the source {typed} is now the folder {}; looked at everything", path.display());
            reporter.emit(&Message::Note(&text));
        }
        Notice::Mounted => {
            let text = format!("something was mounted or unmounted in the source {typed}; looked at everything");
            reporter.emit(&Message::Note(&text));
        }
        Notice::Noticing(noticing) => report_noticing(reporter, noticing),
        Notice::LinksFollowed => reporter.note(
            "targets of links can change without an event, so everything is looked at now and then (`--poll=INTERVAL`)",
        ),
        Notice::Problem(WatchProblem::Folders) => reporter.warn_once(
            "no more folders can be watched, so everything is looked at now and then; raise the limit \
             (`sudo sysctl fs.inotify.max_user_watches=524288`), or ignore large folders",
        ),
        Notice::Problem(WatchProblem::Watchers) => reporter.warn_once(
            "too many programs watch folders, so everything is looked at now and then; raise the limit \
             (`sudo sysctl fs.inotify.max_user_instances=1024`), or stop some of them",
        ),
        Notice::Problem(WatchProblem::Other(why)) => reporter.warn_once(&format!(
            "the source cannot be watched ({why}), so everything is looked at now and then (`--poll`)"
        )),
        Notice::Hidden(path, rule) => {
            let by = match rule {
                Some(rule) => format!("{}:{}: {}", rule.file.display(), rule.line, rule.text),
                None => "an option or a rule elsewhere".to_owned(),
            };
            reporter.note(&format!("{} is saved again and again, but ignored ({by})", path.display()));
        }
    }
}

/// The note for a save that waits for git.
pub fn waits_for_git(lock: &Path) -> String {
    format!(
        "git is at work and holds its index, so the build waits for at most {limit} s, once for this lock; if no git \
         runs, remove the lock: `rm {lock}`",
        limit = GIT_LIMIT.as_secs(),
        lock = lock.display(),
    )
}

/// Reports why events are not enough, if they are not.
fn report_noticing(reporter: &Reporter, noticing: &Noticing) {
    match noticing {
        Noticing::Events => {}
        Noticing::Looking(called) => reporter.warn_once(&format!(
            "the source is on {called}, which does not report changes that are made elsewhere, so everything is looked at \
             now and then (`--poll=INTERVAL`); changes on a local disk are seen at once"
        )),
        Noticing::Both { folder, on } => {
            let what = if folder.as_os_str().is_empty() {
                "the source".to_owned()
            } else {
                format!("`{}` in the source", folder.display())
            };
            let and = "so everything is looked at now and then, too (`--poll=INTERVAL`)";
            match on {
                Tells::Unknown(kind) => reporter.note(&format!(
                    "{what} is on a file system of the type `{kind}`, which may not report every change, {and}"
                )),
                Tells::OwnChanges(called) => reporter
                    .warn_once(&format!("{what} is on {called}, which does not report changes that are made elsewhere, {and}")),
                Tells::All => {}
            }
        }
    }
}

/// The warning for a source that no standby may hold.
pub fn too_large(source: &Snapshot, bytes: u64) -> String {
    let mut folders: BTreeMap<&[u8], u64> = BTreeMap::new();
    for entry in &source.entries {
        let top = entry.path.split(|byte| *byte == b'/').next().unwrap_or_default();
        *folders.entry(top).or_default() += entry.size;
    }
    let mut largest: Vec<_> = folders.into_iter().collect();
    largest.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let named = largest.iter().take(FOLDERS);
    let named = named.map(|(path, size)| format!("{} ({})", String::from_utf8_lossy(path), HumanBytes(*size)));
    format!(
        "the source has {}, more than `--standby-limit`, so no container is kept ready; the largest are {}; ignore what \
         is not needed (.s2iignore), raise the limit, or use `--mount`",
        HumanBytes(bytes),
        named.collect::<Vec<_>>().join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::why_changed;
    use crate::watch::compare::{ChangeKind, Difference};
    use proptest::prelude::*;
    use std::path::Path;

    fn difference(path: &str, what: ChangeKind) -> Difference {
        Difference { path: path.into(), what }
    }

    #[test]
    fn three_files_are_named_and_the_others_counted() {
        let all = ["a", "b", "c", "d", "e"].map(|path| difference(path, ChangeKind::Changed));
        assert_eq!(why_changed(&all[..1]).text, "a changed");
        let why = why_changed(&all);
        assert_eq!((why.text.as_str(), why.more), ("a, b, c and 2 more changed", 2));
    }

    #[test]
    fn a_folder_is_named_by_what_is_in_it() {
        let all = [
            difference("a", ChangeKind::New),
            difference("a/b", ChangeKind::New),
            difference("a/b/c", ChangeKind::New),
        ];
        assert_eq!(why_changed(&all).text, "a/b/c changed");
        assert_eq!(why_changed(&[difference("x", ChangeKind::Gone)]).text, "x removed");
    }

    proptest! {
        /// Every difference compared with every other one says the same, but takes the square of the time.
        #[test]
        fn those_are_named_that_have_no_child(paths in prop::collection::btree_set("[ab](/[ab]){0,3}", 1..30)) {
            let all: Vec<_> = paths.iter().map(|path| difference(path, ChangeKind::New)).collect();
            let has_child = |path: &Path| all.iter().any(|other| other.path.parent() == Some(path));
            let leaves: Vec<_> = paths.iter().filter(|path| !has_child(Path::new(path))).cloned().collect();
            let why = why_changed(&all);
            prop_assert_eq!(&why.changed, &leaves[..leaves.len().min(super::NAMED)]);
            prop_assert_eq!(why.more, leaves.len() - why.changed.len());
        }
    }
}
