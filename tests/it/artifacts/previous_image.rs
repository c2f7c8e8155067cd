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
