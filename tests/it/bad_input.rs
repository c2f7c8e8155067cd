//! What can not be used is refused with a cause and a cure, and nothing is built.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::builder::Builder;
use crate::support::engine::{docker, unique};
use crate::support::engine_proxy::Line;
use crate::support::outcome::Outcome;
use crate::support::project::Project;
use crate::support::run::Run;
use crate::support::stand_in_cli::StandIn;
use crate::support::wait::wait_for;

/// What the user gave can not be used.
const USAGE: i32 = 2;
/// The engine, or an image in it, can not do what is needed.
const ENGINE: i32 = 125;

/// A builder whose `assemble` has this content and mode.
fn with_assemble(mode: u32, text: &str) -> Builder {
    Builder::new().file("usr/libexec/s2i/assemble", mode, text).make()
}

/// Runs a build of a project that must be refused: with this status, a cause and a cure that have these words, and no
/// image.
#[track_caller]
fn refused(project: &Project, run: Run, status: i32, cause: &str, cure: &str) -> Outcome {
    let outcome = told(run, status, cause, cure);
    assert_eq!(project.id(), None, "something was built\n{outcome}");
    outcome
}

/// The same where nothing is looked for in the engine.
#[track_caller]
fn told(run: Run, status: i32, cause: &str, cure: &str) -> Outcome {
    let outcome = run.run().status(status);
    let (causes, cures) = outcome.stderr.split_once("\nhint: ").unwrap_or_else(|| panic!("no hint\n{outcome}"));
    let causes = causes.split_once("error: ").unwrap_or_else(|| panic!("no error\n{outcome}")).1;
    assert!(causes.contains(cause), "`{cause}` is not the cause\n{outcome}");
    assert!(cures.contains(cure), "`{cure}` is not the cure\n{outcome}");
    assert_eq!(outcome.stdout, "", "{outcome}");
    outcome
}

// The source.

#[test]
fn a_missing_source_is_named() {
    let run = Run::new().args(&["build", "/none/such", "builder", "app"]);
    told(run, USAGE, "there is no source folder `/none/such`", "minis2i build SOURCE BUILDER TAG");
}

#[test]
fn a_source_that_is_a_file_is_refused() {
    let project = Project::new().file("app.py", "1");
    let file = project.path().join("app.py").display().to_string();
    let run = Run::new().args(&["build", &file, "builder", "app"]);
    told(run, USAGE, "app.py` is a file, not a folder", "give the folder that holds it");
}

#[test]
fn a_source_that_can_not_be_reached_is_refused() {
    let project = Project::new().file("closed/app/main.py", "1");
    project.chmod("closed", 0o000);
    let folder = project.path().join("closed/app").display().to_string();
    let run = Run::new().bound_by_permissions().args(&["build", &folder, "builder", "app"]);
    told(run, USAGE, "Permission denied", "readable");
}

#[test]
fn an_unreadable_file_of_the_source_is_named() {
    let builder = Builder::copying().make();
    let project = Project::new().file("fine", "1").file("folder/secret", "2");
    project.chmod("folder/secret", 0o000);
    let run = project.build(&builder).bound_by_permissions();
    refused(&project, run, USAGE, "folder/secret`", ".s2iignore");
}

#[test]
fn an_unreadable_folder_of_the_source_is_named() {
    let builder = Builder::copying().make();
    let project = Project::new().file("fine", "1").file("folder/deep", "2");
    project.chmod("folder", 0o000);
    let run = project.build(&builder).bound_by_permissions();
    refused(&project, run, USAGE, "folder`", ".s2iignore");
}

#[test]
fn an_unreadable_file_that_is_left_out_does_not_matter() {
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "1").file("secret", "2").file(".s2iignore", "secret\n");
    project.chmod("secret", 0o000);
    project.build(&builder).bound_by_permissions().success();
    assert!(!project.image().has("/app/secret"));
}

#[test]
fn an_unreadable_script_of_the_source_is_named() {
    let builder = Builder::copying().make();
    let project = Project::new().file(".s2i/bin/assemble", "#!/bin/sh\n");
    project.chmod(".s2i/bin/assemble", 0o000);
    let run = project.build(&builder).bound_by_permissions();
    refused(&project, run, USAGE, ".s2i/bin/assemble`", "make it a readable file");
}

#[test]
fn an_empty_source_is_passed_on() {
    let builder = Builder::new().script("assemble", "#!/bin/sh\nls -A /tmp/src | wc -l >out\n").make();
    let project = Project::new();
    project.build(&builder).success();
    assert_eq!(project.image().run(&[]), "0");
}

#[test]
fn a_source_given_by_a_link_is_used() {
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "linked");
    let link = project.path().with_extension("link");
    symlink(project.path(), &link).unwrap();
    Run::new().args(&["build", link.to_str().unwrap(), builder.name(), &project.tag]).success();
    assert_eq!(project.image().run(&[]), "linked");
}

// The builder.

#[test]
fn a_missing_builder_is_to_be_built_or_pulled() {
    let project = Project::new();
    let run = project.build_with("minis2i-test/none:such");
    let outcome = refused(&project, run, ENGINE, "no builder image `minis2i-test/none:such`", "docker build");
    outcome.says("`docker pull minis2i-test/none:such`");
}

#[test]
fn a_name_that_can_not_be_a_builder_is_refused() {
    let project = Project::new();
    refused(&project, project.build_with("a b"), USAGE, "`a b` can not be the name of a builder", "SOURCE BUILDER TAG");
}

#[test]
fn an_image_that_is_no_builder_is_told_what_was_looked_for() {
    let plain = Builder::bare().make();
    let project = Project::new().file("a", "1");
    let outcome = refused(&project, project.build(&plain), ENGINE, "is no S2I builder", ".s2i/bin/assemble");
    outcome.says("io.openshift.s2i.scripts-url").says("io.s2i.scripts-url").says("/usr/libexec/s2i or /usr/local/s2i");
}

#[test]
fn a_builder_without_assemble_names_folder_and_label() {
    let builder = Builder::new().make();
    let project = Project::new().file("a", "1");
    let outcome = refused(&project, project.build(&builder), ENGINE, "`assemble` is missing", "rebuild the builder");
    outcome.says("there is none in /usr/libexec/s2i").says("io.openshift.s2i.scripts-url");
}

#[test]
fn an_assemble_that_is_not_executable_is_named() {
    let builder = with_assemble(0o644, "#!/bin/sh\n");
    let project = Project::new().file("a", "1");
    let cause = "cannot run `/usr/libexec/s2i/assemble`: it is not executable";
    refused(&project, project.build(&builder), ENGINE, cause, "COPY --chmod=755");
}

#[test]
fn a_missing_interpreter_is_named() {
    let builder = with_assemble(0o755, "#! /usr/bin/python9 -u\n");
    let project = Project::new().file("a", "1");
    let cause = "an interpreter that is not in the image: `/usr/bin/python9`";
    refused(&project, project.build(&builder), ENGINE, cause, "#!/bin/sh");
}

#[test]
fn a_first_line_with_a_windows_line_end_is_shown_as_such() {
    let builder = with_assemble(0o755, "#!/bin/sh\r\necho hello\r\n");
    let project = Project::new().file("a", "1");
    refused(&project, project.build(&builder), ENGINE, r"not in the image: `/bin/sh\r`", "Unix line ends");
}

#[test]
fn the_cure_for_a_script_of_the_source_is_in_the_source() {
    let builder = Builder::copying().make();
    let project = Project::new().file(".s2i/bin/assemble", "#!/bin/sh\r\necho hello\r\n");
    let outcome =
        refused(&project, project.build(&builder), USAGE, r"not in the image: `/bin/sh\r`", ".s2i/bin/assemble");
    outcome.never_says("Dockerfile");
}

#[test]
fn a_missing_destination_is_named() {
    let builder = Builder::copying().change("LABEL io.openshift.s2i.destination=/none").make();
    let project = Project::new().file("a", "1");
    let cure = "io.openshift.s2i.destination";
    refused(&project, project.build(&builder), ENGINE, "has no folder `/none` for the source", cure);
}

#[test]
fn a_destination_that_the_user_may_not_write_to_is_named() {
    let builder = Builder::copying().user("65534", 65534, 65534).change("LABEL io.openshift.s2i.destination=/etc");
    let builder = builder.make();
    let project = Project::new().file("a", "1");
    let cause = "user may not write to `/etc`";
    refused(&project, project.build(&builder), ENGINE, cause, "io.openshift.s2i.destination");
}

#[test]
fn a_builder_with_triggers_is_for_docker_build() {
    let builder = Builder::copying().change("ONBUILD RUN true").make();
    let project = Project::new().file("a", "1");
    refused(&project, project.build(&builder), ENGINE, "has ONBUILD triggers", "use `docker build`");
}

#[test]
fn a_label_for_scripts_that_is_not_understood_is_refused() {
    let builder = Builder::bare().change("LABEL io.openshift.s2i.scripts-url=ftp://host.example/s2i").make();
    let project = Project::new().file("a", "1");
    let cause = "`ftp://host.example/s2i`, which begins with `ftp://`, which is not understood";
    refused(&project, project.build(&builder), ENGINE, cause, "-s image:///FOLDER");
}

#[test]
fn labels_of_another_shape_are_refused() {
    let script = "#!/bin/sh\nmkdir -p /tmp/.s2i\necho '[]' >/tmp/.s2i/image_metadata.json\n";
    let builder = with_assemble(0o755, script);
    let project = Project::new().file("a", "1");
    let cause = "cannot use the labels that `assemble` left in /tmp/.s2i/image_metadata.json";
    refused(&project, project.build(&builder), ENGINE, cause, "well-formed JSON");
}

#[test]
fn a_refusal_leaves_the_tag_on_the_last_good_image() {
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    project.build(&builder).success();
    let good = project.id();
    let broken = Builder::new().make();
    told(project.build(&broken), ENGINE, "`assemble` is missing", "rebuild the builder").says("stays as it was");
    told(project.build(&builder).arg("--env").arg("=x"), USAGE, "has no name", "-e NAME=VALUE");
    assert_eq!(project.id(), good);
}

#[test]
fn a_refusal_leaves_no_container() {
    let builder = Builder::new().make();
    let project = Project::new().file("a", "1");
    refused(&project, project.build(&builder), ENGINE, "`assemble` is missing", "rebuild the builder");
    assert_eq!(builder.containers(), [""; 0]);
}

// The arguments.

#[test]
fn a_malformed_tag_is_refused_with_a_good_one() {
    for (tag, fault) in
        [("App", "lower case"), ("a:b:c", "between slashes"), ("app@sha256:00", "digest"), ("", "empty")]
    {
        let project = Project::new().file("a", "1");
        let source = project.path().display().to_string();
        let run = Run::new().args(&["build", &source, "builder", tag]);
        told(run, USAGE, &format!("`{tag}` can not name an image: "), "a name looks like `app`").says(fault);
    }
}

#[test]
fn a_variable_without_a_name_is_refused() {
    let project = Project::new();
    refused(&project, project.build_with("x").args(&["-e", "=value"]), USAGE, "has no name", "-e NAME=VALUE");
}

#[test]
fn a_variable_that_is_not_set_here_is_named() {
    let project = Project::new();
    let run = project.build_with("x").args(&["-e", "MINIS2I_SURELY_NOT_SET"]);
    refused(&project, run, USAGE, "`MINIS2I_SURELY_NOT_SET` is not set here", "set and export it first");
}

#[test]
fn a_missing_environment_file_is_named() {
    let project = Project::new();
    let run = project.build_with("x").args(&["-E", "/none/such.env"]);
    refused(&project, run, USAGE, "cannot read the environment file `/none/such.env`", "`NAME=VALUE` lines");
}

#[test]
fn a_folder_is_no_environment_file() {
    let project = Project::new();
    let run = project.build_with("x").args(&["-E", "/tmp"]);
    refused(&project, run, USAGE, "directory", "`NAME=VALUE` lines");
}

#[test]
fn bytes_are_no_environment_file() {
    let project = Project::new().file("a", "1");
    let file = project.path().join("variables");
    fs::write(&file, b"A=\xff\xfe").unwrap();
    let run = project.build_with("x").arg("-E").arg(file.to_str().unwrap());
    refused(&project, run, USAGE, "it is not UTF-8 text", "`NAME=VALUE` lines");
}

#[test]
fn a_bad_environment_file_of_the_source_is_named() {
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1").file(".s2i/environment", "A=\0");
    refused(&project, project.build(&builder), USAGE, ".s2i/environment`", "`NAME=VALUE` lines");
}

#[test]
fn an_environment_line_that_says_nothing_is_named_and_left_out() {
    let builder = Builder::new().script("assemble", "#!/bin/sh\necho $A >out\n").make();
    let project = Project::new().file("v", "A=1\nnonsense\n");
    let file = project.path().join("v").display().to_string();
    project.build(&builder).arg("-E").arg(&file).success().says(&format!("warning: {file}:2 is no `NAME=VALUE` line"));
    assert_eq!(project.image().run(&[]), "1");
}

#[test]
fn run_options_that_would_take_the_container_away_are_refused() {
    let taken = [
        "--name=x",
        "-d",
        "--detach",
        "--rm",
        "-it",
        "-dit",
        "--entrypoint=x",
        "--cidfile=x",
        "-a=stdout",
        "--restart=always",
    ];
    for option in taken {
        let project = Project::new();
        let run = project.build_with("x").rest(&["--memory", "512m", option]);
        refused(&project, run, USAGE, &format!("`{option}` can not be passed on to `docker run`"), "leave it out");
    }
}

#[test]
fn a_word_after_the_dashes_is_no_run_option() {
    let project = Project::new();
    let run = project.build_with("x").rest(&["busybox"]);
    refused(&project, run, USAGE, "`busybox` after `--` is no option", "--memory 512m");
}

#[test]
fn a_run_option_that_docker_does_not_know_is_told_in_its_words() {
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    let run = project.build(&builder).rest(&["--no-such-option"]);
    refused(&project, run, ENGINE, "unknown flag: --no-such-option", "`docker run --help` lists");
}

#[test]
fn an_unknown_option_is_a_usage_error() {
    let outcome = Run::new().args(&["build", "--no-such-option", "a", "b", "c"]).run().status(USAGE);
    outcome.says("error: unexpected argument '--no-such-option'").says("Usage: minis2i build").says("--help");
}

#[test]
fn a_missing_argument_is_a_usage_error() {
    Run::new().args(&["build", "a", "b"]).run().status(USAGE).says("error:").says("<TAG>");
}

// The engine.

#[test]
fn an_engine_that_is_not_there_is_to_be_installed() {
    let project = Project::new().file("a", "1");
    let run = project.build_with("x").args(&["--engine", "/nonexistent"]);
    refused(&project, run, ENGINE, "cannot start the engine's CLI `/nonexistent`", "apt-get install docker.io");
}

#[test]
fn an_engine_that_may_not_be_run_is_named() {
    let project = Project::new().file("not-a-program", "1");
    let file = project.path().join("not-a-program").display().to_string();
    let run = project.build_with("x").args(&["--engine", &file]);
    refused(&project, run, ENGINE, "cannot start the engine's CLI", "a program you may run");
}

#[test]
fn a_daemon_that_is_down_is_to_be_started() {
    for host in ["unix:///tmp/minis2i-test-none.sock", "tcp://127.0.0.1:1"] {
        let project = Project::new().file("a", "1");
        let run = project.build_with("x").env("DOCKER_HOST", host);
        refused(&project, run, ENGINE, "Cannot connect to the Docker daemon", "start the engine").says("DOCKER_HOST");
    }
}

#[test]
fn a_host_that_docker_can_not_read_is_told_in_its_words() {
    let project = Project::new().file("a", "1");
    let run = project.build_with("x").env("DOCKER_HOST", "nonsense://");
    refused(&project, run, ENGINE, "nonsense", "docker info");
}

#[test]
fn a_socket_that_may_not_be_used_asks_for_the_group() {
    let words = "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: \
                 Get \"http://%2Fvar%2Frun%2Fdocker.sock/v1.41/info\": dial unix /var/run/docker.sock: connect: \
                 permission denied";
    let stand_in = StandIn::new(&format!("echo '{words}' >&2\nexit 1"));
    let project = Project::new().file("a", "1");
    let run = project.build_with("x").arg("--engine").arg(stand_in.path());
    refused(&project, run, ENGINE, words, "usermod -aG docker");
}

#[test]
fn an_engine_that_says_nothing_of_use_is_an_error() {
    for script in ["exit 0", "exit 3", "echo hello", "echo '[{}]'", "kill -9 $$"] {
        let stand_in = StandIn::new(script);
        let project = Project::new().file("a", "1");
        let run = project.build_with("x").arg("--engine").arg(stand_in.path());
        refused(&project, run, ENGINE, "", "info");
    }
}

#[test]
fn a_daemon_lost_while_assemble_runs_ends_the_build() {
    let builder = Builder::new().script("assemble", "#!/bin/sh\necho assembling now\nexec sleep 300\n").make();
    let project = Project::new().file("a", "1");
    let line = Line::new();
    let running = project.build(&builder).env("DOCKER_HOST", line.host()).start();
    running.wait_for("assembling now");
    line.cut();
    let outcome = running.end().status(ENGINE).says("minis2i: build failed:").says("stays as it was");
    outcome
        .says("error: the build container is gone before `assemble` was done")
        .says("\nhint: see that `docker info`");
    assert_eq!(project.id(), None);
    // Nobody could remove it.
    for container in builder.containers() {
        docker(&["rm", "-fv", &container]);
    }
}

#[test]
fn a_daemon_lost_in_the_commit_ends_the_build() {
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    let line = Line::new();
    let stand_in = StandIn::new(
        "if [ \"$1\" = commit ]; then touch $here/committing; while [ ! -e $here/cut ]; do sleep 0.02; done; fi\n\
         exec docker \"$@\"",
    );
    let run = project.build(&builder).env("DOCKER_HOST", line.host()).arg("--engine").arg(stand_in.path());
    let running = run.start();
    wait_for("the commit", || stand_in.has("committing"));
    line.cut();
    stand_in.make("cut");
    running.end().status(ENGINE).says("cannot commit what `assemble` made").says("\nhint: start the engine");
    assert_eq!(project.id(), None);
    for container in builder.containers() {
        docker(&["rm", "-fv", &container]);
    }
}

#[test]
fn a_failed_commit_is_told_in_the_engines_words() {
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    let words = "Error response from daemon: write /var/lib/docker/x: no space left on device";
    let stand_in =
        StandIn::new(&format!("if [ \"$1\" = commit ]; then echo '{words}' >&2; exit 1; fi\nexec docker \"$@\""));
    let run = project.build(&builder).arg("--engine").arg(stand_in.path());
    refused(&project, run, ENGINE, words, "system prune");
    assert_eq!(builder.containers(), [""; 0]);
}

#[test]
fn a_full_disk_in_the_container_ends_the_build() {
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1").file("large", &"x".repeat(5 << 20));
    let run = project.build(&builder).rest(&["--tmpfs", "/tmp:size=1m"]);
    refused(&project, run, ENGINE, "No space left on device", "space");
    assert_eq!(builder.containers(), [""; 0]);
}

#[test]
fn a_refusal_is_told_as_json_too() {
    let project = Project::new();
    let name = unique("none");
    let outcome = project.build_with(&name).args(&["--message-format", "json"]).run().status(ENGINE);
    let [error] = &outcome.json()[..] else { panic!("{outcome}") };
    assert_eq!(error["reason"], "error");
    assert_eq!(error["message"], format!("there is no builder image `{name}` in the engine"));
    assert!(error["hint"].as_str().unwrap().contains("docker pull"));
    assert_eq!(outcome.stderr, "");
}
