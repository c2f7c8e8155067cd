//! `--cache PATH`.

use super::fixtures::plain_builder;
use crate::support::caches::{caches_of, in_cache_of};
use crate::support::project::Project;

/// Counts how often it ran, in a folder that is there in no image.
const COUNTING: &str = "cp -a /tmp/src/. /app/; mkdir -p /app/lib/cache; echo x >>/app/lib/cache/runs; \
                        echo \"run $(grep -c x /app/lib/cache/runs)\"; rm -rf /app/lib/cache";

#[test]
fn a_folder_is_kept_and_nothing_of_it_is_in_the_image() {
    let builder = plain_builder(COUNTING).make();
    let project = Project::new().file("a", "1");
    // The link is what `assemble` removes.
    for run in ["run 1", "run 2", "run 3"] {
        project.build(&builder).arg("--cache=/app/lib/cache").success().says(run);
    }
    let without = Project::new().file("a", "1");
    without.build(&builder).success().says("run 1");
    let with = Project::new().file("a", "1");
    with.build(&builder).arg("--cache=lib/cache,id=other").success().says("run 1");
    assert!(!with.image().has("/app/lib/cache"));
    assert_eq!(caches_of(builder.name()).len(), 2);
}

#[test]
fn an_app_can_have_a_cache_of_its_own() {
    let builder = plain_builder(COUNTING).make();
    let (one, other) = (Project::new().file("a", "1"), Project::new().file("a", "1"));
    let option = "--cache=/app/lib/cache,shared=false";
    one.build(&builder).arg(option).success().says("run 1");
    other.build(&builder).arg(option).success().says("run 1");
    one.build(&builder).arg(option).success().says("run 2");
}

#[test]
fn content_of_the_image_is_not_hidden() {
    let builder = plain_builder("cat /opt/lib/file; cp /tmp/src/a /app/a").folder("opt/lib", 1001, 0);
    let builder = builder.file("opt/lib/file", 0o644, "of the image\n").make();
    let project = Project::new().file("a", "1");
    project
        .build(&builder)
        .arg("--cache=/opt/lib")
        .success()
        .says("of the image")
        .says("warning: `--cache /opt/lib` is not used: the image has something there");
}

#[test]
fn a_folder_above_which_the_user_may_not_write_is_said() {
    let builder = plain_builder("cp /tmp/src/a /app/a").make();
    let project = Project::new().file("a", "1");
    project
        .build(&builder)
        .arg("--cache=/var/x")
        .success()
        .says("`--cache /var/x` is not used: the user of `assemble` may not");
    assert!(!project.image().has("/var/x"));
}

#[test]
fn an_empty_folder_of_the_image_is_there_again() {
    let builder = plain_builder("cp /tmp/src/a /app/a; ls /app/lib; touch /app/lib/kept")
        .folder_of_mode("app/lib", 0o750, 1001, 0)
        .make();
    let project = Project::new().file("a", "1");
    let build = || project.build(&builder).arg("--cache=/app/lib").success();
    build().never_says("kept\n").never_says("warning");
    build().says("kept\n");
    assert_eq!(in_cache_of(builder.name(), "ls /cache/0/content"), "kept");
    let plain = plain_builder("cp /tmp/src/a /app/a; ls /app/lib; touch /app/lib/kept; rm /app/lib/kept")
        .folder_of_mode("app/lib", 0o750, 1001, 0)
        .make();
    let without = Project::new().file("a", "1");
    without.build(&plain).success();
    let folder = |project: &Project| project.image().files("/app");
    let facts = |project: &Project| {
        folder(project).into_iter().map(|(path, it)| (path, it.kind, it.mode, it.owner)).collect::<Vec<_>>()
    };
    assert_eq!(facts(&project), facts(&without));
}
