//! Which entries of the source are sent: ignore files, options, and what is never sent.

use std::fs;

use super::fixtures::{LIST_FILES, assert_sent};
use crate::support::builder::Builder;
use crate::support::git::git;
use crate::support::project::Project;

#[test]
fn dotfiles_are_sent() {
    let project = Project::new().file(".env", "").file(".config/a", "");
    assert_sent(&project, &[], &[".env", ".config/a"]);
}

#[test]
fn what_a_gitignore_names_is_not_sent_in_a_repository_or_not() {
    let project = Project::new().file(".gitignore", "*.log\n/build/\n!keep.log\n").file("a.log", "");
    project.write("keep.log", "");
    project.write("sub/b.log", "");
    project.write("build/c", "");
    project.write("sub/build/d", "");
    let expected = [".gitignore", "keep.log", "sub/build/d"];
    assert_sent(&project, &[], &expected);
    git(&project.path(), &["init", "--quiet"]);
    assert_sent(&project, &[], &expected);
}

#[test]
fn a_nested_gitignore_counts_in_its_folder() {
    let project = Project::new().file("sub/.gitignore", "x\n").file("x", "").file("sub/x", "");
    assert_sent(&project, &[], &["x", "sub/.gitignore"]);
}

#[test]
fn a_gitignore_above_the_source_counts() {
    let project = Project::new().file("a.log", "").file("a.txt", "").file("out/b", "");
    let above = project.path().parent().unwrap().to_owned();
    git(&above, &["init", "--quiet"]);
    fs::write(above.join(".gitignore"), "*.log\n/source/out\n").unwrap();
    assert_sent(&project, &[], &["a.txt"]);
}

#[test]
fn gits_own_list_of_excludes_counts() {
    let project = Project::new().file("a.log", "").file("a.txt", "");
    git(&project.path(), &["init", "--quiet"]);
    fs::create_dir_all(project.path().join(".git/info")).unwrap();
    project.write(".git/info/exclude", "*.log\n");
    assert_sent(&project, &[], &["a.txt"]);
}

#[test]
fn the_users_global_excludes_count() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("git")).unwrap();
    fs::write(home.path().join("git/ignore"), "*.swp\n").unwrap();
    let project = Project::new().file("a.swp", "").file("a.txt", "");
    git(&project.path(), &["init", "--quiet"]);
    let builder = Builder::shared_evaluating();
    let run = project.build(&builder).assemble(LIST_FILES).env("XDG_CONFIG_HOME", home.path()).env("HOME", home.path());
    assert_eq!(run.success().assemble_output(), ["./a.txt"]);
}

#[test]
fn an_ignore_file_counts() {
    let project = Project::new().file(".ignore", "x\n").file("x", "").file("y", "");
    assert_sent(&project, &[], &[".ignore", "y"]);
}

#[test]
fn an_s2iignore_counts_at_any_depth() {
    let project = Project::new().file(".s2iignore", "*.md\n!README.md\n").file("a.md", "").file("README.md", "");
    project.write("sub/.s2iignore", "/local\n");
    project.write("sub/local", "");
    project.write("sub/deep/b.md", "");
    project.write("local", "");
    assert_sent(&project, &[], &[".s2iignore", "README.md", "sub/.s2iignore", "local"]);
}

#[test]
fn an_s2iignore_that_names_itself_still_counts() {
    let project = Project::new().file(".s2iignore", ".s2iignore\nsecret\n").file("secret", "").file("a", "");
    assert_sent(&project, &[], &["a"]);
}

#[test]
fn an_exclude_leaves_out_what_it_names() {
    let project = Project::new().file("a.txt", "").file("docs/b.txt", "").file("docs/c.pdf", "").file("d", "");
    assert_sent(&project, &["--exclude", "docs/*.txt", "--exclude", "/d"], &["a.txt", "docs/c.pdf"]);
}

#[test]
fn an_include_sends_what_git_ignores() {
    let project = Project::new().file(".gitignore", "dist/\n*.log\n").file("dist/js/a.js", "").file("x.log", "");
    project.write("dist/css/a.css", "");
    project.write("y.log", "");
    let options = ["--include", "dist/js/*.js", "--include", "x.log"];
    assert_sent(&project, &options, &[".gitignore", "dist/js/a.js", "x.log"]);
}

#[test]
fn no_gitignore_sends_what_git_ignores_but_not_what_s2iignore_names() {
    let project = Project::new().file(".gitignore", "a\n").file(".s2iignore", "b\n").file("a", "").file("b", "");
    assert_sent(&project, &["--no-gitignore"], &[".gitignore", ".s2iignore", "a"]);
}

#[test]
fn git_folders_and_files_are_never_sent() {
    let project = Project::new().file("a", "").file(".git/config", "").file("sub/.git/config", "");
    project.write("module/.git", "gitdir: ../.git/modules/module\n");
    project.write("module/b", "");
    project.write(".github/c", "");
    assert_sent(&project, &["--no-gitignore", "--include", ".git"], &["a", "module/b", ".github/c"]);
}

#[test]
fn one_note_counts_what_is_ignored_and_names_the_largest() {
    let project = Project::new().file(".gitignore", "*.log\nnode_modules\n").file("a.log", "tiny");
    project.write("node_modules/x/index.js", &"x".repeat(50_000));
    project.write("node_modules/y/index.js", &"y".repeat(50_000));
    let builder = Builder::shared_evaluating();
    let outcome = project.build(&builder).success();
    let note = "note: 2 entries are ignored and not sent, the largest is node_modules (97.66 KiB)";
    assert_eq!(outcome.stderr.matches(" ignored ").count(), 1, "{outcome}");
    outcome.says(note);
}

#[test]
fn nothing_is_said_when_nothing_is_ignored() {
    let project = Project::new().file("a", "");
    project.build(&Builder::shared_evaluating()).success().never_says("note:");
}

#[test]
fn a_glob_that_can_not_be_parsed_is_a_usage_error() {
    let project = Project::new().file("a", "");
    project.build(&Builder::shared_evaluating()).args(&["--exclude", "a["]).run().status(2).says("--exclude a[");
}
