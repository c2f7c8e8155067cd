//! Sources that cannot be used.

use std::os::unix::fs::symlink;

use super::fixtures::{assert_fails, assert_refused};
use crate::support::builder::Builder;
use crate::support::exit_status::USAGE;
use crate::support::project::Project;
use crate::support::run::Run;

#[test]
fn a_missing_source_is_named() {
    let run = Run::new().args(&["build", "/none/such", "builder", "app"]);
    assert_fails(run, USAGE, "there is no source folder `/none/such`", "minis2i build SOURCE BUILDER TAG");
}

#[test]
fn a_source_that_is_a_file_is_refused() {
    let project = Project::new().file("app.py", "1");
    let file = project.path().join("app.py").display().to_string();
    let run = Run::new().args(&["build", &file, "builder", "app"]);
    assert_fails(run, USAGE, "app.py` is a file, not a folder", "give the folder that holds it");
}

#[test]
fn a_source_that_can_not_be_reached_is_refused() {
    let project = Project::new().file("closed/app/main.py", "1");
    project.chmod("closed", 0o000);
    let folder = project.path().join("closed/app").display().to_string();
    let run = Run::new().without_root_permissions().args(&["build", &folder, "builder", "app"]);
    assert_fails(run, USAGE, "Permission denied", "readable");
}

#[test]
fn an_unreadable_file_of_the_source_is_named() {
    let builder = Builder::copying().make();
    let project = Project::new().file("fine", "1").file("folder/secret", "2");
    project.chmod("folder/secret", 0o000);
    let run = project.build(&builder).without_root_permissions();
    assert_refused(&project, run, USAGE, "folder/secret`", ".s2iignore");
}

#[test]
fn an_unreadable_folder_of_the_source_is_named() {
    let builder = Builder::copying().make();
    let project = Project::new().file("fine", "1").file("folder/deep", "2");
    project.chmod("folder", 0o000);
    let run = project.build(&builder).without_root_permissions();
    assert_refused(&project, run, USAGE, "folder`", ".s2iignore");
}

#[test]
fn an_unreadable_file_that_is_left_out_does_not_matter() {
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "1").file("secret", "2").file(".s2iignore", "secret\n");
    project.chmod("secret", 0o000);
    project.build(&builder).without_root_permissions().success();
    assert!(!project.image().has("/app/secret"));
}

#[test]
fn an_unreadable_script_of_the_source_is_named() {
    let builder = Builder::copying().make();
    let project = Project::new().file(".s2i/bin/assemble", "#!/bin/sh\n");
    project.chmod(".s2i/bin/assemble", 0o000);
    let run = project.build(&builder).without_root_permissions();
    assert_refused(&project, run, USAGE, ".s2i/bin/assemble`", "make it a readable file");
}

#[test]
fn an_empty_source_is_passed_on() {
    let builder = Builder::new().script("assemble", "#!/bin/sh\nls -A /tmp/src | wc -l >out\n").make();
    let project = Project::new();
    project.build(&builder).success();
    assert_eq!(project.image().run(&[]), "0");
}

#[test]
fn a_source_given_by_a_link_is_used() {
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "linked");
    let link = project.path().with_extension("link");
    symlink(project.path(), &link).unwrap();
    Run::new().args(&["build", link.to_str().unwrap(), builder.name(), &project.tag]).success();
    assert_eq!(project.image().run(&[]), "linked");
}
