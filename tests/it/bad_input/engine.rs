//! Engines that cannot be used, or fail in the middle of a build.

use super::fixtures::assert_refused;
use crate::support::builder::Builder;
use crate::support::engine::{docker, unique_name};
use crate::support::engine_proxy::EngineProxy;
use crate::support::exit_status::ENGINE;
use crate::support::project::Project;
use crate::support::stand_in_cli::StandInCli;
use crate::support::wait::wait_for;

#[test]
fn an_engine_that_is_not_there_is_to_be_installed() {
    let project = Project::new().file("a", "1");
    let run = project.build_with("x").args(&["--engine", "/nonexistent"]);
    assert_refused(&project, run, ENGINE, "cannot start the engine's CLI `/nonexistent`", "apt-get install docker.io");
}

#[test]
fn an_engine_that_may_not_be_run_is_named() {
    let project = Project::new().file("not-a-program", "1");
    let file = project.path().join("not-a-program").display().to_string();
    let run = project.build_with("x").args(&["--engine", &file]);
    assert_refused(&project, run, ENGINE, "cannot start the engine's CLI", "a program that you may run");
}

#[test]
fn a_daemon_that_is_down_is_to_be_started() {
    for host in ["unix:///tmp/minis2i-test-none.sock", "tcp://127.0.0.1:1"] {
        let project = Project::new().file("a", "1");
        let run = project.build_with("x").env("DOCKER_HOST", host);
        assert_refused(&project, run, ENGINE, "Cannot connect to the Docker daemon", "start the engine")
            .says("DOCKER_HOST");
    }
}

#[test]
fn a_host_that_docker_can_not_read_is_told_in_its_words() {
    let project = Project::new().file("a", "1");
    let run = project.build_with("x").env("DOCKER_HOST", "nonsense://");
    assert_refused(&project, run, ENGINE, "nonsense", "docker info");
}

#[test]
fn a_cli_and_an_engine_of_different_times_are_told_apart() {
    for (version, words, cure) in
        [("1.99", "is too new", "newer than the engine"), ("1.10", "is too old", "older than the engine accepts")]
    {
        let project = Project::new().file("a", "1");
        let run = project.build_with("x").env("DOCKER_API_VERSION", version);
        assert_refused(&project, run, ENGINE, words, cure).says("unset DOCKER_API_VERSION");
    }
}

#[test]
fn a_context_that_does_not_exist_is_told_with_the_way_to_those_that_do() {
    let project = Project::new().file("a", "1");
    let run = project.build_with("x").env("DOCKER_HOST", "").env("DOCKER_CONTEXT", "minis2i-test-none");
    assert_refused(&project, run, ENGINE, "context not found", "docker context ls");
}

#[test]
fn a_socket_that_may_not_be_used_asks_for_the_group() {
    let words = "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: \
                 Get \"http://%2Fvar%2Frun%2Fdocker.sock/v1.41/info\": dial unix /var/run/docker.sock: connect: \
                 permission denied";
    let stand_in = StandInCli::new(&format!("echo '{words}' >&2\nexit 1"));
    let project = Project::new().file("a", "1");
    let run = project.build_with("x").arg("--engine").arg(stand_in.path());
    assert_refused(&project, run, ENGINE, words, "usermod -aG docker");
}

#[test]
fn an_engine_that_says_nothing_of_use_is_an_error() {
    for script in ["exit 0", "exit 3", "echo hello", "echo '[{}]'", "kill -9 $$"] {
        let stand_in = StandInCli::new(script);
        let project = Project::new().file("a", "1");
        let run = project.build_with("x").arg("--engine").arg(stand_in.path());
        assert_refused(&project, run, ENGINE, "", "info");
    }
}

#[test]
fn a_daemon_lost_while_assemble_runs_ends_the_build() {
    let builder = Builder::new().script("assemble", "#!/bin/sh\necho assembling now\nexec sleep 300\n").make();
    let project = Project::new().file("a", "1");
    let proxy = EngineProxy::new();
    let running = project.build(&builder).env("DOCKER_HOST", proxy.docker_host()).start();
    running.wait_for_stderr("assembling now");
    proxy.disconnect();
    let outcome = running.end().status(ENGINE).says("minis2i: build failed:").says("stays as it was");
    outcome.says("error: the build container ended before `assemble` was done").says("\nhint: ").says("`docker info`");
    assert_eq!(project.id(), None);
    // The run could not remove it without the engine.
    for container in builder.containers() {
        docker(&["rm", "-fv", &container]);
    }
}

#[test]
fn a_daemon_lost_in_the_commit_ends_the_build() {
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    let proxy = EngineProxy::new();
    let stand_in = StandInCli::new(
        "if [ \"$1\" = commit ]; then touch $here/committing; while [ ! -e $here/cut ]; do sleep 0.1; done; fi\n\
         exec docker \"$@\"",
    );
    let run = project.build(&builder).env("DOCKER_HOST", proxy.docker_host()).arg("--engine").arg(stand_in.path());
    let running = run.start();
    wait_for("the commit", || stand_in.has("committing"));
    proxy.disconnect();
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
        StandInCli::new(&format!("if [ \"$1\" = commit ]; then echo '{words}' >&2; exit 1; fi\nexec docker \"$@\""));
    let run = project.build(&builder).arg("--engine").arg(stand_in.path());
    assert_refused(&project, run, ENGINE, words, "system prune");
    assert_eq!(builder.containers(), [""; 0]);
}

#[test]
fn a_full_disk_in_the_container_ends_the_build() {
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1").file("large", &"x".repeat(5 << 20));
    let run = project.build(&builder).engine_options(&["--tmpfs", "/tmp:size=1m"]);
    assert_refused(&project, run, ENGINE, "No space left on device", "space");
    assert_eq!(builder.containers(), [""; 0]);
}

#[test]
fn a_refusal_is_told_as_json_too() {
    let project = Project::new();
    let name = unique_name("none");
    let outcome = project.build_with(&name).args(&["--message-format", "json"]).run().status(ENGINE);
    let [error] = &outcome.json()[..] else { panic!("{outcome}") };
    assert_eq!(error["reason"], "error");
    assert_eq!(error["message"], format!("there is no builder image `{name}` in the engine"));
    assert!(error["hint"].as_str().unwrap().contains("docker pull"));
    assert_eq!(outcome.stderr, "");
}
