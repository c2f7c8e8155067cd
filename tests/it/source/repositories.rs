//! What is sent of repositories: what git would take, and rule files that can not be taken at their word.

use std::collections::BTreeSet;
use std::fs;

use super::fixtures::{LIST_FILES, assert_sent, listed_files};
use crate::support::builder::Builder;
use crate::support::git::git;
use crate::support::project::Project;

#[test]
fn rules_above_a_repository_left_its_image_empty() {
    let project = Project::new().file("a", "").file("sub/b", "");
    let home = project.path().parent().unwrap().to_owned();
    fs::write(home.join(".gitignore"), "*\n").unwrap();
    assert_sent(&project, &[], &["a", "sub/b"]);
    git(&home, &["init", "--quiet"]);
    git(&project.path(), &["init", "--quiet"]);
    assert_sent(&project, &[], &["a", "sub/b"]);
}

#[test]
fn a_linked_work_tree_and_a_nested_repository_have_their_own_rules() {
    let project = Project::new().file(".gitignore", "trees/\n*.log\n").file("a.log", "").file("nested/a.log", "");
    project.write("nested/.gitignore", "*.txt\n");
    project.write("nested/a.txt", "");
    git(&project.path(), &["init", "--quiet"]);
    git(&project.path().join("nested"), &["init", "--quiet"]);
    git(&project.path(), &["add", ".gitignore"]);
    git(&project.path(), &["commit", "--quiet", "--message", "first"]);
    git(&project.path(), &["worktree", "add", "--quiet", "trees/other"]);
    project.write("trees/other/b", "");
    assert_sent(&project, &[], &[".gitignore", "nested/.gitignore", "nested/a.log"]);
    let other = project.path().join("trees/other");
    let builder = Builder::shared_evaluating();
    let run = project.build(&builder).source(other.to_str().unwrap()).assemble(LIST_FILES);
    assert_eq!(listed_files(&run.success()), BTreeSet::from([".gitignore", "b"]));
}

#[test]
fn files_that_git_tracks_were_missing_because_a_rule_names_them() {
    let project = Project::new().file(".gitignore", "dist/\n*.lock\n").file("dist/app.js", "").file("poetry.lock", "");
    project.write(".ignore", "poetry.*\n");
    project.write("dist/other.js", "");
    project.write("x.lock", "");
    git(&project.path(), &["init", "--quiet"]);
    git(&project.path(), &["add", "--force", "dist/app.js", "poetry.lock", ".gitignore", ".ignore"]);
    let tracked = [".gitignore", ".ignore", "dist/app.js", "poetry.lock"];
    assert_sent(&project, &[], &tracked);
    assert_sent(&project, &["--exclude", "poetry.lock"], &tracked[..3]);
    git(&project.path(), &["commit", "--quiet", "--message", "first"]);
    let url = format!("file://{}/.git", project.path().display());
    let builder = Builder::shared_evaluating();
    let run = project.build(&builder).source(&url).assemble(LIST_FILES);
    assert_eq!(listed_files(&run.success()), BTreeSet::from(tracked));
}

#[test]
fn a_byte_that_is_no_text_made_a_rule_file_ineffective() {
    let project = Project::new().file("secret.env", "").file("a", "").file(".gitignore", "b[\n");
    fs::write(project.path().join(".s2iignore"), b"# caf\xe9\nsecret.env\n").unwrap();
    let outcome = assert_sent(&project, &[], &[".gitignore", ".s2iignore", "a"]);
    outcome.says(".gitignore:1 ignores nothing: a `[` has no `]`");
}

#[test]
fn a_source_whose_files_are_all_ignored_was_empty_without_a_word() {
    let project = Project::new().file(".s2iignore", "# all\n*\n").file("a", "");
    let outcome = assert_sent(&project, &[], &[]);
    outcome.says("warning: no file of the source is sent").says("by the rule `*`").says(".s2iignore:2)");
}

#[test]
fn what_editors_write_beside_a_file_is_not_sent() {
    let project = Project::new().file("app.py", "").file(".app.py.swp", "").file("app.py~", "").file("#app.py#", "");
    project.write("4913", "");
    assert_sent(&project, &["--include", "*.py~"], &["app.py", "app.py~"]).never_says("ignored");
}
