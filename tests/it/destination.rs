//! Where in the build container the source goes.

use crate::scripts::fixtures::{assert_image_runs, builder, script_named};
use crate::support::builder::Builder;
use crate::support::exit_status::{ENGINE, USAGE};
use crate::support::project::Project;

#[test]
fn the_option_wins_over_the_label() {
    let assemble = "#!/bin/sh\nset -e\ncat /opt/in/src/a\n[ ! -e /tmp/src ] && [ ! -e /opt/label/src ]\n";
    let builder = Builder::new()
        .script("assemble", assemble)
        .file("opt/in/.keep", 0o644, "")
        .file("opt/label/.keep", 0o644, "")
        .instruction("LABEL io.openshift.s2i.destination=/opt/label")
        .make();
    for option in ["-d", "--destination", "--location"] {
        let project = Project::new().file("a", "source\n").file(".s2i/bin/run", &script_named("run"));
        project.build(&builder).args(&[option, "/opt/in/"]).success().says("source\n");
        assert_image_runs(&project, "/opt/in/scripts/run", "run in /opt/in/scripts/run");
        assert!(!project.image().has("/opt/in/src"));
    }
}

#[test]
fn a_relative_one_is_below_the_workdir() {
    let builder =
        Builder::new().script("assemble", "#!/bin/sh\ncat /app/in/src/a\n").file("app/in/.keep", 0o644, "").make();
    let project = Project::new().file("a", "source\n").file(".s2i/bin/run", &script_named("run"));
    project.build(&builder).args(&["-d", "in"]).success().says("source\n");
    assert_image_runs(&project, "/app/in/scripts/run", "run in /app/in/scripts/run");
    project.build(&builder).args(&["-d", "in", "--mount"]).success().says("source\n");
}

#[test]
fn an_uploaded_save_artifacts_runs_where_the_last_build_had_it() {
    let save =
        "#!/bin/sh\ncd \"${0%/*}/..\"\necho \"from $PWD\" >artifacts-of-mine\nexec tar -cf - artifacts-of-mine\n";
    let assemble = "#!/bin/sh\ncat /opt/*/artifacts/artifacts-of-mine 2>/dev/null || echo nothing\n";
    let builder = Builder::new()
        .script("assemble", assemble)
        .file("opt/one/.keep", 0o644, "")
        .file("opt/two/.keep", 0o644, "")
        .make();
    let project = Project::new().file(".s2i/bin/save-artifacts", save);
    project.build(&builder).args(&["-d", "/opt/one"]).success().says("nothing\n");
    project.build(&builder).args(&["-d", "/opt/two"]).success().says("from /opt/one\n");
    project.build(&builder).args(&["-d", "/opt/one"]).success().says("from /opt/two\n");
}

#[test]
fn one_that_is_not_there_is_refused() {
    let builder = builder();
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).args(&["-d", "/none"]).run().status(ENGINE);
    outcome.says("has no folder `/none` for the source").says("`--destination DIR`");
    project.build(&builder).args(&["-d", ""]).run().status(USAGE).says("`--destination` is empty");
}
