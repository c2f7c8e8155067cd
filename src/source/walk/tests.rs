//! An update of a snapshot finds what a walk through everything finds.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use proptest::prelude::*;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{DirtyPaths, Snapshot, parent, take_snapshot, update_snapshot};
use crate::cancel::Cancel;
use crate::source::rules::{Rules, Selection};

/// One change of a tree. Paths are made of few names, so that several changes concern the same path.
#[derive(Clone, Debug)]
enum Change {
    Write(String),
    Fill(String),
    Remove(String),
    Rename(String, String),
    Chmod(String, u32),
    Link(String),
    Ignore(String),
    /// A FIFO in this folder.
    Fifo(String),
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(prop_oneof!["a", "b", "a-b", "x.log"], 1..4).prop_map(|parts| parts.join("/"))
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => path().prop_map(Change::Write),
        2 => path().prop_map(Change::Fill),
        2 => path().prop_map(Change::Remove),
        2 => (path(), path()).prop_map(|(from, to)| Change::Rename(from, to)),
        1 => (path(), 0o700_u32..0o1000).prop_map(|(path, mode)| Change::Chmod(path, mode)),
        1 => path().prop_map(Change::Link),
        1 => path().prop_map(Change::Ignore),
        1 => path().prop_map(Change::Fifo),
    ]
}

/// Makes the change, if it is possible, and notes as dirty what file events would report.
fn make(root: &Path, change: &Change, dirty: &mut DirtyPaths, rules_changed: &mut bool) {
    let mark = |path: &str, dirty: &mut DirtyPaths, tree: bool| {
        dirty.folders.insert(parent(path.as_bytes()).into());
        if tree {
            dirty.trees.insert(path.as_bytes().into());
        }
    };
    let at = |path: &str| root.join(path);
    match change {
        Change::Write(path) => drop(fs::write(at(path), path).map(|()| mark(path, dirty, false))),
        Change::Fill(path) => {
            // Only the topmost new folder is reported.
            let mut top = path.as_str();
            while let Some((above, _)) = top.rsplit_once('/').filter(|(above, _)| !at(above).exists()) {
                top = above;
            }
            let is_new = !at(top).exists();
            if fs::create_dir_all(at(path)).is_ok() {
                let _ = fs::write(at(path).join("deep"), "");
                mark(top, dirty, is_new);
                mark(&format!("{path}/deep"), dirty, false);
            }
        }
        Change::Remove(path) => {
            if fs::remove_dir_all(at(path)).or_else(|_| fs::remove_file(at(path))).is_ok() {
                mark(path, dirty, true);
            }
        }
        Change::Rename(from, to) => {
            if fs::rename(at(from), at(to)).is_ok() {
                mark(from, dirty, true);
                mark(to, dirty, true);
            }
        }
        Change::Chmod(path, mode) => {
            let set = fs::set_permissions(at(path), fs::Permissions::from_mode(*mode));
            drop(set.map(|()| mark(path, dirty, false)));
        }
        Change::Link(path) => drop(symlink("target", at(path)).map(|()| mark(path, dirty, false))),
        Change::Fifo(folder) => {
            let path = format!("{folder}/fifo");
            if mknodat(CWD, at(&path), FileType::Fifo, Mode::from(0o644), 0).is_ok() {
                mark(&path, dirty, false);
            }
        }
        Change::Ignore(path) => {
            if fs::write(at(path).join(".gitignore"), "*.log\n").is_ok() {
                *rules_changed = true;
            }
        }
    }
}

fn shape(snapshot: &Snapshot) -> Vec<String> {
    let entries = snapshot.entries.iter().map(|entry| {
        // Of a folder's times, only the one that is sent matters.
        let stamp = if entry.is_folder() { format!("{:?}", entry.mtime) } else { entry.inode_stamp().to_string() };
        format!("{} {:?} {:o} {} {stamp}", entry.path().display(), entry.kind, entry.mode, entry.size)
    });
    let ignored = snapshot.ignored.iter().map(|path| format!("ignored {}", path.display()));
    let special = snapshot.special.iter().map(|path| format!("special {}", path.display()));
    entries.chain(ignored).chain(special).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn looking_where_events_were_sees_what_a_whole_walk_sees(
        rounds in prop::collection::vec(prop::collection::vec(change(), 1..6), 1..6), included: bool,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::write(root.join(".gitignore"), if included { "x.log\na/\n" } else { "x.log\n" }).unwrap();
        let include = if included { vec!["a/b/a".to_owned(), "b/a/x.log".to_owned()] } else { Vec::new() };
        let selection = Selection { gitignore: true, include, ..Selection::default() };
        let rules = || Rules::new(root, &selection, Cancel::default()).unwrap();
        let mut seen = take_snapshot(root, &mut rules(), &mut |_| {}).unwrap();
        for round in rounds {
            let mut dirty = DirtyPaths::default();
            let mut rules_changed = false;
            round.iter().for_each(|change| make(root, change, &mut dirty, &mut rules_changed));
            if rules_changed {
                dirty.trees = BTreeSet::from([[].into()]);
            }
            seen = update_snapshot(&seen, root, &mut rules(), &dirty, &mut |_| {}).unwrap();
            let whole = take_snapshot(root, &mut rules(), &mut |_| {}).unwrap();
            prop_assert_eq!(shape(&seen), shape(&whole), "{:?}", dirty);
        }
    }
}
