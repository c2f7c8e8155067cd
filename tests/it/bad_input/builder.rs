//! Builder images that cannot be used.

use super::fixtures::{assert_fails, assert_refused, with_assemble};
use crate::support::builder::Builder;
use crate::support::exit_status::{ENGINE, USAGE};
use crate::support::project::Project;

#[test]
fn a_missing_builder_is_to_be_built_or_pulled() {
    let project = Project::new();
    let run = project.build_with("minis2i-test/none:such");
    let outcome = assert_refused(&project, run, ENGINE, "no builder image `minis2i-test/none:such`", "docker build");
    outcome.says("`docker pull minis2i-test/none:such`");
}

#[test]
fn a_name_that_can_not_be_a_builder_is_refused() {
    let project = Project::new();
    assert_refused(
        &project,
        project.build_with("a b"),
        USAGE,
        "`a b` cannot be the name of a builder",
        "SOURCE BUILDER TAG",
    );
}

#[test]
fn an_image_that_is_no_builder_is_told_what_was_looked_for() {
    let plain = Builder::without_scripts().make();
    let project = Project::new().file("a", "1");
    let outcome = assert_refused(&project, project.build(&plain), ENGINE, "is not an S2I builder", ".s2i/bin/assemble");
    outcome.says("io.openshift.s2i.scripts-url").says("io.s2i.scripts-url").says("/usr/libexec/s2i or /usr/local/s2i");
}

#[test]
fn a_builder_without_assemble_names_folder_and_label() {
    let builder = Builder::new().make();
    let project = Project::new().file("a", "1");
    let outcome =
        assert_refused(&project, project.build(&builder), ENGINE, "`assemble` is missing", "rebuild the builder");
    outcome.says("there is none in /usr/libexec/s2i").says("io.openshift.s2i.scripts-url");
}

#[test]
fn an_assemble_that_is_not_executable_is_named() {
    let builder = with_assemble(0o644, "#!/bin/sh\n");
    let project = Project::new().file("a", "1");
    let cause = "cannot run `/usr/libexec/s2i/assemble`: it is not executable";
    assert_refused(&project, project.build(&builder), ENGINE, cause, "COPY --chmod=755");
}

#[test]
fn a_missing_interpreter_is_named() {
    let builder = with_assemble(0o755, "#! /usr/bin/python9 -u\n");
    let project = Project::new().file("a", "1");
    let cause = "an interpreter that is not in the image: `/usr/bin/python9`";
    assert_refused(&project, project.build(&builder), ENGINE, cause, "#!/bin/sh");
}

#[test]
fn a_first_line_with_a_windows_line_end_is_shown_as_such() {
    let builder = with_assemble(0o755, "#!/bin/sh\r\necho hello\r\n");
    let project = Project::new().file("a", "1");
    assert_refused(&project, project.build(&builder), ENGINE, r"not in the image: `/bin/sh\r`", "Unix line ends");
}

#[test]
fn the_cure_for_a_script_of_the_source_is_in_the_source() {
    let builder = Builder::copying().make();
    let project = Project::new().file(".s2i/bin/assemble", "#!/bin/sh\r\necho hello\r\n");
    let outcome =
        assert_refused(&project, project.build(&builder), USAGE, r"not in the image: `/bin/sh\r`", ".s2i/bin/assemble");
    outcome.never_says("Dockerfile");
}

#[test]
fn a_missing_destination_is_named() {
    let builder = Builder::copying().instruction("LABEL io.openshift.s2i.destination=/none").make();
    let project = Project::new().file("a", "1");
    let cure = "io.openshift.s2i.destination";
    assert_refused(&project, project.build(&builder), ENGINE, "has no folder `/none` for the source", cure);
}

#[test]
fn a_destination_that_the_user_may_not_write_to_is_named() {
    let builder = Builder::copying().user("65534", 65534, 65534).instruction("LABEL io.openshift.s2i.destination=/etc");
    let builder = builder.make();
    let project = Project::new().file("a", "1");
    let cause = "user may not write to `/etc`";
    assert_refused(&project, project.build(&builder), ENGINE, cause, "io.openshift.s2i.destination");
}

#[test]
fn a_builder_with_triggers_is_for_docker_build() {
    let builder = Builder::copying().instruction("ONBUILD RUN true").make();
    let project = Project::new().file("a", "1");
    assert_refused(&project, project.build(&builder), ENGINE, "has ONBUILD triggers", "use `docker build`");
}

#[test]
fn a_label_for_scripts_that_is_not_understood_is_refused() {
    let builder =
        Builder::without_scripts().instruction("LABEL io.openshift.s2i.scripts-url=ftp://host.example/s2i").make();
    let project = Project::new().file("a", "1");
    let cause = "`ftp://host.example/s2i`, which begins with `ftp://`, which is not understood";
    assert_refused(&project, project.build(&builder), ENGINE, cause, "-s image:///FOLDER");
}

#[test]
fn labels_of_another_shape_are_refused() {
    let script = "#!/bin/sh\nmkdir -p /tmp/.s2i\necho '[]' >/tmp/.s2i/image_metadata.json\n";
    let builder = with_assemble(0o755, script);
    let project = Project::new().file("a", "1");
    let cause = "cannot use the labels that `assemble` left in /tmp/.s2i/image_metadata.json";
    assert_refused(&project, project.build(&builder), ENGINE, cause, "valid JSON");
}

#[test]
fn a_refusal_leaves_the_tag_on_the_last_good_image() {
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    project.build(&builder).success();
    let good = project.id();
    let broken = Builder::new().make();
    assert_fails(project.build(&broken), ENGINE, "`assemble` is missing", "rebuild the builder")
        .says("stays as it was");
    assert_fails(project.build(&builder).arg("--env").arg("=x"), USAGE, "has no name", "-e NAME=VALUE");
    assert_eq!(project.id(), good);
}

#[test]
fn a_refusal_leaves_no_container() {
    let builder = Builder::new().make();
    let project = Project::new().file("a", "1");
    assert_refused(&project, project.build(&builder), ENGINE, "`assemble` is missing", "rebuild the builder");
    assert_eq!(builder.containers(), [""; 0]);
}
