//! Arguments and files of arguments that cannot be used.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use super::fixtures::{assert_fails, assert_refused};
use crate::support::builder::Builder;
use crate::support::exit_status::{ENGINE, USAGE};
use crate::support::project::Project;
use crate::support::run::Run;

#[test]
fn a_malformed_tag_is_refused_with_a_good_one() {
    for (tag, fault) in
        [("App", "lower case"), ("a:b:c", "between slashes"), ("app@sha256:00", "digest"), ("", "empty")]
    {
        let project = Project::new().file("a", "1");
        let source = project.path().display().to_string();
        let run = Run::new().args(&["build", &source, "builder", tag]);
        assert_fails(run, USAGE, &format!("`{tag}` cannot name an image: "), "a name looks like `app`").says(fault);
    }
}

#[test]
fn a_variable_without_a_name_is_refused() {
    let project = Project::new();
    assert_refused(&project, project.build_with("x").args(&["-e", "=value"]), USAGE, "has no name", "-e NAME=VALUE");
}

#[test]
fn a_variable_that_is_not_set_here_is_named() {
    let project = Project::new();
    let run = project.build_with("x").args(&["-e", "MINIS2I_SURELY_NOT_SET"]);
    assert_refused(&project, run, USAGE, "`MINIS2I_SURELY_NOT_SET` is not set here", "set and export it first");
}

#[test]
fn a_missing_environment_file_is_named() {
    let project = Project::new();
    let run = project.build_with("x").args(&["-E", "/none/such.env"]);
    assert_refused(&project, run, USAGE, "cannot read the environment file `/none/such.env`", "`NAME=VALUE` lines");
}

#[test]
fn a_folder_is_no_environment_file() {
    let project = Project::new();
    let run = project.build_with("x").args(&["-E", "/tmp"]);
    assert_refused(&project, run, USAGE, "directory", "`NAME=VALUE` lines");
}

#[test]
fn bytes_are_no_environment_file() {
    let project = Project::new().file("a", "1");
    let file = project.path().join("variables");
    fs::write(&file, b"A=\xff\xfe").unwrap();
    let run = project.build_with("x").arg("-E").arg(file.to_str().unwrap());
    assert_refused(&project, run, USAGE, "it is not UTF-8 text", "`NAME=VALUE` lines");
}

#[test]
fn a_bad_environment_file_of_the_source_is_named() {
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1").file(".s2i/environment", "A=\0");
    assert_refused(&project, project.build(&builder), USAGE, ".s2i/environment`", "`NAME=VALUE` lines");
}

#[test]
fn an_environment_line_that_says_nothing_is_named_and_left_out() {
    let builder = Builder::new().script("assemble", "#!/bin/sh\necho $A >out\n").make();
    let project = Project::new().file("v", "A=1\nnonsense\n");
    let file = project.path().join("v").display().to_string();
    project
        .build(&builder)
        .arg("-E")
        .arg(&file)
        .success()
        .says(&format!("warning: {file}:2 is not a `NAME=VALUE` line"));
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
        let run = project.build_with("x").engine_options(&["--memory", "512m", option]);
        assert_refused(
            &project,
            run,
            USAGE,
            &format!("`{option}` cannot be passed on to `docker run`"),
            "leave it out",
        );
    }
}

#[test]
fn a_word_after_the_dashes_is_no_run_option() {
    let project = Project::new();
    let run = project.build_with("x").engine_options(&["busybox"]);
    assert_refused(&project, run, USAGE, "`busybox` after `--` is not an option", "--memory 512m");
}

#[test]
fn a_run_option_that_docker_does_not_know_is_told_in_its_words() {
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    let run = project.build(&builder).engine_options(&["--no-such-option"]);
    assert_refused(&project, run, ENGINE, "unknown flag: --no-such-option", "`docker run --help` lists");
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

#[test]
fn times_without_a_bound_made_a_watch_panic() {
    let project = Project::new().file("a", "1");
    for (option, bound) in [
        ("--debounce=300000000000h", "at most 1h"),
        ("--debounce=61m", "at most 1h"),
        ("--poll=300000000000h", "from 10ms to 24h"),
        ("--poll=0s", "from 10ms to 24h"),
    ] {
        let outcome = Run::new().args(&["watch", option, project.path().to_str().unwrap(), "a", "b"]).run();
        outcome.status(USAGE).says(option.split_once('=').unwrap().1).says(bound);
    }
}

#[test]
fn a_variable_that_is_no_text_was_said_not_to_be_set() {
    let project = Project::new();
    for (option, value) in
        [("-e", "MINIS2I_BYTES"), ("--build-env", "MINIS2I_BYTES"), ("--secret", "id=a,env=MINIS2I_BYTES")]
    {
        let run = project.build_with("x").args(&[option, value]).env("MINIS2I_BYTES", OsStr::from_bytes(b"a\xff"));
        assert_refused(&project, run, USAGE, "is not UTF-8 text", "write `-").says("`MINIS2I_BYTES`");
    }
}

#[test]
fn a_folder_whose_name_is_no_text_was_mounted_under_another_name() {
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "1");
    let odd = project.temp_dir().join(OsStr::from_bytes(b"caf\xe9"));
    fs::rename(project.path(), &odd).unwrap();
    let run = || project.build(&builder).source(".").current_dir(&odd);
    assert_refused(&project, run().arg("--mount"), USAGE, "`--mount` cannot mount `", "leave out `--mount`");
    let cache = run().args(&["--volume", "./:/cache"]);
    assert_refused(&project, cache, USAGE, "`--volume ./:/cache` cannot mount `", "names of UTF-8 text");
    run().success();
    assert_eq!(project.image().run(&[]), "1");
}
