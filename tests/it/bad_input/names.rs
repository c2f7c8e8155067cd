//! Names that the new image cannot have, since an image that the build starts with has them.

use super::fixtures::assert_fails;
use crate::support::builder::Builder;
use crate::support::engine::{docker, unique_name};
use crate::support::exit_status::USAGE;
use crate::support::image::Image;
use crate::support::project::Project;
use crate::support::run::Run;

/// The run must be refused with this base, and the builder must keep its name.
#[track_caller]
fn assert_refused(builder: &Builder, base: &str, run: Run) {
    let before = builder.id();
    assert_fails(run, USAGE, &format!("it is a name of the {base}"), "give the new image another name");
    assert_eq!(builder.id(), before, "the builder's name is on another image");
}

#[test]
fn a_tag_equal_to_the_builder_made_the_next_build_start_with_its_result() {
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    for tag in [builder.name(), &format!("{}:latest", builder.name()), &format!("docker.io/library/{}", builder.name())]
    {
        assert_refused(&builder, "builder", project.build(&builder).tag(tag));
        assert_refused(&builder, "builder", project.watch_as_text(&builder).tag(tag));
    }
}

#[test]
fn a_tag_that_is_a_name_of_a_builder_given_by_id_took_that_name_away() {
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    let id = builder.id();
    for typed in [id.as_str(), &id[..20], id.trim_start_matches("sha256:")] {
        assert_refused(&builder, "builder", project.build_with(typed).tag(builder.name()));
    }
    assert_refused(&builder, "builder", project.watch_as_text(&builder).builder(&id).tag(builder.name()));
}

#[test]
fn a_second_name_of_the_builder_can_become_the_tag() {
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "1");
    docker(&["tag", builder.name(), &project.tag]);
    project.build(&builder).success();
    assert_eq!(project.image().run(&[]), "1");
}

#[test]
fn a_rebuild_under_the_name_of_the_builder_is_refused() {
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    project.build(&builder).success();
    let rebuild = Run::new().env("TMPDIR", project.temp_dir()).args(&["rebuild", &project.tag, builder.name()]);
    assert_refused(&builder, "builder", rebuild);
}

#[test]
fn a_tag_equal_to_the_runtime_image_made_the_next_build_add_to_its_result() {
    let builder = Builder::copying().make();
    let runtime = Image(unique_name("runtime"));
    docker(&["tag", builder.name(), &runtime.0]);
    let project = Project::new().file("a", "1");
    let id = builder.id();
    for (typed, tag) in [(runtime.0.as_str(), format!("{}:latest", runtime.0)), (&id, runtime.0.clone())] {
        let options = ["--runtime-image", typed, "--runtime-artifact", "/app"];
        assert_refused(&builder, "runtime image", project.build(&builder).args(&options).tag(&tag));
    }
    docker(&["image", "rm", &runtime.0]);
}

#[test]
fn a_tag_like_the_beginning_of_an_id_was_taken_for_that_image() {
    let builder = Builder::copying().script("save-artifacts", "#!/bin/sh\nexec tar -cf - -C /app .\n").make();
    let mut project = Project::new().file("out", "1");
    project.tag = builder.id().trim_start_matches("sha256:")[..12].to_owned();
    // The builder has scripts, so its own `save-artifacts` would have been run.
    project.build(&builder).success().never_says("on the artifacts of");
    assert_eq!(project.image().run(&[]), "1");
    assert_ne!(project.id().unwrap(), builder.id());
    project.build(&builder).success().says("on the artifacts of");
    project.build_with(&builder.id()).success().says("on the artifacts of");
}
