//! `--cache auto`.

use super::fixtures::{assert_same, plain_builder, python_builder};
use crate::support::caches::{caches_of, in_cache_of};
use crate::support::image::Image;
use crate::support::project::Project;

#[test]
fn a_second_build_finds_what_the_first_one_downloaded_and_the_image_is_the_same() {
    let builder = python_builder().make();
    let project = Project::new().file("a", "1");
    project
        .build(&builder)
        .arg("--cache=auto")
        .success()
        .says("downloading")
        .says("note: kept from build to build: pip");
    let other = Project::new().file("a", "1");
    other.build(&builder).arg("--cache=auto").success().says("cached").never_says("downloading");
    let without = Project::new().file("a", "1");
    without.build(&builder).success().says("downloading").never_says("note:");
    assert_same(&other.image(), &without.image());
    assert_same(&project.image(), &without.image());
    assert_eq!(caches_of(builder.name()).len(), 1);
}

#[test]
fn a_watch_keeps_caches_and_off_is_off() {
    let builder = python_builder().make();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).arg("--cache=off").start_watch();
    watch.build_after(|| project.write("a", "2"));
    watch.end_by("INT").status(130);
    assert!(caches_of(builder.name()).is_empty());
    let watch = project.watch(&builder).start_watch();
    watch.build_after(|| project.write("a", "3"));
    watch.build_after(|| project.write("a", "4"));
    let said: Vec<_> = watch.with_reason("output").iter().map(|it| it["text"].to_string()).collect();
    assert!(said.last().is_some_and(|line| line.contains("cached")), "{watch}");
    watch.end_by("INT").status(130);
}

#[test]
fn a_builder_without_tools_has_no_volume() {
    let builder = plain_builder("cp -a /tmp/src/. /app/").make();
    let project = Project::new().file("a", "1");
    project.build(&builder).arg("--cache=auto").success().never_says("note:");
    assert!(caches_of(builder.name()).is_empty());
}

#[test]
fn what_the_user_sets_stays_as_it_is() {
    let builder = python_builder().make();
    let project = Project::new().file("a", "1");
    for option in ["--env=PIP_NO_CACHE_DIR=1", "--build-env=PIP_NO_CACHE_DIR=1", "--env=PIP_CACHE_DIR=/tmp/none"] {
        for _ in 0..2 {
            project.build(&builder).args(&["--cache=auto", option]).success().says("downloading").never_says("note:");
        }
    }
}

#[test]
fn a_repository_at_a_fixed_path_is_a_link_while_assemble_runs() {
    let assemble = "mkdir -p ~/.m2/repository; echo \"$(ls ~/.m2/repository)\" >/app/seen; touch ~/.m2/repository/jar; \
                    echo settings >~/.m2/settings.xml";
    let builder = plain_builder(assemble).file("usr/bin/mvn", 0o755, "#!/bin/sh\n").make();
    let project = Project::new().file("a", "1");
    for seen in ["", "jar"] {
        project.build(&builder).arg("--cache=auto").success();
        assert_eq!(project.image_file("seen"), seen);
        let home: Vec<_> =
            project.image().files("/home/app").into_keys().map(|it| String::from_utf8(it).unwrap()).collect();
        assert_eq!(home, ["", ".m2", ".m2/settings.xml"]);
    }
    assert_eq!(in_cache_of(builder.name(), "ls /cache/0/maven"), "jar");
}

#[test]
fn two_builds_at_once_do_not_share_a_repository() {
    let assemble = "ls ~/.m2/repository; touch ~/.m2/repository/$(cat /tmp/src/name)\n\
                    if [ -f /tmp/src/hold ]; then until [ -f /tmp/go ]; do sleep 0.02; done; fi";
    let builder = plain_builder(assemble).file("usr/bin/mvn", 0o755, "#!/bin/sh\n").make();
    let held = Project::new().file("name", "held").file("hold", "");
    let watch = held.watch(&builder).arg("--no-standby").start_watch_at_once();
    watch.wait_for("the first one's assemble", |_| {
        !caches_of(builder.name()).is_empty() && in_cache_of(builder.name(), "ls /cache/0/maven 2>&1 || :") == "held"
    });
    let other = Project::new().file("name", "other");
    other.build(&builder).arg("--cache=auto").success().never_says("held\n");
    assert_eq!(
        in_cache_of(builder.name(), "ls /cache/0/maven /cache/1/maven"),
        "/cache/0/maven:\nheld\n\n/cache/1/maven:\nother"
    );
    watch.release_assemble();
    watch.wait_for_build(1);
    watch.end_by("INT").status(130);
    // Both are free now.
    other.build(&builder).arg("--cache=auto").success().says("held\n");
}

#[test]
fn nothing_of_a_cache_gets_into_the_image_of_a_builder_without_tar() {
    let builder = python_builder().make();
    // The engine unpacks the upload then.
    let builder_without = python_builder().folder_of_mode("tmp/src", 0o755, 0, 0).make();
    let project = Project::new().file("a", "1");
    project.build(&builder_without).arg("--cache=auto").success().says("downloading");
    let files = Image(project.tag.clone()).files("/dev");
    assert!(files.keys().all(|path| !path.starts_with(b"minis2i")), "{:?}", files.keys());
    drop(builder);
}
