//! Archives that are not taken, and scripts that fail: the build goes on without artifacts.

use tar::EntryType as Type;

use super::fixtures::{AS_TAR, assemble_script};
use crate::support::archive::{END_OF_ARCHIVE, unchecked_entry};
use crate::support::builder::Builder;
use crate::support::project::Project;

/// Streams that are no archive, or are cut short, by name; each has a good entry at its beginning where that is possible.
fn no_archives() -> Vec<(&'static str, Vec<u8>)> {
    let good = good_entry();
    vec![
        ("garbage", b"this is no archive at all\n".repeat(100)),
        ("text before", [b"saving artifacts\n", good.as_slice(), &END_OF_ARCHIVE].concat()),
        ("cut in content", good[..1000].to_vec()),
        ("cut in a header", [good.clone(), file("other")[..100].to_vec()].concat()),
        ("gzip", [b"\x1f\x8b\x08\x00\0\0\0\0\x00\x03".to_vec(), vec![7; 2000]].concat()),
    ]
}

/// Archives by name that have entries which may not pass, after a good one, and the entry that is named. The unit tests of
/// the filter have more of them.
fn archives_with_bad_entries() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let with = |entries: &[Vec<u8>]| [&[good_entry()], entries, &[END_OF_ARCHIVE.to_vec()]].concat().concat();
    let link = |path: &str, target: &str| unchecked_entry(Type::Symlink, path, target, b"");
    let hard_link = |path: &str, target: &str| unchecked_entry(Type::Link, path, target, b"");
    vec![
        ("climbs out", with(&[file("../escaped")]), "../escaped"),
        ("absolute", with(&[file("/escaped")]), "/escaped"),
        ("device", with(&[unchecked_entry(Type::Char, "null", "", b"")]), "null"),
        ("FIFO", with(&[unchecked_entry(Type::Fifo, "pipe", "", b"")]), "pipe"),
        ("through a symlink", with(&[link("d", "/app"), file("d/escaped")]), "d/escaped"),
        ("through links of links", with(&[link("a", "."), link("a/b", ".."), file("b/escaped")]), "a/b"),
        ("hard link out", with(&[hard_link("h", "/etc/passwd"), file("h")]), "/etc/passwd"),
        ("hard link through a symlink", with(&[link("d", "/etc"), hard_link("h", "d/passwd")]), "h"),
        (
            "through a hard link to a symlink",
            with(&[link("d", "/app"), hard_link("e", "d"), file("e/escaped")]),
            "e/escaped",
        ),
        ("a folder that becomes a symlink", with(&[file("d/a"), link("d", "/app"), file("d/escaped")]), "d"),
        ("a file that becomes a folder", with(&[file("f"), file("f/a")]), "f/a"),
        ("the folder as a symlink", with(&[link(".", "/app"), file("escaped")]), "the folder of the artifacts"),
    ]
}

fn good_entry() -> Vec<u8> {
    unchecked_entry(Type::Regular, "good", "", &[b'x'; 3000])
}

fn file(path: &str) -> Vec<u8> {
    unchecked_entry(Type::Regular, path, "", b"escaped")
}

/// A project with the archives as its files `trick0`, `trick1` and so on.
fn project_with<'a>(archives: impl Iterator<Item = &'a [u8]>) -> Project {
    let project = Project::new();
    std::fs::create_dir_all(project.path()).unwrap();
    for (index, bytes) in archives.enumerate() {
        std::fs::write(project.path().join(format!("trick{index}")), bytes).unwrap();
    }
    project
}

/// What shows in `assemble` that an entry got where it may not.
const SHOW_ESCAPED: &str = "for f in /escaped /tmp/escaped /app/escaped; do [ ! -e $f ] || echo $f; done
    grep escaped /etc/passwd || true; cp trick* /app/";

#[test]
fn what_is_no_archive_gives_a_warning_and_a_build_without_artifacts() {
    let builder = Builder::shared_evaluating();
    let tricks = no_archives();
    let project = project_with(tricks.iter().map(|(_, bytes)| bytes.as_slice()));
    let assemble = format!("[ ! -e /tmp/artifacts ] || echo artifacts; {SHOW_ESCAPED}");
    let mut before: Option<&str> = None;
    for index in 0..=tricks.len() {
        let run = project.build(&builder).assemble(&assemble).save(&format!("cat /app/trick{index}"));
        let outcome = run.success();
        let what = before.unwrap_or("nothing");
        assert!(outcome.assemble_output().is_empty(), "{what}\n{outcome}");
        let warned = outcome.stderr.contains("warning: `save-artifacts` failed, building without artifacts: ");
        assert_eq!(warned, before.is_some(), "{what}\n{outcome}");
        before = tricks.get(index).map(|(name, _)| *name);
    }
}

#[test]
fn one_entry_that_may_not_pass_took_all_artifacts_away() {
    let builder = Builder::shared_evaluating();
    let tricks = archives_with_bad_entries();
    let project = project_with(tricks.iter().map(|(_, bytes, _)| bytes.as_slice()));
    let assemble = format!("wc -c </tmp/artifacts/good; {SHOW_ESCAPED}");
    project.build(&builder).assemble(SHOW_ESCAPED).save("cat /app/trick0").success();
    for (index, (what, _, named)) in tricks.iter().enumerate() {
        let outcome =
            project.build(&builder).assemble(&assemble).save(&format!("cat /app/trick{}", index + 1)).success();
        assert_eq!(outcome.assemble_output(), ["3000"], "{what}\n{outcome}");
        let warning = outcome.stderr.lines().find(|line| line.starts_with("warning:"));
        let warning = warning.unwrap_or_else(|| panic!("{what}\n{outcome}"));
        assert!(
            warning.contains("entry of the artifacts is left out: ") && warning.contains(named),
            "{what}\n{outcome}"
        );
    }
}

#[test]
fn a_script_that_fails_after_a_good_archive_delivers_nothing() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    let save = "tar -C /tmp/kept -cf - .; echo sorry >&2; exit 3";
    project.build(&builder).assemble(&assemble_script("echo x >a", ":")).save(save).success();
    let outcome = project.build(&builder).assemble("[ ! -e /tmp/artifacts ] && echo none").success();
    assert_eq!(outcome.assemble_output(), ["none"]);
    outcome.says("sorry\n").says("warning: `save-artifacts` failed").says("status 3");
}

#[test]
fn a_script_that_fails_after_copying_delivers_nothing() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    let save = "cp /tmp/kept/a /tmp/artifacts/; exit 3";
    project.build(&builder).assemble(&assemble_script("echo x >a", ":")).save(save).success();
    let outcome = project.build(&builder).assemble("[ ! -e /tmp/artifacts ] && echo none").success();
    assert_eq!(outcome.assemble_output(), ["none"]);
    outcome.says("warning: `save-artifacts` failed");
}

#[test]
fn what_the_builder_has_there_itself_is_as_it_was_after_a_failure() {
    let builder = Builder::evaluating().file("tmp/artifacts/baked", 0o644, "baked\n").make();
    let project = Project::new();
    let save = "mkdir /tmp/k; echo other >/tmp/k/baked; tar -C /tmp/k -cf - .; exit 3";
    project.build(&builder).save(save).success();
    let outcome = project.build(&builder).assemble("cat /tmp/artifacts/*").save(AS_TAR).success().says("warning:");
    assert_eq!(outcome.assemble_output(), ["baked"]);
}

#[test]
fn what_the_builder_has_there_itself_stays_beside_the_artifacts() {
    let builder = Builder::evaluating().file("tmp/artifacts/baked", 0o644, "baked\n").make();
    let project = Project::new();
    project.build(&builder).assemble(&assemble_script("echo own >own", ":")).save(AS_TAR).success();
    assert_eq!(project.build(&builder).assemble("cat /tmp/artifacts/*").success().assemble_output(), ["baked", "own"]);
}
