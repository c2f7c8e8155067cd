//! The user who runs the scripts, and `--allowed-uids`.

use crate::scripts::fixtures::builder;
use crate::support::builder::Builder;
use crate::support::exit_status::{ENGINE, USAGE};
use crate::support::project::Project;
use crate::support::stand_in_cli::StandInCli;

/// A builder whose scripts print their user. `assemble` writes to the source, so that a wrong owner fails it.
fn user_reporting_builder(user: &str) -> Builder {
    let user_id = "$(id -u 2>/dev/null || awk '/^Uid/ { print $2 }' /proc/self/status)";
    Builder::new()
        .script("assemble", &format!("#!/bin/sh\nset -e\n: >/tmp/src/mine\necho assembled by {user_id}\n"))
        .script("save-artifacts", &format!("#!/bin/sh\necho saved by {user_id} >&2\n"))
        .instruction(&format!("USER {user}"))
        .make()
}

#[test]
fn the_assemble_user_runs_both_scripts_and_is_not_the_images() {
    for user in ["0", "1234"] {
        let builder = user_reporting_builder(user);
        let project = Project::new().file("a", "");
        let build = || project.build(&builder).args(&["--assemble-user", "1500"]);
        build().success().says("assembled by 1500\n");
        build().success().says("assembled by 1500\n").says("saved by 1500\n");
        assert_eq!(project.image().config()["User"], user);
    }
}

#[test]
fn it_wins_over_the_label() {
    let builder = Builder::evaluating().instruction("LABEL io.openshift.s2i.assemble-user=1600").make();
    let project = Project::new();
    let run = project.build(&builder).args(&["--assemble-user", "1500"]).assemble("stat -c %u /tmp/src");
    assert_eq!(run.success().assemble_output(), ["1500"]);
    assert!(["", "0", "root"].contains(&project.image().config()["User"].as_str().unwrap()));
}

#[test]
fn only_allowed_users_run_anything() {
    let stand_in = StandInCli::new("[ \"$1\" != run ] || touch $here/ran\nexec docker \"$@\"");
    let numeric = user_reporting_builder("1234:0");
    let project = Project::new().file("a", "");
    let build = |builder: &Builder, options: &[&str]| {
        project.build(builder).arg("--engine").arg(stand_in.path()).args(options).run()
    };
    for (options, status, cause) in [
        (&["-u", "2000-"][..], ENGINE, "runs as 1234, which is not allowed"),
        (&["-u", "1-", "--assemble-user", "0"], USAGE, "`assemble` would run as 0, which is not"),
        (&["-u", "1-", "--assemble-user", "root"], USAGE, "`root`, a name whose numeric id is not known"),
        (&["-u", "nobody"], USAGE, "`nobody` in it is no numeric user"),
        (&["--allowed-uids", "-"], USAGE, "the range `-` has no start and no end"),
    ] {
        build(&numeric, options).status(status).says(cause).says("\nhint: ");
    }
    let labelled =
        Builder::evaluating().user("1234", 1234, 0).instruction("LABEL io.openshift.s2i.assemble-user=0").make();
    build(&labelled, &["-u", "1-"]).status(ENGINE).says("makes `assemble` run as 0, which is not");
    let named = user_reporting_builder("nobody");
    build(&named, &["-u", "0-"]).status(ENGINE).says("`nobody`, a name whose numeric id is not known");
    let unset = builder();
    build(&unset, &["-u", "0-"]).status(ENGINE).says("root, since no USER is set");
    assert!(!stand_in.has("ran"));
    for options in [["-u", "1-"], ["--allowed-uids", "-1000,1200-1300"]] {
        build(&numeric, &options).status(0).says("assembled by 1234\n");
    }
    let outcome = project.build(&numeric).args(&["-u", "1-"]).engine_options(&["--user", "0"]).run();
    outcome.status(USAGE).says("`assemble` would run as 0");
}

#[test]
fn the_artifacts_of_an_image_that_runs_as_another_user_are_not_asked_for() {
    let (root, allowed) = (user_reporting_builder("0"), user_reporting_builder("1234"));
    let project = Project::new().file("a", "");
    project.build(&root).success();
    let outcome = project.build(&allowed).args(&["-u", "1-"]).success();
    outcome.says("warning: building without artifacts: the previous image runs as 0").never_says("saved by");
    project.build(&allowed).args(&["-u", "1-"]).success().says("saved by 1234\n");
}
