//! `--scripts-url` with a folder of the image.

use super::fixtures::{assert_image_runs, builder, script_named};
use crate::support::builder::Builder;
use crate::support::exit_status::USAGE;
use crate::support::project::Project;

#[test]
fn a_folder_that_is_asked_for_wins_script_by_script() {
    let builder = builder();
    let project = Project::new().file("a", "");
    let outcome = project.build(&builder).args(&["-s", "image:///opt/asked/"]).success();
    outcome.says("label assemble in /opt/label/assemble\n").never_says("note:");
    assert_image_runs(&project, "/opt/asked/run", "asked run in /opt/asked/run");
}

#[test]
fn a_relative_one_is_below_the_workdir() {
    let builder = builder();
    let project = Project::new();
    let outcome = project.build(&builder).args(&["--scripts-url", "image://relative"]).success();
    outcome.says("relative assemble in /work/relative/assemble\n");
    assert_image_runs(&project, "/opt/label/run", "label run in /opt/label/run");
}

#[test]
fn those_of_the_source_are_not_used_then_and_a_note_says_so() {
    let builder = builder();
    let project = Project::new().file(".s2i/bin/assemble", &script_named("source assemble"));
    let outcome = project.build(&builder).args(&["-s", "image:///opt/asked"]).success();
    outcome.says("label assemble").says("note: `.s2i/bin/assemble` of the source is not used");
}

#[test]
fn one_without_scripts_is_refused() {
    let builder = builder();
    let project = Project::new();
    let outcome = project.build(&builder).args(&["-s", "image:///etc"]).run().status(USAGE);
    outcome.says("error: `--scripts-url` names a place without scripts: `/etc` in the image").says("hint: ");
    assert_eq!(project.id(), None);
}

#[test]
fn an_unlabelled_image_is_a_builder_with_the_option_and_needs_no_note() {
    let builder = Builder::without_scripts().file("srv/assemble", 0o755, &script_named("hidden")).make();
    for option in ["--scripts-url", "--image-scripts-url"] {
        let project = Project::new();
        let outcome = project.build(&builder).args(&[option, "image:///srv"]).success();
        outcome.says("hidden in /srv/assemble\n").never_says("has no label");
    }
}

#[test]
fn the_fallback_comes_after_label_and_source() {
    let builder = Builder::without_scripts()
        .instruction("LABEL io.s2i.scripts-url=image:///label")
        .file("label/assemble", 0o755, &script_named("label"))
        .file("fallback/assemble", 0o755, &script_named("fallback"))
        .file("fallback/run", 0o755, &script_named("fallback run"))
        .make();
    let project = Project::new();
    let outcome = project.build(&builder).args(&["--image-scripts-url", "image:///fallback"]).success();
    outcome.says("label in /label/assemble\n");
    assert_image_runs(&project, "/fallback/run", "fallback run in /fallback/run");
}

#[test]
fn the_save_artifacts_of_an_asked_for_folder_is_found_again() {
    let save = "#!/bin/sh\necho kept >/tmp/kept\nexec tar -C /tmp -cf - kept\n";
    let builder = Builder::new()
        .file("opt/own/assemble", 0o755, "#!/bin/sh\ncat /tmp/artifacts/kept 2>/dev/null || echo nothing\n")
        .file("opt/own/save-artifacts", 0o755, save)
        .make();
    let project = Project::new();
    project.build(&builder).args(&["-s", "image:///opt/own"]).success().says("nothing\n");
    project.build(&builder).args(&["-s", "image:///opt/own"]).success().says("kept\n");
}
