//! The owner of the upload in the build container.

use std::os::unix::fs::symlink;

use super::fixtures::user_builder;
use crate::support::project::Project;

#[track_caller]
fn assert_owns_and_can_write(user: &'static str, expected: &str) {
    let builder = user_builder(user);
    let project = Project::new().file("file", "x").file("folder/file", "x").file(".s2i/bin/run", "#!/bin/sh\n");
    symlink("file", project.path().join("link")).unwrap();
    project.chmod("folder/file", 0o444);
    let look = "stat -c %u:%g . file link folder folder/file ../scripts ../scripts/run
        echo more >>file; mv folder moved; rm -f moved/file; chmod 700 .; cd /; rm -rf /tmp/src; mkdir /tmp/src";
    let outcome = project.build(&builder).assemble(look).success();
    assert_eq!(outcome.assemble_output(), [expected; 7], "{outcome}");
}

#[test]
fn a_numeric_user_without_an_account_owns_all() {
    assert_owns_and_can_write("USER 1234", "1234:0");
}

#[test]
fn a_numeric_user_owns_all_with_the_group_of_its_account() {
    assert_owns_and_can_write("USER 1002", "1002:1003");
}

#[test]
fn a_user_with_a_group_owns_all() {
    assert_owns_and_can_write("USER 1234:2000", "1234:2000");
}

#[test]
fn a_named_user_owns_all() {
    assert_owns_and_can_write("USER default", "1001:0");
}

#[test]
fn a_named_user_with_a_named_group_owns_all() {
    assert_owns_and_can_write("USER default:others", "1001:2000");
}

#[test]
fn root_owns_all() {
    assert_owns_and_can_write("USER root", "0:0");
}

#[test]
fn the_assemble_user_of_the_label_owns_all() {
    assert_owns_and_can_write("LABEL io.openshift.s2i.assemble-user=1234:2000", "1234:2000");
}
