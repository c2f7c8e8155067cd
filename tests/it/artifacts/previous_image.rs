//! Which image is asked for artifacts, by which script, and how that is run.

use crate::support::builder::Builder;
use crate::support::engine::docker;
use crate::support::project::Project;

#[test]
fn an_image_that_another_tool_made_is_asked() {
    let previous = Builder::new().script("save-artifacts", "#!/bin/sh\nexec tar -C /app -cf - old\n");
    let previous = previous.file("app/old", 0o644, "x\n").make();
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    docker(&["tag", previous.name(), &project.tag]);
    assert_eq!(project.build(&builder).assemble("cat /tmp/artifacts/old").success().assemble_output(), ["x"]);
    docker(&["image", "inspect", previous.name()]);
}

#[test]
fn the_script_of_the_source_is_used_at_once() {
    let builder = Builder::new()
        .script("assemble", "#!/bin/sh\n[ ! -e /tmp/artifacts ] || cat /tmp/artifacts/x\necho first >/app/x\n")
        .make();
    let project = Project::new().file("a", "");
    project.build(&builder).success();
    project.write(".s2i/bin/save-artifacts", "#!/bin/sh\nexec tar -C /app -cf - x\n");
    project.build(&builder).success().says("first\n").never_says("warning:");
}

#[test]
fn the_variables_of_the_previous_image_count_for_its_script() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    let save = "mkdir /tmp/k; echo $WHICH >/tmp/k/which; tar -C /tmp/k -cf - .";
    project.build(&builder).save(save).args(&["-e", "WHICH=old"]).success();
    let run = project.build(&builder).args(&["-e", "WHICH=new"]).assemble("cat /tmp/artifacts/which");
    assert_eq!(run.success().assemble_output(), ["old"]);
}

#[test]
fn the_script_runs_without_a_terminal_and_with_nothing_to_read() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    let save = "mkdir /tmp/k; { wc -c; [ -t 1 ] || echo none; } >/tmp/k/a; cat >>/tmp/k/a; tar -C /tmp/k -cf - .";
    let save = save.replace("[ -t 1 ]", "[ -t 0 ]");
    project.build(&builder).save(&save).success();
    assert_eq!(project.build(&builder).assemble("cat /tmp/artifacts/a").success().assemble_output(), ["0", "none"]);
}

#[test]
fn artifacts_by_files_got_lost_where_the_previous_image_still_had_them() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    let by_files = "cp -a /app/out/. /tmp/artifacts";
    let first = "mkdir /app/out; echo one >/app/out/one";
    project.build(&builder).assemble(first).save("tar -C /app/out -cf - .").success();
    // What it gets stays in place.
    let later = "mkdir /app/out; cp -a /tmp/artifacts/. /app/out/; ls /app/out";
    for build in ["second", "third", "fourth"] {
        let outcome = project.build(&builder).assemble(later).save(by_files).success().never_says("warning:");
        assert_eq!(outcome.assemble_output(), ["one"], "{build}\n{outcome}");
    }
    // What is no longer copied is gone.
    project.build(&builder).assemble("mkdir /app/out; echo two >/app/out/two").save(by_files).success();
    assert_eq!(project.build(&builder).assemble("ls /tmp/artifacts").success().assemble_output(), ["two"]);
}

#[test]
fn a_script_that_copies_nothing_passes_nothing_on_of_what_the_image_has_there() {
    let builder = Builder::evaluating().file("tmp/artifacts/cache", 0o644, "x\n").make();
    let other = Builder::shared_evaluating();
    let project = Project::new();
    project.build(&builder).save("true").success();
    let outcome = project.build(&other).assemble("[ -e /tmp/artifacts ] || echo none").success();
    assert_eq!(outcome.assemble_output(), ["none"], "{outcome}");
}

#[test]
fn a_cache_in_the_folder_for_files_is_still_there_for_a_script_that_writes_an_archive() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    let cache = "mkdir -p /tmp/artifacts; echo x >/tmp/artifacts/cache";
    project.build(&builder).assemble(cache).save("echo y >/tmp/artifacts/copied").success();
    project.build(&builder).assemble(cache).save("tar -C /tmp/artifacts -cf - .").success();
    let outcome = project.build(&builder).assemble("ls /tmp/artifacts").success().never_says("warning:");
    assert!(outcome.assemble_output().contains(&"cache"), "{outcome}");
}
