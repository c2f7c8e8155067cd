//! Symbolic links of the source, and which of them lead out of it.

use super::entry::Kind;
use super::snapshot::Snapshot;

/// The path and target of each link that leads out of the source.
pub fn symlinks_out(snapshot: &Snapshot) -> impl Iterator<Item = (&[u8], &[u8])> {
    all_symlinks(snapshot).filter(|(path, target)| leaves(path, target))
}

/// The path and target of each link of the source.
pub fn all_symlinks(snapshot: &Snapshot) -> impl Iterator<Item = (&[u8], &[u8])> {
    snapshot.entries.iter().filter_map(|entry| match &entry.kind {
        Kind::Link(target) => Some((&*entry.path, &**target)),
        _ => None,
    })
}

/// Whether the link at `path` points out of the source when both are in the container.
fn leaves(path: &[u8], target: &[u8]) -> bool {
    if target.starts_with(b"/") {
        return true;
    }
    let mut depth = path.iter().filter(|byte| **byte == b'/').count();
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if depth == 0 => return true,
            b".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::{all_symlinks, leaves};
    use crate::cancel::Cancel;
    use crate::source::rules::{LinkPolicy, Rules, Selection};
    use crate::source::walk::take_snapshot;

    #[test]
    fn only_links_that_climb_above_the_top_leave() {
        for (path, target) in [("a", "b"), ("d/a", "../b"), ("d/e/a", "../../b/./c"), ("a", "b/../c"), ("d/a", "..")] {
            assert!(!leaves(path.as_bytes(), target.as_bytes()), "{path} -> {target}");
        }
        for (path, target) in [("a", "/etc/passwd"), ("a", ".."), ("d/a", "../../b"), ("a", "b/../../c")] {
            assert!(leaves(path.as_bytes(), target.as_bytes()), "{path} -> {target}");
        }
    }

    #[test]
    fn followed_links_are_what_they_point_to_and_loops_stay_links() {
        let dir = tempfile::tempdir().unwrap();
        let (root, other) = (dir.path().join("root"), dir.path().join("other"));
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::create_dir(&other).unwrap();
        fs::write(other.join("file"), "content").unwrap();
        for (target, link) in
            [("../other", "out"), ("../../..", "a/b/up"), ("none", "gone"), ("out/file", "file"), ("self", "self")]
        {
            symlink(target, root.join(link)).unwrap();
        }
        // A loop over two links.
        symlink(root.join("a"), other.join("back")).unwrap();
        symlink("../../root/out", root.join("a/out")).unwrap();
        let selection = Selection { links: LinkPolicy::Followed, ..Selection::default() };
        let mut rules = Rules::new(&root, &selection, Cancel::default()).unwrap();
        let snapshot = take_snapshot(&root, &mut rules, &mut |_| {}).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let left: Vec<_> = all_symlinks(&snapshot).map(|(path, _)| text(path)).collect();
        assert_eq!(left, ["a/b/up", "a/out/back", "gone", "out/back/b/up", "out/back/out", "self"]);
        let size = |path: &str| snapshot.find(path.as_bytes()).map(|entry| entry.size);
        assert_eq!((size("file"), size("out/file"), size("a/out/file")), (Some(7), Some(7), Some(7)));
    }
}
