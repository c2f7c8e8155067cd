//! What is sent of random trees is what git itself lists.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::{Rules, Selection};
use crate::cancel::Cancel;
use crate::git::work_tree::git_folder;
use crate::source::walk::take_snapshot;

/// Names of files and folders. None is one that editors give.
const NAMES: [&[u8]; 15] =
    [b"a", b"b", b"ab", b"A", b"c.log", b"a b", b"a ", b"[a]", b"*", b"!a", b"#a", b"\xe9", b"a\\", b"-", b".h"];

/// What rules are put together from.
const PARTS: [&[u8]; 34] = [
    b"a",
    b"b",
    b"ab",
    b"A",
    b"c.log",
    b"*",
    b"*",
    b"**",
    b"?",
    b"/",
    b"/",
    b"/",
    b"[a-c]",
    b"[!a]",
    b"[^b]",
    b"[[:alpha:]]",
    b"[]a]",
    b"[a",
    b"\\",
    b" ",
    b"!",
    b"#",
    b".log",
    b"{a,b}",
    b"\r",
    b"\t",
    b"\xe9",
    b"/**",
    b"**/",
    b"/**/",
    b"[a-\\b]",
    b"[[:x]",
    b"-",
    b".",
];

#[derive(Clone, Debug)]
enum Step {
    File(PathBuf),
    Folder(PathBuf),
    Link(PathBuf),
    Rules(PathBuf, Vec<u8>),
    RulesByLink(PathBuf),
    /// A repository below the first one.
    Nested(PathBuf, NestedKind),
}

#[derive(Clone, Copy, Debug)]
enum NestedKind {
    Plain,
    /// With its `.git` elsewhere.
    Linked,
    /// A `.git` that is no repository.
    Fake,
}

fn path() -> impl Strategy<Value = PathBuf> {
    let name = prop::sample::select(NAMES.to_vec());
    prop::collection::vec(name, 1..4).prop_map(|names| OsString::from_vec(names.join(&b'/')).into())
}

fn rules() -> impl Strategy<Value = Vec<u8>> {
    let line = prop::collection::vec(prop::sample::select(PARTS.to_vec()), 1..5).prop_map(|parts| parts.concat());
    let known = prop::sample::select(vec![
        b"*".to_vec(),
        b"*.log".to_vec(),
        b"a/".to_vec(),
        b"!a".to_vec(),
        b"!*/".to_vec(),
        b"/b".to_vec(),
        b"**/a/**".to_vec(),
        b"\xef\xbb\xbfa".to_vec(),
        b"a\0b".to_vec(),
    ]);
    let line = prop_oneof![3 => line, 2 => known];
    prop::collection::vec(line, 1..5).prop_map(|lines| lines.join(&b'\n'))
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop::sample::select(vec![NestedKind::Plain, NestedKind::Linked, NestedKind::Fake]);
    prop_oneof![
        12 => path().prop_map(Step::File),
        1 => path().prop_map(Step::Folder),
        1 => path().prop_map(Step::Link),
        4 => (path(), rules()).prop_map(|(path, rules)| Step::Rules(path, rules)),
        1 => path().prop_map(Step::RulesByLink),
        1 => (path(), kind).prop_map(|(path, kind)| Step::Nested(path, kind)),
    ]
}

/// A tree, and what git's own files of its first repository say.
#[derive(Clone, Debug)]
struct Tree {
    steps: Vec<Step>,
    top_rules: Option<Vec<u8>>,
    info: Option<Vec<u8>>,
    global: Option<Vec<u8>>,
    ignore_case: bool,
    tracked: Vec<prop::sample::Index>,
    /// The source is a folder of the tree.
    source: Option<prop::sample::Index>,
}

fn tree() -> impl Strategy<Value = Tree> {
    let maybe = || prop::option::weighted(0.4, rules());
    let picks = prop::collection::vec(any::<prop::sample::Index>(), 0..4);
    let source = prop::option::weighted(0.3, any::<prop::sample::Index>());
    let steps = prop::collection::vec(step(), 1..14);
    let ignore_case = prop::bool::weighted(0.15);
    (steps, prop::option::of(rules()), maybe(), maybe(), ignore_case, picks, source).prop_map(
        |(steps, top_rules, info, global, ignore_case, tracked, source)| Tree {
            steps,
            top_rules,
            info,
            global,
            ignore_case,
            tracked,
            source,
        },
    )
}

/// Makes a folder a repository, as `git init` would.
fn make_repository(git: &Path) {
    for folder in ["objects", "refs", "info"] {
        fs::create_dir_all(git.join(folder)).unwrap();
    }
    fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    fs::write(git.join("config"), "[core]\n\trepositoryformatversion = 0\n\tbare = false\n").unwrap();
}

fn make(step: &Step, root: &Path, outside: &Path, number: usize) {
    // What is not possible is left out.
    let folder = |path: &Path| fs::create_dir_all(root.join(path.parent().unwrap())).is_ok();
    let rules_beside = |path: &Path| root.join(path).with_file_name(".gitignore");
    match step {
        Step::File(path) => _ = folder(path) && fs::write(root.join(path), "").is_ok(),
        Step::Folder(path) => _ = fs::create_dir_all(root.join(path)),
        Step::Link(path) => _ = folder(path) && symlink("a", root.join(path)).is_ok(),
        Step::Rules(path, rules) => _ = folder(path) && fs::write(rules_beside(path), rules).is_ok(),
        Step::RulesByLink(path) => {
            let rules = outside.join("rules");
            fs::write(&rules, "*\n").unwrap();
            _ = folder(path) && symlink(rules, rules_beside(path)).is_ok();
        }
        Step::Nested(path, kind) => {
            if fs::create_dir_all(root.join(path)).is_err() {
                return;
            }
            let git = root.join(path).join(".git");
            match kind {
                _ if git.exists() => {}
                NestedKind::Plain => make_repository(&git),
                NestedKind::Fake => fs::create_dir_all(git.join("objects")).unwrap(),
                NestedKind::Linked => {
                    let elsewhere = outside.join(format!("git-{number}"));
                    make_repository(&elsewhere);
                    fs::write(elsewhere.join("info/exclude"), "b\n").unwrap();
                    fs::write(git, format!("gitdir: {}\n", elsewhere.display())).unwrap();
                }
            }
        }
    }
}

fn git(folder: &Path, args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap().stdout
}

/// The files that git lists in a repository, and in those below it which it does not ignore, relative to `root`.
fn listed(root: &Path, top: &Path, files: &mut BTreeSet<PathBuf>) {
    let output = git(top, &["ls-files", "-z", "-co", "--exclude-standard"], b"");
    for path in output.split(|byte| *byte == 0).filter(|path| !path.is_empty()) {
        let path = top.join(OsStr::from_bytes(path.strip_suffix(b"/").unwrap_or(path)));
        match fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_dir() => listed(root, &path, files),
            Ok(_) => drop(files.insert(path.strip_prefix(root).unwrap().to_owned())),
            Err(_) => {}
        }
    }
}

/// All files and links, relative to `root`.
fn all_files(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) {
    for item in fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|item| item.file_name() != ".git") {
        if item.file_type().unwrap().is_dir() {
            all_files(root, &item.path(), files);
        } else {
            files.push(item.path().strip_prefix(root).unwrap().to_owned());
        }
    }
    files.sort_unstable();
}

fn check(tree: &Tree) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let (root, outside) = (dir.path().join("root"), dir.path().join("outside"));
    make_repository(&root.join(".git"));
    fs::create_dir(&outside).unwrap();
    tree.steps.iter().enumerate().for_each(|(number, step)| make(step, &root, &outside, number));
    if let Some(rules) = &tree.top_rules {
        // There may be a link of that name.
        let _ = fs::remove_file(root.join(".gitignore"));
        fs::write(root.join(".gitignore"), rules).unwrap();
    }
    if let Some(rules) = &tree.info {
        fs::write(root.join(".git/info/exclude"), rules).unwrap();
    }
    let mut config = fs::read_to_string(root.join(".git/config")).unwrap();
    if let Some(rules) = &tree.global {
        fs::write(outside.join("global"), rules).unwrap();
        config += &format!("\texcludesFile = {}\n", outside.join("global").display());
    }
    let mut files = Vec::new();
    all_files(&root, &root, &mut files);
    // Where letters match in either case, no folder has two names that differ in that only; here it can.
    let folded: BTreeSet<_> = files.iter().map(|path| path.as_os_str().to_ascii_lowercase()).collect();
    if tree.ignore_case && folded.len() == files.len() {
        config += "\tignoreCase = true\n";
    }
    fs::write(root.join(".git/config"), config).unwrap();
    let is_nested = |path: &Path| {
        path.ancestors().skip(1).any(|above| !above.as_os_str().is_empty() && git_folder(&root.join(above)).is_some())
    };
    let own: Vec<_> = files.iter().filter(|path| !is_nested(path)).collect();
    if !own.is_empty() && !tree.tracked.is_empty() {
        let picked: Vec<&[u8]> = tree.tracked.iter().map(|pick| pick.get(&own).as_os_str().as_bytes()).collect();
        git(&root, &["update-index", "--add", "-z", "--stdin"], &picked.join(&0));
    }
    let mut expected = BTreeSet::new();
    listed(&root, &root, &mut expected);
    let folders: Vec<PathBuf> =
        expected.iter().filter_map(|path| path.parent()).filter(|path| !is_nested(path)).map(Path::to_owned).collect();
    let source = match &tree.source {
        Some(pick) if !folders.is_empty() => pick.get(&folders).clone(),
        _ => PathBuf::new(),
    };
    // A source that is ignored itself is sent all the same.
    let ignored = [b"./", source.as_os_str().as_bytes()].concat();
    if !source.as_os_str().is_empty()
        && !git(&root, &["check-ignore", "--no-index", "-z", "--stdin"], &ignored).is_empty()
    {
        return Ok(());
    }
    let selection = Selection { gitignore: true, editor_files: true, ..Selection::default() };
    let at = if source.as_os_str().is_empty() { root.clone() } else { root.join(&source) };
    let mut rules = Rules::new(&at, &selection, Cancel::default()).unwrap();
    let snapshot = take_snapshot(&at, &mut rules, &mut |_| {}).unwrap();
    let sent: BTreeSet<PathBuf> =
        snapshot.entries.iter().filter(|entry| !entry.is_folder()).map(|entry| source.join(entry.path())).collect();
    let expected: BTreeSet<PathBuf> = expected.into_iter().filter(|path| path.starts_with(&source)).collect();
    prop_assert_eq!(sent, expected);
    Ok(())
}

/// How many trees are made: so many that it takes some seconds, or as many as PROPTEST_CASES says.
fn cases() -> u32 {
    if std::env::var_os("PROPTEST_CASES").is_some() { ProptestConfig::default().cases } else { 150 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]
    #[test]
    fn what_is_sent_is_what_git_lists(tree in tree()) {
        check(&tree)?;
    }
}
