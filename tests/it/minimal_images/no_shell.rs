//! Builders without a shell, whose scripts are programs that are linked statically.

use std::fs;
use std::sync::OnceLock;

use serde_json::json;

use super::fixtures::artifacts;
use crate::support::base_image::BaseImage;
use crate::support::builder::Builder;
use crate::support::exit_status::{ENGINE, USAGE};
use crate::support::project::Project;
use crate::support::stand_in_cli::StandInCli;
use crate::support::static_program::static_program;
use crate::support::wait::wait_for;

/// The program that is all scripts of the builder, linked statically.
fn program() -> &'static [u8] {
    static PROGRAM: OnceLock<Vec<u8>> = OnceLock::new();
    PROGRAM.get_or_init(|| static_program("static_scripts"))
}

/// What a builder on an empty image is to be made of.
fn builder_on(base: &BaseImage) -> Builder {
    let mut builder = Builder::without_scripts()
        .base(base.name())
        .instruction("LABEL io.openshift.s2i.scripts-url=image:///s2i")
        .instruction("CMD [\"/usage\"]")
        .bytes("app/artifacts.tar", 0o644, &artifacts());
    for script in ["assemble", "run", "save-artifacts"] {
        builder = builder.bytes(&format!("s2i/{script}"), 0o755, program());
    }
    builder
}

/// A builder without a shell, and a project for it. The base has to exist as long as the builder does.
struct NoShell {
    project: Project,
    builder: Builder,
    _base: BaseImage,
}

fn no_shell(with: impl FnOnce(Builder) -> Builder) -> NoShell {
    let base = BaseImage::empty();
    let builder = with(builder_on(&base)).make();
    NoShell { project: Project::new().file("a", "one\n").file("d/b", ""), builder, _base: base }
}

#[test]
fn a_static_assemble_builds_and_the_next_build_has_its_artifacts() {
    let NoShell { project, builder, _base } = no_shell(|builder| builder);
    project.chmod("d", 0o705);
    let outcome = project.build(&builder).args(&["-e", "NAME=value"]).success();
    outcome
        .says("assemble 0:0 \n")
        .says("src 0:0 755\nsrc/a 0:0 644\nsrc/d 0:0 705\nsrc/d/b 0:0 644\n")
        .never_says("artifacts 0:0")
        .says("note: what `assemble` left of the source stays in the image, in /tmp/src");
    let config = project.image().config();
    assert_eq!(config["Cmd"], json!(["/s2i/run"]));
    assert!(config["Env"].as_array().unwrap().contains(&json!("NAME=value")));
    assert_eq!(project.image().run(&[]), "one in /s2i/run");
    project.write("a", "two\n");
    let outcome = project.build(&builder).arg("--verbose").success();
    outcome
        .says("artifacts 0:0 755\nartifacts/d 0:0 750\nartifacts/d/kept 0:0 640\nartifacts/d/link 0:0 640\n")
        .says("saved\n")
        // The second build knows from the first one that there is no shell.
        .never_says("/bin/sh");
    assert_eq!(project.image().run(&[]), "two in /s2i/run");
    assert_eq!(builder.containers_of_builds(), [""; 0]);
}

#[test]
fn a_watch_builds_every_save_and_says_why_no_container_waits() {
    let NoShell { project, builder, _base } = no_shell(|builder| builder);
    let running = project.watch_as_text(&builder).start();
    running.wait_for_stderr("note: no container is kept ready: the builder has no shell");
    running.wait_for_stderr("build ok");
    project.write("a", "two\n");
    running.wait_for_stderr("; no standby: the builder has no shell)");
    assert_eq!(project.image().run(&[]), "two in /s2i/run");
    running.signal("INT");
    running.end().status(130);
    assert_eq!(builder.containers_of_builds(), [""; 0]);
}

#[test]
fn the_upload_is_the_images_users() {
    for (user, owner, group) in [("1234:55", "1234:55", "55"), ("1234", "1234:66", "66"), ("app", "1234:66", "66")] {
        let NoShell { project, builder, _base } = no_shell(|builder| {
            let passwd = "root:x:0:0::/:/x\napp:x:1234:66::/:/x\n";
            builder.file("etc/passwd", 0o644, passwd).user(user, 1234, 66)
        });
        project
            .build(&builder)
            .success()
            .says(&format!("assemble 1234:{group} \nsrc {owner} 755\nsrc/a {owner} 644\n"));
        project.build(&builder).success().says(&format!("artifacts/d/kept {owner} 640\n"));
        assert_eq!(project.image().config()["User"], user);
    }
}

#[test]
fn a_user_that_the_image_does_not_know_is_named() {
    let NoShell { project, builder, _base } = no_shell(|builder| builder.instruction("USER nobody"));
    project.build(&builder).run().status(ENGINE).says("unable to find user nobody");
}

#[test]
fn the_status_of_assemble_is_that_of_the_build() {
    let NoShell { project, builder, _base } = no_shell(|builder| builder);
    project.build(&builder).engine_options(&["--env", "OTHER=1", "--label", "l=1"]).success();
    let good = project.id();
    assert_eq!((project.image().label("l"), project.image().environment().get("OTHER")), (None, None));
    let outcome = project.build(&builder).args(&["-e", "STATUS=7"]).run().status(7);
    outcome.says("error: `assemble` failed with exit status 7").says("and on the other stream\n");
    assert_eq!(project.id(), good);
    assert_eq!(builder.containers_of_builds(), [""; 0]);
}

#[test]
fn all_changes_of_a_container_were_listed_though_nothing_was_copied() {
    let log = StandInCli::logging();
    let NoShell { project, builder, _base } = no_shell(|builder| builder);
    project.build(&builder).args(&["-e", "SAVE=nothing"]).success();
    let run = project.build(&builder).args(&["-e", "SAVE=copy", "--engine", &log.path()]);
    run.success().says("saved\n").never_says("artifacts 0:0");
    assert!(!log.read("log").lines().any(|call| call.starts_with("diff ")), "{}", log.read("log"));
    project.build(&builder).success().says("artifacts/copied 0:0 644\n");
}

#[test]
fn bad_artifacts_are_left_out_and_copied_ones_taken() {
    let NoShell { project, builder, _base } = no_shell(|builder| builder);
    project.build(&builder).args(&["-e", "SAVE=garbage"]).success();
    let outcome = project.build(&builder).args(&["-e", "SAVE=copy"]).success();
    outcome.says("warning: `save-artifacts` failed, building without artifacts").never_says("artifacts 0:0");
    project.build(&builder).args(&["-e", "SAVE=copy"]).success().says("artifacts/copied 0:0 644\n");
    project.build(&builder).success().says("artifacts/copied 0:0 644\n");
}

#[test]
fn programs_of_the_source_travel() {
    let NoShell { project, builder, _base } = no_shell(|builder| builder.file("opt/in/.keep", 0o644, ""));
    for script in ["assemble", "run", "save-artifacts"] {
        project.write(&format!(".s2i/bin/{script}"), "");
        fs::write(project.path().join(format!(".s2i/bin/{script}")), program()).unwrap();
    }
    let build = || project.build(&builder).args(&["-d", "/opt/in", "-e", "DEST=/opt/in"]).success();
    build().says("scripts 0:0 755\nscripts/assemble 0:0 755\n");
    assert_eq!(project.image().run(&[]), "one in /opt/in/scripts/run");
    build().says("artifacts/d/kept 0:0 640\n");
}

#[test]
fn an_entrypoint_that_runs_its_arguments_stays_in_force() {
    let with = |builder: Builder| builder.bytes("entry", 0o755, program()).instruction("ENTRYPOINT [\"/entry\"]");
    let NoShell { project, builder, _base } = no_shell(with);
    for _ in 0..2 {
        let outcome = project.build(&builder).success();
        outcome.says("entry /s2i/assemble\n").says("assemble 0:0 yes\n").never_says("ENTRYPOINT");
        assert_eq!(project.image().config()["Entrypoint"], json!(["/entry"]));
        assert_eq!(project.image().config()["Cmd"], json!(["/s2i/run"]));
    }
}

#[test]
fn an_entrypoint_that_eats_its_arguments_is_bypassed_and_kept() {
    let with = |builder: Builder| builder.bytes("eat", 0o755, program()).instruction("ENTRYPOINT [\"/eat\"]");
    let NoShell { project, builder, _base } = no_shell(with);
    project.build(&builder).success().says("assemble 0:0 \n").says("note: the builder's ENTRYPOINT does not run");
    project.build(&builder).success().says("artifacts/d/kept").never_says("note: the builder's ENTRYPOINT");
    assert_eq!(project.image().config()["Entrypoint"], json!(["/eat"]));
    assert_eq!(project.image().config()["Cmd"], json!(["/s2i/run"]));
}

#[test]
fn assemble_can_leave_labels_and_remove_the_source() {
    let NoShell { project, builder, _base } = no_shell(|builder| builder);
    let outcome = project.build(&builder).args(&["-e", "METADATA={\"labels\":[{\"a\":\"1\"}]}", "-e", "TIDY=1"]);
    outcome.success().never_says("note:");
    assert_eq!(project.image().label("a").as_deref(), Some("1"));
    assert!(!project.image().has("/tmp/src"));
    let good = project.id();
    let outcome = project.build(&builder).args(&["-e", "METADATA=[]"]).run().status(ENGINE);
    outcome.says("cannot use the labels that `assemble` left");
    assert_eq!(project.id(), good);
}

#[test]
fn a_mounted_source_does_not_stay() {
    let NoShell { project, builder, _base } = no_shell(|builder| builder);
    project.build(&builder).arg("--mount").success().says("src/a ").never_says("note:");
    assert_eq!(project.image().run(&[]), "one in /s2i/run");
    assert!(!project.image().has("/tmp/src/a"));
}

#[test]
fn a_program_that_can_not_run_is_named() {
    let NoShell { project, builder, _base } = no_shell(|builder| builder.bytes("s2i/assemble", 0o644, program()));
    project.build(&builder).run().status(ENGINE).says("cannot run `/s2i/assemble`: it is not executable");
    let NoShell { project, builder, _base } = no_shell(|builder| builder.file("s2i/assemble", 0o755, "#!/bin/sh\n"));
    let outcome = project.build(&builder).run().status(ENGINE);
    outcome.says("error: cannot run `/s2i/assemble`").says("no such file").says("hint: the image has no shell");
    project.write(".s2i/bin/assemble", "#!/bin/sh\n");
    let outcome = project.build(&builder).run().status(USAGE);
    outcome.says("error: cannot run the script `.s2i/bin/assemble`").says("hint: the image has no shell");
    assert_eq!(builder.containers_of_builds(), [""; 0]);
}

#[test]
fn an_engine_that_does_not_answer_is_not_taken_for_an_empty_image() {
    let stand_in =
        StandInCli::new("case \"$1 $3\" in 'cp -') echo broken line >&2; exit 1 ;; esac; exec docker \"$@\"");
    let NoShell { project, builder, _base } = no_shell(|builder| builder);
    let outcome = project.build(&builder).arg("--engine").arg(stand_in.path()).run().status(ENGINE);
    outcome.says("caused by: broken line");
    assert_eq!(builder.containers_of_builds(), [""; 0]);
}

#[test]
fn a_missing_destination_is_named() {
    let NoShell { project, builder, _base } = no_shell(|builder| builder);
    let outcome = project.build(&builder).args(&["-d", "/none"]).run().status(ENGINE);
    outcome.says("has no folder `/none` for the source");
}

#[test]
fn an_interrupt_leaves_no_container() {
    let NoShell { project, builder, _base } = no_shell(|builder| builder);
    project.build(&builder).success();
    let good = project.id();
    let running = project.build(&builder).args(&["-e", "HANG=1"]).start();
    running.wait_for_stderr("hanging");
    running.signal("TERM");
    running.end().status(143).says("minis2i: build cancelled:");
    assert_eq!(project.id(), good);
    wait_for("no container is left", || builder.containers_of_builds().is_empty());
}

#[test]
fn what_changes_while_it_is_sent_is_sent_again() {
    let change = "echo two >\"$SOURCE/a\"; rm -r \"$SOURCE/d\"";
    let once = format!("if [ \"$1 $2\" = 'cp -' ] && mkdir $here/once; then {change}; fi; exec docker \"$@\"");
    let stand_in = StandInCli::new(&once);
    let NoShell { project, builder, _base } = no_shell(|builder| builder);
    let run = project.build(&builder).arg("--engine").arg(stand_in.path()).env("SOURCE", project.path());
    let outcome = run.success();
    outcome.says("src 0:0 755\nsrc/a 0:0 644\n").never_says("src/d ");
    assert_eq!(project.image().run(&[]), "two in /s2i/run");
}
