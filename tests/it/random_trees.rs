//! Any tree goes through a build and comes back equal out of the image.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use filetime::FileTime;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::archive::Entry;
use crate::support::builder::Builder;
use crate::support::project::Project;

/// The kind of an entry, with what belongs to it.
#[derive(Clone, Debug)]
enum EntryKind {
    File { content: Vec<u8>, mode: u32 },
    Folder { mode: u32 },
    Link { target: Vec<u8> },
}

/// An entry to be written. `parent` chooses among the folders that exist by then.
#[derive(Clone, Debug)]
struct PlannedEntry {
    parent: prop::sample::Index,
    name: Vec<u8>,
    kind: EntryKind,
    mtime: i64,
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => b'a'..=b'z', 1 => 1..=255u8];
    let bytes = prop_oneof![6 => prop::collection::vec(byte.clone(), 1..12), 1 => prop::collection::vec(byte, 90..200)];
    let strange = prop::sample::select(vec![
        &b" "[..],
        b"\n",
        b"-rf",
        b"...",
        b"a\\",
        b"'\"",
        b"$(x)",
        b"*",
        b"\xff",
        b"CON",
        b"#",
        b"!a",
    ]);
    let name = prop_oneof![5 => bytes, 1 => strange.prop_map(<[u8]>::to_vec)];
    // `.wh.` is how layers of images say that something is removed; no engine stores such names.
    name.prop_map(|name| name.into_iter().map(|byte| if byte == b'/' { b'_' } else { byte }).collect::<Vec<_>>())
        .prop_filter("names with a meaning of their own", |name| {
            name != b"." && name != b".." && !name.starts_with(b".wh.")
        })
}

fn kind() -> impl Strategy<Value = EntryKind> {
    let content = prop_oneof![
        3 => prop::collection::vec(any::<u8>(), 0..600),
        1 => prop::collection::vec(any::<u8>(), 512..513),
        1 => (60_000..200_000usize, any::<u8>()).prop_map(|(length, byte)| vec![byte; length]),
    ];
    // The user who runs the test has to be able to read it.
    let mode = (0..0o10000u32).prop_map(|mode| mode | 0o400);
    let folder_mode = (0..0o10000u32).prop_map(|mode| mode | 0o500);
    let target = prop::collection::vec(1..=255u8, 1..150);
    prop_oneof![
        4 => (content, mode).prop_map(|(content, mode)| EntryKind::File { content, mode }),
        2 => folder_mode.prop_map(|mode| EntryKind::Folder { mode }),
        1 => target.prop_map(|target| EntryKind::Link { target }),
    ]
}

fn tree() -> impl Strategy<Value = Vec<PlannedEntry>> {
    let plan = (any::<prop::sample::Index>(), name(), kind(), 0..4_000_000_000i64)
        .prop_map(|(parent, name, kind, mtime)| PlannedEntry { parent, name, kind, mtime });
    prop::collection::vec(plan, 25..45)
}

/// Writes the tree, and returns what should come back.
fn write_tree(root: &Path, plans: &[PlannedEntry]) -> BTreeMap<Vec<u8>, Entry> {
    let mut folders = vec![Vec::new()];
    let mut written: BTreeMap<Vec<u8>, Entry> = BTreeMap::new();
    for plan in plans {
        let parent = &folders[plan.parent.index(folders.len())];
        let path = if parent.is_empty() { plan.name.clone() } else { [parent, &b"/"[..], &plan.name].concat() };
        // Paths have at most 4,096 bytes, of which the folders above the tree need some.
        if written.contains_key(&path) || path.len() > 1500 {
            continue;
        }
        let place = root.join(OsStr::from_bytes(&path));
        let (kind, mode, link, content) = match &plan.kind {
            EntryKind::File { content, mode } => {
                fs::write(&place, content).unwrap();
                ('f', *mode, Vec::new(), content.clone())
            }
            EntryKind::Folder { mode } => {
                fs::create_dir(&place).unwrap();
                folders.push(path.clone());
                ('d', *mode, Vec::new(), Vec::new())
            }
            EntryKind::Link { target } => {
                symlink(OsStr::from_bytes(target), &place).unwrap();
                ('l', 0o777, target.clone(), Vec::new())
            }
        };
        written.insert(path, Entry { kind, mode, owner: (0, 0), mtime: plan.mtime.to_string(), link, content });
    }
    // Modes and times come last, and children before their parents, since writing into a folder changes its time and
    // may need another mode.
    for (path, entry) in written.iter().rev() {
        let place = root.join(OsStr::from_bytes(path));
        let time = FileTime::from_unix_time(entry.mtime.parse().unwrap(), 0);
        if entry.kind != 'l' {
            fs::set_permissions(&place, fs::Permissions::from_mode(entry.mode)).unwrap();
        }
        filetime::set_symlink_file_times(&place, time, time).unwrap();
    }
    written
}

#[test]
fn a_tree_comes_back_equal_out_of_the_image() {
    let builder = Builder::copying().make();
    let config = Config { cases: 6, max_shrink_iters: 20, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&tree(), |plans| {
        let project = Project::new();
        fs::create_dir_all(project.path()).unwrap();
        let written = write_tree(&project.path(), &plans);
        project.build(&builder).arg("--no-gitignore").success();
        let mut found = project.image().files("/app");
        found.remove(&b""[..]);
        for (path, entry) in &written {
            prop_assert_eq!(found.get(path), Some(entry), "{}", path.escape_ascii());
        }
        prop_assert_eq!(found.len(), written.len());
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}
