//! What is sent of small trees.

use std::fs;
use std::path::Path;

use super::{LinkPolicy, Rules, Selection, Verdict};
use crate::cancel::Cancel;

fn rules(files: &[(&str, &str)], include: &[&str], exclude: &[&str]) -> (tempfile::TempDir, Rules) {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let own = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect();
    let selection = Selection {
        gitignore: true,
        editor_files: true,
        include: own(include),
        exclude: own(exclude),
        links: LinkPolicy::Kept,
    };
    let rules = Rules::new(dir.path(), &selection, Cancel::default()).unwrap();
    (dir, rules)
}

#[test]
fn ignore_files_count_outside_a_repository_and_dotfiles_are_sent() {
    let (_dir, mut rules) = rules(&[(".gitignore", "*.log\n"), (".s2iignore", "!keep.log\n/build\n")], &[], &[]);
    assert_eq!(rules.verdict(Path::new("a.log"), false), Verdict::Ignored);
    assert_eq!(rules.verdict(Path::new("keep.log"), false), Verdict::Sent);
    assert_eq!(rules.verdict(Path::new("build"), true), Verdict::Ignored);
    assert_eq!(rules.verdict(Path::new(".env"), false), Verdict::Sent);
    assert_eq!(rules.verdict(Path::new("sub/.git"), true), Verdict::Unlisted);
}

#[test]
fn an_include_brings_back_what_it_names_and_nothing_else() {
    let (_dir, mut rules) = rules(&[(".gitignore", "dist/\n*.log\n")], &["dist/js/*.js", "seen.log"], &[]);
    assert_eq!(rules.verdict(Path::new("dist"), true), Verdict::Descend);
    assert_eq!(rules.verdict(Path::new("dist/js"), true), Verdict::Descend);
    assert_eq!(rules.verdict(Path::new("dist/js/a.js"), false), Verdict::Sent);
    assert_eq!(rules.verdict(Path::new("dist/css"), true), Verdict::Ignored);
    assert_eq!(rules.verdict(Path::new("sub/seen.log"), false), Verdict::Sent);
    assert_eq!(rules.verdict(Path::new("sub/other.log"), false), Verdict::Ignored);
}

#[test]
fn an_included_folder_comes_whole_but_for_what_is_excluded() {
    let (_dir, mut rules) = rules(&[(".gitignore", "dist/\n")], &["dist"], &["*.map"]);
    assert_eq!(rules.verdict(Path::new("dist"), true), Verdict::Sent);
    assert_eq!(rules.verdict(Path::new("dist/deep/a.js"), false), Verdict::Sent);
    assert_eq!(rules.verdict(Path::new("dist/deep/a.map"), false), Verdict::Ignored);
}

#[test]
fn the_rule_that_hides_a_file_is_found() {
    let (dir, mut rules) =
        rules(&[(".gitignore", "# logs\n*.log\n"), ("sub/.s2iignore", "/tmp\n"), ("sub/tmp/a", "")], &[], &[]);
    let mut found = |path: &str| rules.rule_about(Path::new(path)).map(|rule| (rule.file, rule.line, rule.text));
    assert_eq!(found("sub/x.log"), Some((dir.path().join(".gitignore"), 2, "*.log".to_owned())));
    assert_eq!(found("sub/tmp/a"), Some((dir.path().join("sub/.s2iignore"), 1, "/tmp".to_owned())));
    assert_eq!(found("sub/y"), None);
}

#[test]
fn a_glob_that_can_not_be_parsed_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let selection = Selection { exclude: vec!["a[".to_owned()], ..Selection::default() };
    let Err(error) = Rules::new(dir.path(), &selection, Cancel::default()) else { panic!("`a[` was taken") };
    assert!(error.to_string().contains("--exclude a["), "{error}");
}

#[test]
fn what_editors_write_beside_a_file_is_not_sent_unless_it_is_named() {
    let (_dir, mut rules) = rules(&[(".s2iignore", "!kept~\n")], &["4913"], &[]);
    assert_eq!(rules.verdict(Path::new(".app.py.swp"), false), Verdict::Unlisted);
    assert_eq!(rules.verdict(Path::new("sub/app.py~"), false), Verdict::Unlisted);
    assert_eq!(rules.verdict(Path::new("kept~"), false), Verdict::Sent);
    assert_eq!(rules.verdict(Path::new("4913"), false), Verdict::Sent);
    assert_eq!(rules.verdict(Path::new("folder~"), true), Verdict::Sent);
}

#[test]
fn a_fault_of_a_rule_file_is_gone_when_the_file_is_mended() {
    let (dir, mut rules) = rules(&[(".gitignore", "b[\n"), ("a", "")], &[], &[]);
    rules.verdict(Path::new("a"), false);
    let fault = format!("{}:1 ignores nothing: a `[` has no `]`", dir.path().join(".gitignore").display());
    assert_eq!(rules.faults().unwrap(), [fault]);
    fs::write(dir.path().join(".gitignore"), "b\n").unwrap();
    rules.renew();
    rules.verdict(Path::new("a"), false);
    assert!(rules.faults().unwrap().is_empty());
}

#[test]
fn many_rules_and_many_names_take_their_product_and_not_more() {
    let text: String = (0..1000).map(|number| format!("name-{number}\n*.end{number}\n")).collect();
    let (_dir, mut rules) = rules(&[(".gitignore", &text)], &[], &[]);
    let hidden =
        (0..2000).filter(|n| rules.verdict(Path::new(&format!("x.end{n}")), false) == Verdict::Ignored).count();
    assert_eq!(hidden, 1000);
}
