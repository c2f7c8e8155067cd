//! The options of the reference implementation that are not taken, and its file of arguments.

use std::fs;

use serde_json::json;

use crate::support::builder::Builder;
use crate::support::exit_status::USAGE;
use crate::support::project::Project;
use crate::support::run::Run;

#[test]
fn options_of_the_reference_that_are_not_taken_name_the_cure() {
    for (option, cure) in [
        ("--tls", "DOCKER_TLS_VERIFY"),
        ("--tlsverify", "DOCKER_CERT_PATH"),
        ("--ca=x", "DOCKER_CERT_PATH"),
        ("--cert=x", "docker context use"),
        ("--key=x", "docker context use"),
        ("--url=tcp://x", "DOCKER_HOST"),
        ("-Utcp://x", "DOCKER_HOST"),
        ("--dockercfg-path=x", "docker login"),
        ("--force-pull", "docker pull"),
        ("--memory=1g", "after `--`"),
    ] {
        let outcome = Run::new().args(&["build", option, "a", "b", "c"]).run().status(USAGE);
        outcome.says("error: `minis2i build` does not take `-").says("hint: ").says(cure);
    }
    Run::new().args(&["usage", "--no-incremental", "b"]).run().status(USAGE).says("an option of `minis2i build`");
    Run::new().args(&["build", "--nonsense", "a", "b", "c"]).run().status(USAGE).says("unexpected argument");
}

#[test]
fn an_argument_too_many_is_an_error() {
    let build = "the order is `minis2i build SOURCE BUILDER TAG`";
    for line in [&["build", "a", "b", "c", "d"][..], &["a", "b", "c", "d"]] {
        Run::new().args(line).run().status(USAGE).says("`d` is one argument too many").says(build);
    }
    Run::new().args(&["usage", "b", "c"]).run().status(USAGE).says("`minis2i usage BUILDER`");
}

/// A builder whose `assemble` adds the variables `A` and `B` to the input.
fn reporting_builder() -> Builder {
    Builder::new().script("assemble", "#!/bin/sh\nset -e\ncp /tmp/src/input out\necho \"$A $B\" >>out\n").make()
}

/// A project with a file of arguments beside its source.
fn project_with_arguments_file(builder: &Builder, name: &str, flags: serde_json::Value) -> Project {
    let project = Project::new().file("input", "1\n");
    let text = json!({"source": "source", "builderImage": builder.name(), "tag": project.tag, "flags": flags});
    fs::write(project.temp_dir().join(name), text.to_string()).unwrap();
    project
}

fn build_in_folder_of(project: &Project, args: &[&str]) -> Run {
    Run::new().env("TMPDIR", project.temp_dir()).current_dir(project.temp_dir()).arg("build").args(args)
}

#[test]
fn a_build_without_arguments_takes_them_from_the_file() {
    let builder = reporting_builder();
    let flags = json!({"env-0": "A=1", "env-1": "B=x, y", "use-config": "true", "tls": "true", "exclude": "no.*"});
    let project = project_with_arguments_file(&builder, ".s2ifile", flags);
    let outcome = build_in_folder_of(&project, &[]).success().says("note: arguments come from `.s2ifile`");
    outcome.says("note: `tls` in `.s2ifile` is left out: ").says("note: `exclude` in `.s2ifile` is left out: ");
    assert_eq!(project.image().run(&[]), "1\n1 x, y");
    build_in_folder_of(&project, &["--use-config", "-e", "A=2"]).success();
    assert_eq!(project.image().run(&[]), "1\n2");
}

#[test]
fn arguments_win_over_the_file() {
    let builder = reporting_builder();
    let project = project_with_arguments_file(&builder, ".stifile", json!({"env": "A=1,B=2"}));
    let other = Project::new().file("input", "other\n");
    let path = other.path().display().to_string();
    build_in_folder_of(&project, &["--use-config", &path, builder.name(), &other.tag]).success().says("`.stifile`");
    assert_eq!(other.image().run(&[]), "other\n1 2");
    assert_eq!(project.id(), None);
    // With arguments and without `--use-config` the file is not read.
    build_in_folder_of(&project, &[&path, builder.name(), &other.tag]).success().never_says("stifile");
    assert_eq!(other.image().run(&[]), "other");
}

#[test]
fn a_file_that_is_missing_or_broken_is_told() {
    let project = Project::new().file("input", "1\n");
    build_in_folder_of(&project, &["--use-config"]).run().status(USAGE).says("there is no `.s2ifile`").says("hint: ");
    build_in_folder_of(&project, &[]).run().status(USAGE).says("required arguments");
    fs::write(project.temp_dir().join(".s2ifile"), "{").unwrap();
    build_in_folder_of(&project, &[]).run().status(USAGE).says("cannot use the `.s2ifile`").says("hint: ");
    fs::write(project.temp_dir().join(".s2ifile"), r#"{"source":"--engine=x","builderImage":"b","tag":"t"}"#).unwrap();
    build_in_folder_of(&project, &[]).run().status(USAGE).says("`--engine=x` in `.s2ifile` is no name");
    let builder = reporting_builder();
    fs::remove_file(project.temp_dir().join(".s2ifile")).unwrap();
    build_in_folder_of(&project, &["--use-config", "source", builder.name(), &project.tag])
        .success()
        .says("writes none");
}
