//! Builds that have no artifacts to take over, or only text after the archive.

use super::fixtures::{AS_TAR, assemble_script};
use crate::support::builder::Builder;
use crate::support::engine::{BASE, docker};
use crate::support::project::Project;

#[test]
fn no_folder_is_made_when_nothing_was_saved() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    let ways = ["", ":", "head -c 10240 /dev/zero", "echo 'tar: vendor: Cannot stat' >&2; head -c 10240 /dev/zero"];
    let before = [""].into_iter().chain(ways);
    for (before, save) in before.zip(ways.into_iter().chain([""])) {
        let run = project.build(&builder).save(save).assemble("[ ! -e /tmp/artifacts ] && echo none");
        let outcome = run.success().never_says("warning:");
        assert_eq!(outcome.assemble_output(), ["none"], "after `{before}`");
    }
    assert!(!project.image().has("/tmp/artifacts"));
}

#[test]
fn text_after_the_end_of_the_archive_is_fine() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    let save = "tar -C /tmp/kept -cf - .; echo /opt/jboss";
    project.build(&builder).assemble(&assemble_script("echo x >a", ":")).save(save).success();
    let outcome = project.build(&builder).assemble("cat /tmp/artifacts/a").success().never_says("warning:");
    assert_eq!(outcome.assemble_output(), ["x"]);
}

#[test]
fn a_lot_of_text_after_the_end_of_the_archive_is_fine() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    // More than all pipes on the way can take.
    let save = "tar -C /tmp/kept -cf - .; yes | head -c 3000000";
    project.build(&builder).assemble(&assemble_script("echo x >a", ":")).save(save).success();
    assert_eq!(project.build(&builder).assemble("cat /tmp/artifacts/a").success().assemble_output(), ["x"]);
}

#[test]
fn the_engine_was_asked_for_files_that_a_script_has_not_copied() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    let asks = |save: &str| {
        project.build(&builder).save(save).success();
        let outcome = project.build(&builder).arg("--verbose").save("").success();
        ["$ docker cp ", "$ docker diff "].iter().any(|call| outcome.stderr.contains(call))
    };
    let copies =
        ["echo >/tmp/artifacts/a", "echo >/tmp/artifacts/.a", "ln -s none /tmp/artifacts/a", "mkdir /tmp/artifacts/a"];
    for save in copies {
        assert!(asks(save), "after `{save}`");
    }
    for save in [":", "rm -rf /tmp/artifacts", "mkdir -p /tmp/other && echo >/tmp/other/a"] {
        assert!(!asks(save), "after `{save}`");
    }
}

#[test]
fn a_script_that_prints_nothing_costs_its_container_and_no_other_call() {
    let builder = Builder::new().script("assemble", "#!/bin/sh\n").script("save-artifacts", "#!/bin/sh\n").make();
    let project = Project::new().file("a", "");
    project.build(&builder).success();
    let outcome = project.build(&builder).arg("--verbose").success().never_says("warning:");
    let calls = outcome.stderr.lines().filter_map(|line| line.strip_prefix("$ docker ")?.split(' ').next());
    // What dead runs left is looked for beside the build.
    let of_the_build: Vec<_> = calls.filter(|call| !["ps", "images"].contains(call)).collect();
    assert_eq!(of_the_build, ["image", "run", "run", "commit", "tag"], "{outcome}");
}

#[test]
fn a_builder_without_the_script_costs_no_container() {
    let builder = Builder::new().script("assemble", "#!/bin/sh\n").make();
    let project = Project::new().file("a", "");
    project.build(&builder).success();
    let outcome = project.build(&builder).arg("--verbose").success().never_says("warning:");
    assert_eq!(outcome.containers_started(), 1, "{outcome}");
}

#[test]
fn no_incremental_costs_no_container() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    project.build(&builder).assemble(&assemble_script("echo x >a", ":")).save(AS_TAR).success();
    let run = project.build(&builder).args(&["--verbose", "--no-incremental"]).assemble("[ ! -e /tmp/artifacts ]");
    let outcome = run.success().says("(clean)");
    assert_eq!(outcome.containers_started(), 1, "{outcome}");
}

#[test]
fn an_unrelated_image_under_the_tag_is_not_asked() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    docker(&["tag", BASE, &project.tag]);
    let outcome = project.build(&builder).arg("--verbose").success().says("(clean)").never_says("warning:");
    assert_eq!(outcome.containers_started(), 1, "{outcome}");
    docker(&["image", "inspect", BASE]);
}
