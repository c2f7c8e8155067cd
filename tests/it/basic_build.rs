//! The first things that a build must do: make an image that runs, pass artifacts on, keep the tag when it fails.

use crate::support::builder::Builder;
use crate::support::engine::docker;
use crate::support::project::Project;
use crate::support::wait::wait_for;

/// A builder whose `assemble` counts builds in the artifacts, so that each image has the number of builds before it.
fn counting_builder() -> Builder {
    Builder::new()
        .script(
            "assemble",
            "#!/bin/sh\nset -e\ncp /tmp/src/input out\nif [ -f /tmp/artifacts/count ]; then cp /tmp/artifacts/count count; \
             fi\necho x >>count\n",
        )
        .script("save-artifacts", "#!/bin/sh\nexec tar -cf - count\n")
        .make()
}

#[test]
fn a_build_makes_an_image_that_runs() {
    let builder = counting_builder();
    let project = Project::new().file("input", "hello\n");
    let outcome = project
        .build(&builder)
        .on_the_default_network()
        .success()
        .says("minis2i: build started:")
        .says("minis2i: build ok:");
    assert_eq!(outcome.stdout.trim(), project.id().unwrap());
    assert_eq!(project.image().run(&[]), "hello");
}

#[test]
fn artifacts_go_from_build_to_build() {
    let builder = counting_builder();
    let project = Project::new().file("input", "1");
    for round in 1..=3 {
        let outcome = project.build(&builder).on_the_default_network().success();
        let how = if round == 1 { "(clean)" } else { "(incremental, on the artifacts of " };
        outcome.says(how);
        assert_eq!(project.image().run(&["wc", "-l", "count"]), format!("{round} count"));
    }
    project.build(&builder).arg("--no-incremental").success().says("(clean)");
    assert_eq!(project.image().run(&["wc", "-l", "count"]), "1 count");
}

#[test]
fn a_superseded_image_and_all_containers_are_gone_soon_after() {
    let builder = counting_builder();
    let project = Project::new().file("input", "1");
    project.build(&builder).success();
    let first = project.id().unwrap();
    project.build(&builder).success();
    assert_ne!(project.id().unwrap(), first);
    wait_for("the first image is removed", || !docker(&["images", "-aq", "--no-trunc"]).contains(&first));
    let label = format!("ancestor={}", builder.id());
    wait_for("the containers are removed", || docker(&["ps", "-aq", "--filter", &label]).is_empty());
}

#[test]
fn a_failed_build_has_the_status_of_assemble_and_leaves_the_tag() {
    let builder = Builder::new().script("assemble", "#!/bin/sh\n. /tmp/src/script\n").make();
    let project = Project::new().file("script", "echo fine >out");
    project.build(&builder).success();
    let good = project.id();
    project.write("script", "echo broken >&2; exit 7");
    project.build(&builder).run().status(7).says("broken\n").says("minis2i: build failed:").says("stays as it was");
    assert_eq!(project.id(), good);
}
