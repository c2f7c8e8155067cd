//! What a watch does about changes: what is built and what is not, what happens to a save during a build, and to images
//! that are no longer needed.

use std::fs;
use std::time::Duration;

use crate::support::builder::Builder;
use crate::support::engine::{BASE, docker, try_docker, unique_name};
use crate::support::holding_builder::{holding_builder, shared_holding_builder};
use crate::support::image::Image;
use crate::support::project::Project;
use crate::support::wait::wait_for;
use crate::support::watch_session::WatchSession;

fn exists(image: &str) -> bool {
    try_docker(&["image", "inspect", image]).status.success()
}

/// Waits until so many builds have come to the point where the source holds them up.
#[track_caller]
fn wait_for_hold(watch: &WatchSession, number: usize) {
    watch.wait_for(&format!("hold {number}"), |all| {
        all.iter().filter(|it| it["reason"] == "output" && it["text"] == "holding").count() >= number
    });
}

#[test]
fn what_changes_no_content_is_not_built() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1").file("b", "1");
    let watch = project.watch(&builder).start_watch();
    let same = "what was saved has the same content as before";
    let path = project.path().join("a");
    let touched = watch.skipped_after(|| filetime::set_file_mtime(&path, filetime::FileTime::now()).unwrap());
    assert_eq!(touched, same);
    assert_eq!(watch.skipped_after(|| project.write("a", "1")), same);
    let undone = watch.skipped_after(|| {
        project.write("a", "2");
        project.write("a", "1");
    });
    assert_eq!(undone, same);
    assert_eq!(watch.wait_until_idle(&project, "b"), 1);
    // The next save does not list them as changed either.
    let end = watch.build_after(|| project.write("b", "2"));
    assert_eq!(end["standby"], "used", "{watch}");
    assert_eq!(watch.with_reason("build-started")[1]["changed"], serde_json::json!(["b"]));
    watch.stop("INT");
}

#[test]
fn what_is_saved_during_the_first_build_is_not_lost() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1").file("hold", "1");
    let watch = project.watch(&builder).args(&["--on-busy", "queue"]).start_watch_at_once();
    wait_for_hold(&watch, 1);
    project.write("a", "2");
    fs::remove_file(project.path().join("hold")).unwrap();
    assert_still_building(&watch);
    watch.release_assemble();
    watch.wait_for_build(2);
    assert_eq!(watch.wait_until_idle(&project, "a"), 2);
    assert_eq!(project.image_file("a"), "2");
    watch.stop("INT");
}

#[test]
fn the_quiet_after_a_burst_can_be_set() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).args(&["--debounce", "1200ms"]).start_watch();
    // A new file may be the middle of a save, so the whole time is waited for. The upper end is for a busy machine.
    let end = watch.build_after(|| project.write("new", "1"));
    let settle = end["phases"]["settle"].as_f64().unwrap();
    assert!((1.2..10.0).contains(&settle), "{end}");
    // After a complete save it is not.
    watch.wait_for_standby();
    let end = watch.build_after(|| project.write("a", "2"));
    assert!(end["phases"]["settle"].as_f64().unwrap() < 1.2, "{end}");
    watch.stop("INT");
}

#[test]
fn a_changed_mode_is_a_change() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    project.chmod("a", 0o644);
    let watch = project.watch(&builder).start_watch();
    watch.build_after(|| project.chmod("a", 0o755));
    assert_eq!(project.app_files()["a"].mode, 0o755);
    watch.stop("INT");
}

#[test]
fn what_is_removed_or_changes_its_kind_gives_what_a_fresh_build_gives() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1").file("gone", "1").file("folder/b", "1").file("file", "1");
    project.write("link/c", "1");
    let watch = project.watch(&builder).start_watch();
    let path = project.path();
    let changes: [&dyn Fn(); 5] = [
        &|| fs::remove_file(path.join("gone")).unwrap(),
        &|| fs::remove_dir_all(path.join("folder")).unwrap(),
        &|| {
            fs::remove_file(path.join("file")).unwrap();
            project.write("file/now/a/folder", "1");
        },
        &|| {
            fs::remove_dir_all(path.join("file")).unwrap();
            project.write("file", "again");
        },
        &|| {
            fs::remove_dir_all(path.join("link")).unwrap();
            std::os::unix::fs::symlink("a", path.join("link")).unwrap();
        },
    ];
    for (number, change) in changes.iter().enumerate() {
        watch.build_after(change);
        watch.wait_until_idle(&project, "a");
        assert_eq!(project.app_files(), project.app_files_of_clean_build(&builder), "change {number}\n{watch}");
        watch.wait_for_standby();
    }
    watch.stop("INT");
}

#[test]
fn auto_cancels_a_stale_build_but_never_two_in_a_row() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    project.write("hold", "1");
    wait_for_hold(&watch, 1);
    project.write("a", "2");
    assert_eq!(watch.wait_for_build(2)["status"], "cancelled");
    wait_for_hold(&watch, 2);
    project.write("a", "3");
    assert_still_building(&watch);
    watch.release_assemble();
    assert_eq!(watch.wait_for_build(3)["status"], "ok", "{watch}");
    wait_for_hold(&watch, 3);
    watch.release_assemble();
    watch.wait_for_build(4);
    assert_eq!(watch.wait_until_idle(&project, "a"), 4);
    assert_eq!(watch.statuses(), ["ok", "cancelled", "ok", "ok"]);
    assert_eq!(project.image_file("a"), "3");
    watch.stop("INT");
}

/// Asserts that a build still goes on when the watch must have noticed the last save.
#[track_caller]
fn assert_still_building(watch: &WatchSession) {
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(watch.statuses().len() + 1, watch.builds_started(), "{watch}");
}

#[test]
fn queue_lets_a_stale_build_finish() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).args(&["--on-busy", "queue"]).start_watch();
    project.write("hold", "1");
    wait_for_hold(&watch, 1);
    project.write("a", "2");
    assert_still_building(&watch);
    fs::remove_file(project.path().join("hold")).unwrap();
    watch.release_assemble();
    watch.wait_for_build(3);
    assert_eq!(watch.wait_until_idle(&project, "a"), 3);
    assert_eq!(watch.statuses(), ["ok", "ok", "ok"]);
    assert_eq!(project.image_file("a"), "2");
    watch.stop("INT");
}

#[test]
fn restart_always_cancels_a_stale_build() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).args(&["--on-busy", "restart"]).start_watch();
    project.write("hold", "1");
    for number in 1..4 {
        wait_for_hold(&watch, number);
        project.write("a", &format!("{number}."));
    }
    wait_for_hold(&watch, 4);
    watch.release_assemble();
    assert_eq!(watch.wait_until_idle(&project, "a"), 5);
    assert_eq!(watch.statuses(), ["ok", "cancelled", "cancelled", "cancelled", "ok"]);
    assert_eq!(project.image_file("a"), "3.");
    watch.stop("INT");
}

#[test]
fn a_change_undone_while_it_is_built_ends_on_the_image_of_before() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    let before = project.id();
    project.write("hold", "1");
    wait_for_hold(&watch, 1);
    fs::remove_file(project.path().join("hold")).unwrap();
    assert_eq!(watch.wait_for_build(2)["status"], "cancelled");
    assert_eq!(watch.wait_until_idle(&project, "a"), 2, "{watch}");
    assert_eq!(project.id(), before);
    // The cancelled build does not count as one of that source.
    project.write("hold", "1");
    wait_for_hold(&watch, 2);
    watch.release_assemble();
    watch.wait_for_build(3);
    assert_eq!(project.image_file("hold"), "1");
    watch.stop("INT");
}

#[test]
fn a_failed_build_keeps_the_tag_and_watching() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    let before = project.id();
    project.write("fail", "1");
    let end = watch.wait_for_build(2);
    assert_eq!((&end["status"], &end["assemble_status"]), (&"failed".into(), &9.into()));
    assert_eq!(watch.wait_until_idle(&project, "a"), 2, "the same is not built again\n{watch}");
    assert_eq!(project.id(), before);
    watch.wait_for_message("error", "`assemble` failed with exit status 9");
    // The source is again what the tag was built of.
    let why = watch.skipped_after(|| fs::remove_file(project.path().join("fail")).unwrap());
    assert!(why.contains("is an image of this source already"), "{why}");
    watch.build_after(|| project.write("a", "2"));
    assert_eq!(project.image_file("a"), "2");
    let outcome = watch.stop("INT");
    let summary = outcome.json().pop().unwrap();
    assert_eq!((&summary["builds"], &summary["failed"]), (&3.into(), &1.into()), "{outcome}");
}

#[test]
fn the_first_build_is_not_made_when_the_tag_is_current() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    project.build(&builder).success();
    for option in ["--verbose", "--no-standby"] {
        let before = project.id();
        let watch = project.watch(&builder).arg(option).start_watch();
        assert!(watch.with_reason("skipped")[0]["why"].as_str().unwrap().contains("already"), "{watch}");
        assert_eq!((watch.builds_started(), project.id()), (0, before), "{watch}");
        let end = watch.build_after(|| project.write("a", option));
        assert_eq!(end["standby"] == "used", option != "--no-standby", "{watch}");
        assert_eq!(project.image_file("a"), option);
        watch.stop("INT");
    }
    project.write("a", "changed meanwhile");
    let watch = project.watch(&builder).start_watch();
    assert_eq!(watch.builds_started(), 1);
    assert_eq!(project.image_file("a"), "changed meanwhile");
    watch.stop("INT");
}

#[test]
fn a_builder_that_changes_is_a_reason_to_build() {
    let first = holding_builder().make();
    let second = holding_builder().file("app/marker", 0o644, "second").make();
    let name = unique_name("moving");
    docker(&["tag", first.name(), &name]);
    let project = Project::new().file("a", "1");
    let watch = project.watch(&first).builder(&name).start_watch();
    watch.build_after(|| drop(docker(&["tag", second.name(), &name])));
    let started = watch.with_reason("build-started").pop().unwrap();
    assert!(started["why"].as_str().unwrap().starts_with("the builder image changed, to "), "{started}");
    assert_eq!(project.image_file("marker"), "second");
    watch.wait_for_standby();
    let end = watch.build_after(|| project.write("a", "2"));
    assert_eq!(end["standby"], "used");
    assert_eq!((project.image_file("marker"), project.image_file("a")), ("second".to_owned(), "2".to_owned()));
    watch.stop("INT");
    docker(&["image", "rm", &name]);
}

#[test]
fn a_tag_that_was_moved_is_taken_back_by_the_next_save() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    watch.standby_after(|| drop(docker(&["tag", BASE, &project.tag])));
    let end = watch.build_after(|| project.write("a", "2"));
    assert_eq!((&end["standby"], project.image_file("a").as_str()), (&"used".into(), "2"));
    assert!(exists(BASE));
    watch.stop("INT");
}

/// Saves, and returns the id of the image that is built.
fn next_image(watch: &WatchSession, project: &Project, text: &str) -> String {
    let end = watch.build_after(|| project.write("a", text));
    end["image"].as_str().unwrap().to_owned()
}

#[test]
fn superseded_images_are_removed() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    let images = ["2", "3", "4"].map(|text| next_image(&watch, &project, text));
    wait_for("their removal", || !exists(&images[0]) && !exists(&images[1]));
    assert!(exists(&images[2]));
    watch.stop("INT");
}

#[test]
fn the_last_images_can_be_kept() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).args(&["--keep", "2"]).start_watch();
    let images = ["2", "3", "4", "5"].map(|text| next_image(&watch, &project, text));
    wait_for("the removal of the first one", || !exists(&images[0]));
    watch.stop("INT");
    assert_eq!(images.iter().filter(|image| exists(image)).count(), 3);
    images.iter().for_each(|image| drop(try_docker(&["image", "rm", image])));
}

#[test]
fn an_image_that_another_program_took_the_tag_from_is_removed() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    let image = project.id().unwrap();
    watch.standby_after(|| drop(docker(&["tag", builder.name(), &project.tag])));
    wait_for("its removal", || !exists(&image));
    watch.build_after(|| project.write("a", "2"));
    watch.stop("INT");
}

#[test]
fn an_image_in_use_is_removed_later() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    let used = project.id().unwrap();
    let container = unique_name("user");
    docker(&["run", "--detach", "--name", &container, "--network", "none", &used, "sleep", "600"]);
    let second = next_image(&watch, &project, "2");
    next_image(&watch, &project, "3");
    wait_for("the removal of the second one", || !exists(&second));
    assert!(exists(&used));
    assert_eq!(docker(&["inspect", "--format", "{{.State.Running}}", &container]), "true");
    docker(&["rm", "-fv", &container]);
    next_image(&watch, &project, "4");
    wait_for("its removal", || !exists(&used));
    watch.stop("INT");
}

#[test]
fn a_name_that_the_user_gave_a_superseded_image_stays() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    let name = unique_name("mine");
    docker(&["tag", &project.tag, &name]);
    let second = next_image(&watch, &project, "2");
    next_image(&watch, &project, "3");
    wait_for("the removal of the second one", || !exists(&second));
    assert_eq!(Image(name.clone()).run(&["cat", "/app/a"]), "1");
    watch.stop("INT");
    docker(&["image", "rm", &name]);
}

#[test]
fn variables_and_scripts_that_change_make_the_standby_unfit() {
    let script = "#!/bin/sh\nset -e\ncp -a /tmp/src/. /app/\necho \"$WHO\" >/app/who\n";
    let builder = Builder::new().script("assemble", script).make();
    let project = Project::new().file("a", "1").file(".s2i/environment", "WHO=one\n");
    let watch = project.watch(&builder).start_watch();
    let end = watch.build_after(|| project.write(".s2i/environment", "WHO=two\n"));
    assert_eq!((project.image_file("who").as_str(), &end["standby"]), ("two", &serde_json::Value::Null), "{watch}");
    assert!(end["no_standby"].as_str().unwrap().contains("variables or scripts changed"), "{end}");
    watch.wait_for_standby();
    let own = "#!/bin/sh\necho mine >/app/who\n";
    let end = watch.build_after(|| {
        project.write(".s2i/bin/assemble", own);
    });
    assert_eq!((project.image_file("who").as_str(), &end["standby"]), ("mine", &serde_json::Value::Null), "{watch}");
    watch.stop("INT");
}

#[test]
fn warnings_came_again_at_each_save() {
    let builder = shared_holding_builder();
    for standby in [&[][..], &["--no-standby"]] {
        let project = Project::new().file("a", "0");
        std::os::unix::fs::symlink("/etc/hosts", project.path().join("out")).unwrap();
        let watch = project.watch(&builder).args(standby).start_watch_at_once();
        watch.wait_for_build(1);
        for text in ["1", "2", "3"] {
            watch.build_after(|| project.write("a", text));
        }
        let warnings = || watch.with_reason("warning").iter().map(|it| it["message"].to_string()).collect::<Vec<_>>();
        assert_eq!(warnings().len(), 1, "{watch}");
        watch.build_after(|| {
            std::os::unix::fs::symlink("/etc/passwd", project.path().join("other")).unwrap();
        });
        watch.build_after(|| project.write("a", "4"));
        watch.wait_for("another warning", |_| warnings().len() == 2);
        watch.stop("INT");
    }
}
