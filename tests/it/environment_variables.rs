//! The variables of `assemble` and of the image: where they come from, and which one wins.

use crate::support::builder::Builder;
use crate::support::project::Project;

#[test]
fn later_sources_of_a_variable_win_and_none_is_there_twice() {
    let builder = Builder::evaluating().instruction("ENV A=builder B=builder C=builder D=builder").make();
    let names = "B=source\nC=source\nD=source\nE=source\n# no=comment\n  F = spaces \nexport G=exported\n";
    let project = Project::new().file(".s2i/environment", names);
    project.write("../file", "C=file\nD=file\nH=file\n");
    let file = project.path().join("../file").display().to_string();
    let run = project.build(&builder).args(&["-e", "D=first", "-e", "D=typed", "-E", &file, "-e", "I=typed"]);
    let outcome = run.assemble("echo $A $B $C $D $E $F $G $H $I").success();
    assert_eq!(outcome.assemble_output(), ["builder source file typed source spaces exported file typed"]);
    let image = project.image().environment();
    let values = ["A", "B", "C", "D", "E", "F", "G", "H", "I"].map(|name| image[name].as_str());
    assert_eq!(values, ["builder", "source", "file", "typed", "source", "spaces", "exported", "file", "typed"]);
}

#[test]
fn a_variable_that_is_not_given_again_is_gone() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    project.build(&builder).args(&["-e", "ONCE=1"]).success();
    assert_eq!(project.image().environment()["ONCE"], "1");
    project.build(&builder).success();
    assert!(!project.image().environment().contains_key("ONCE"));
}

#[test]
fn values_are_literal() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    let value = "a \"b\" 'c' $HOME ${X} `d` \\n #e, =f \u{fc}";
    let outcome =
        project.build(&builder).args(&["-e", &format!("X={value}")]).assemble("printf '%s\\n' \"$X\"").success();
    assert_eq!(outcome.assemble_output(), [value]);
    assert_eq!(project.image().environment()["X"], value);
}

#[test]
fn a_name_alone_takes_its_value_from_here() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    let run = project.build(&builder).env("FROM_HERE", "two words").args(&["-e", "FROM_HERE"]);
    run.success();
    assert_eq!(project.image().environment()["FROM_HERE"], "two words");
}

/// A builder whose `assemble` writes the variables A to D to `/app/out`.
fn variables_builder() -> Builder {
    Builder::assembling("echo \"$A $B $C $D\" >out")
}

#[test]
fn a_variable_is_set_for_assemble_and_the_image() {
    let builder = variables_builder();
    let project = Project::new().file("a", "1");
    project.build(&builder).args(&["-e", "A=a = b", "--env", "B="]).success();
    assert_eq!(project.image().run(&[]), "a = b");
    assert_eq!(project.image().run(&["/bin/sh", "-c", "echo \"$A\""]), "a = b");
}

#[test]
fn a_name_alone_takes_the_value_from_here() {
    let builder = variables_builder();
    let project = Project::new().file("a", "1");
    project.build(&builder).args(&["-e", "A"]).env("A", "from here").success();
    assert_eq!(project.image().run(&[]), "from here");
}

#[test]
fn variables_come_from_the_source_then_files_then_options() {
    let builder = variables_builder();
    let project = Project::new().file(".s2i/environment", "A=source\nB=source\nC=source\nD=source\n");
    let project = project.file("one", "B=one\nC=one\nD=one\n").file("two", "C=two\nD=two\n");
    let path = |name: &str| project.path().join(name).display().to_string();
    let run = project.build(&builder).args(&["-e", "D=before", "-E", &path("one"), "--environment-file", &path("two")]);
    run.args(&["-e", "D=option"]).success();
    assert_eq!(project.image().run(&[]), "source one two option");
}

#[test]
fn variables_of_the_user_do_not_change_what_minis2i_does() {
    let assemble = "#!/bin/sh\nwhile read -r line; do echo \"$line\" >/app/out; done </tmp/src/out\n\
                    echo \"$PATH $TAR_OPTIONS\"; [ -s /conf/a ] && echo injected; [ ! -e /tmp/artifacts/old ] || echo again\n";
    let builder = Builder::new()
        .script("assemble", assemble)
        .script("save-artifacts", "#!/bin/sh\n/bin/cp /app/out /tmp/artifacts/old\n")
        .make();
    let variables = "PATH=/x:$PATH\nTAR_OPTIONS=--exclude=*\nENV=/none\nBASH_ENV=/none\nIFS=/tmp\nPOSIXLY_CORRECT=1\n\
                     LANG=tr_TR.UTF-8\nLC_ALL=none\nLD_LIBRARY_PATH=/none\nTAPE=/none\nCDPATH=/\n";
    let project = Project::new().file(".s2i/environment", variables).file("out", "made");
    project.write("out", "made\n");
    project.write("../conf/a", "x");
    let conf = format!("{}:/conf", project.path().join("../conf").display());
    for round in 0..2 {
        let outcome = project.build(&builder).args(&["--inject", &conf]).success();
        let outcome = outcome.says("/x:$PATH --exclude=*\n").says("injected\n").never_says("warning:");
        let outcome = outcome.says("note: the value of `PATH` has the text `$PATH`, which is not replaced");
        assert_eq!(outcome.stderr.contains("again\n"), round == 1, "{outcome}");
        let image = project.image();
        assert!(!image.has("/tmp/src") && !image.has("/conf"));
        let names: Vec<_> = image.files("/tmp").into_keys().map(|name| String::from_utf8(name).unwrap()).collect();
        assert!(names.iter().all(|name| name.is_empty() || name.starts_with("artifacts")), "{names:?}");
        assert_eq!(image.environment()["PATH"], "/x:$PATH");
    }
    // An external script is written by us, too.
    project.write(".s2i/bin/save-artifacts", "#!/bin/sh\n/bin/cp /app/out /tmp/artifacts/old\n");
    project.build(&builder).args(&["--inject", &conf]).success().says("again\n").never_says("warning:");
}
