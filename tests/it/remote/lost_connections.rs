//! The connection to the engine is lost in the middle of something, and comes back.

use std::fs;

use crate::support::builder::Builder;
use crate::support::engine::docker;
use crate::support::engine_link::{Cut, EngineLink, Line};
use crate::support::exit_status::ENGINE;
use crate::support::holding_builder::holding_builder;
use crate::support::outcome::Outcome;
use crate::support::project::Project;
use crate::support::wait::wait_for;
use crate::support::watch_session::WatchSession;

/// The ids of the images that came out of builds with the builder.
fn images_of(builder: &Builder) -> Vec<String> {
    let filter = format!("label=io.github.minis2i.builder={}", builder.id());
    docker(&["images", "--quiet", "--no-trunc", "--filter", &filter]).lines().map(str::to_owned).collect()
}

/// So much that it is still being sent when the connection is lost, whatever the buffers on the way hold: 16 MiB.
fn large() -> String {
    "0123456789abcdef".repeat(1 << 20)
}

/// A build that loses its connection once, and the next one after the connection is back. Returns how the first ended.
fn build_that_loses(cut: Cut, text: &str) -> Outcome {
    let link = EngineLink::new(Line::LOCAL);
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    if matches!(cut, Cut::Sent(_)) {
        project.write("large", &large());
    }
    let build = || project.build(&builder).env("DOCKER_HOST", link.docker_host());
    build().success();
    let before = project.id();
    project.write("a", "2");
    link.cut_at(cut);
    let lost = build().run().status(ENGINE).says(text).says("\nhint: ");
    assert!(link.is_cut());
    let lines = |beginning: &str| lost.stderr.lines().filter(|line| line.starts_with(beginning)).count();
    assert_eq!((lines("error: "), lines("hint: ")), (1, 1), "{lost}");
    let longest = lost.stderr.lines().map(str::len).max();
    assert!(longest < Some(250), "{lost}");
    assert_eq!(project.id(), before, "{lost}");
    link.reconnect();
    build().success();
    assert_eq!(project.image_file("a"), "2");
    assert_eq!(builder.containers_of_builds(), [""; 0]);
    wait_for("only the last image", || images_of(&builder) == [project.id().unwrap()]);
    lost
}

#[test]
fn a_build_that_loses_the_engine_in_the_upload_leaves_nothing() {
    build_that_loses(Cut::Sent(1 << 19), "cannot send the source to the build container");
}

#[test]
fn a_build_that_loses_the_engine_before_its_container_is_there_leaves_nothing() {
    build_that_loses(Cut::Request("/containers/create"), "cannot start the build container");
}

#[test]
fn a_build_that_loses_the_answer_to_the_creation_of_its_container_leaves_nothing() {
    build_that_loses(Cut::Answer("/containers/create"), "cannot start the build container");
}

#[test]
fn a_build_that_loses_the_engine_before_the_commit_leaves_nothing() {
    build_that_loses(Cut::Request("/commit?"), "cannot commit what `assemble` made");
}

#[test]
fn a_build_that_loses_the_answer_to_the_commit_leaves_nothing() {
    build_that_loses(Cut::Answer("/commit?"), "cannot commit what `assemble` made");
}

#[test]
fn a_build_that_loses_the_engine_before_the_tag_leaves_nothing() {
    build_that_loses(Cut::Request("/tag?"), "cannot give the image the name");
}

/// Gives a watch its connection back, and waits until it has built what is in the source now.
fn reconnect_and_wait_for(watch: &WatchSession, project: &Project, link: &EngineLink, text: &str) {
    link.reconnect();
    watch.wait_for_message("note", "the engine is back");
    wait_for("the build of what is there now", || {
        watch.statuses().last().is_some_and(|status| status == "ok") && project.image_file("a") == text
    });
}

/// Waits until nothing is left of the builds of a watch but the standby and the image with the tag.
fn assert_only_the_last_is_left(watch: &WatchSession, project: &Project, builder: &Builder) {
    watch.wait_for_standby();
    watch.only_standby();
    wait_for("only the last image", || images_of(builder) == [project.id().unwrap()]);
}

/// A watch that loses its connection in a save, and has it again once that has failed.
fn save_that_loses(cut: Cut) {
    let link = EngineLink::new(Line::LOCAL);
    let builder = holding_builder().make();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).env("DOCKER_HOST", link.docker_host()).start_watch();
    watch.build_after(|| project.write("a", "2"));
    watch.wait_for_standby();
    let cut_in_upload = matches!(cut, Cut::Sent(_));
    link.cut_at(cut);
    if cut_in_upload {
        project.write("large", &large());
    }
    project.write("a", "3");
    wait_for("the loss", || link.is_cut());
    watch.wait_for_message("warning", "the engine does not answer");
    reconnect_and_wait_for(&watch, &project, &link, "3");
    if cut_in_upload {
        fs::remove_file(project.path().join("large")).unwrap();
    }
    watch.wait_for_standby();
    watch.build_after(|| project.write("a", "4"));
    assert_eq!(project.image_file("a"), "4");
    assert_only_the_last_is_left(&watch, &project, &builder);
    let of = |reason: &str| watch.with_reason(reason);
    let away = of("warning").iter().filter(|it| it.to_string().contains("does not answer")).count();
    assert_eq!(away, 1, "{watch}");
    assert!(of("error").len() <= 1, "{watch}");
    watch.stop("INT");
}

#[test]
fn a_save_that_loses_the_engine_in_the_upload_is_built_again() {
    save_that_loses(Cut::Sent(0));
}

#[test]
fn a_save_that_loses_the_engine_before_the_commit_is_built_again() {
    save_that_loses(Cut::Request("/commit?"));
}

#[test]
fn a_save_that_loses_the_answer_to_the_commit_is_built_again() {
    save_that_loses(Cut::Answer("/commit?"));
}

#[test]
fn a_save_that_loses_the_engine_in_assemble_is_built_again() {
    let link = EngineLink::new(Line::LOCAL);
    let builder = holding_builder().make();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).env("DOCKER_HOST", link.docker_host()).start_watch();
    project.write("hold", "1");
    watch.wait_for_message("output", "holding");
    link.disconnect();
    watch.wait_for_message("warning", "the engine does not answer");
    fs::remove_file(project.path().join("hold")).unwrap();
    project.write("a", "2");
    reconnect_and_wait_for(&watch, &project, &link, "2");
    assert_only_the_last_is_left(&watch, &project, &builder);
    watch.stop("INT");
}
