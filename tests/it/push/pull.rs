//! Pull policies, with a real registry.

use std::path::Path;
use std::process::Command;

use super::fixtures::Pushed;
use crate::support::builder::Builder;
use crate::support::engine::docker;
use crate::support::image::image_id;
use crate::support::project::Project;
use crate::support::registry::Registry;

/// Pushes an image of the engine's under another name and removes that name from the engine; the image stays.
fn push_away(image: &str, pushed: &Pushed, config: Option<&Path>) {
    docker(&["tag", image, &pushed.tag]);
    let mut command = Command::new("docker");
    command.args(["push", "--quiet", &pushed.tag]);
    if let Some(config) = config {
        command.env("DOCKER_CONFIG", config);
    }
    assert!(command.output().unwrap().status.success());
    docker(&["image", "rm", "--no-prune", &pushed.tag]);
}

#[test]
fn a_builder_comes_from_the_registry_as_the_policy_says() {
    let Some(registry) = Registry::shared() else { return };
    let (builder, project, pushed) =
        (Builder::copying().make(), Project::new().file("out", "1"), Pushed::at(registry.host()));
    push_away(builder.name(), &pushed, None);
    let build = |policy: &str| project.build_with(&pushed.tag).args(&["--pull-policy", policy]);
    build("never").run().status(125).says("there is no builder image");
    build("if-not-present").success().says(&format!("note: pulling `{}`", pushed.tag));
    assert_eq!(image_id(&pushed.tag).unwrap(), builder.id());
    build("if-not-present").success().never_says("pulling");
    let newer = Builder::copying().instruction("LABEL newer=yes").make();
    push_away(newer.name(), &Pushed { repository: String::new(), tag: pushed.tag.clone() }, None);
    docker(&["tag", builder.name(), &pushed.tag]);
    build("always").success().says("note: pulling ");
    assert_eq!(image_id(&pushed.tag).unwrap(), newer.id());
}

#[test]
fn the_artifacts_of_a_previous_image_come_from_the_registry() {
    let Some(registry) = Registry::shared() else { return };
    let builder = Builder::evaluating().make();
    let (project, pushed) = (Project::new().file("a", ""), Pushed::at(registry.host()));
    let build = || project.build(&builder).tag(&pushed.tag).assemble("true").save("echo taken over >&2");
    build().arg("--push").success();
    docker(&["image", "rm", &pushed.tag]);
    build().success().never_says("taken over");
    docker(&["image", "rm", &pushed.tag]);
    build().args(&["--incremental-pull-policy", "if-not-present"]).success().says("taken over");
}

#[test]
fn a_login_that_is_missing_to_pull_is_named() {
    let Some(registry) = Registry::with_login() else { return };
    let (builder, project, pushed) =
        (Builder::copying().make(), Project::new().file("out", "1"), Pushed::at(registry.host()));
    push_away(builder.name(), &pushed, Some(&registry.docker_config(registry.host())));
    let build = |config: &str| {
        let config = registry.docker_config(config);
        project.build_with(&pushed.tag).args(&["--pull-policy", "always"]).env("DOCKER_CONFIG", config)
    };
    let outcome = build("elsewhere").run().status(125).says("error: cannot pull the builder");
    outcome.says(&format!("docker login {}`", registry.host()));
    build(registry.host()).success();
}
