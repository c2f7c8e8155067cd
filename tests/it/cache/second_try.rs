//! A second try without the caches, after an `assemble` that failed with them.

use super::fixtures::python_builder;
use crate::support::caches::in_cache_of;
use crate::support::project::Project;

const AGAIN: &str = "note: `assemble` failed with exit status 3; once more without caches";

#[test]
fn a_corrupt_cache_fails_no_build_and_is_emptied() {
    let builder = python_builder().make();
    let project = Project::new().file("a", "1");
    let build = || project.build(&builder).arg("--cache=auto");
    build().success();
    in_cache_of(builder.name(), "echo rubbish >/cache/pip/wheel");
    build().success().says(AGAIN).says("warning: `assemble` succeeded without the caches, which are empty now");
    build().success().says("downloading").never_says("once more");
    build().success().says("cached");
}

#[test]
fn a_fault_of_the_source_is_tried_twice_once_in_a_watch() {
    let builder = python_builder().make();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    let failed = |number: usize, text: &str| {
        project.write("fail", text);
        let end = watch.wait_for_build(number);
        assert_eq!(end["status"], "failed", "{watch}");
    };
    let assembles = || {
        watch.with_reason("output").iter().filter(|it| it["text"] == "cached" || it["text"] == "downloading").count()
    };
    failed(2, "1");
    assert_eq!(assembles(), 3, "{watch}");
    failed(3, "2");
    assert_eq!(assembles(), 4, "{watch}");
    assert_eq!(
        watch.with_reason("note").iter().filter(|it| it.to_string().contains("once more without caches")).count(),
        1
    );
    watch.end_by("INT").status(130);
}

#[test]
fn a_corrupt_cache_fails_no_save() {
    let builder = python_builder().make();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    in_cache_of(builder.name(), "echo rubbish >/cache/pip/wheel");
    watch.build_after(|| project.write("a", "2"));
    assert_eq!(project.image_file("a"), "2");
    watch.wait_for_message("warning", "which are empty now");
    watch.end_by("INT").status(130);
}
