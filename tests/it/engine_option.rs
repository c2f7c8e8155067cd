//! Which engine's CLI is called.

use crate::support::builder::Builder;
use crate::support::project::Project;
use crate::support::stand_in_cli::StandInCli;

#[test]
fn the_engine_can_be_named_by_an_option() {
    let engine = StandInCli::logging();
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "1");
    let other = StandInCli::new("touch $here/called; exit 1");
    project.build(&builder).arg("--engine").arg(engine.path()).env("MINIS2I_ENGINE", other.path()).success();
    assert!(engine.read("log").contains("commit --change"));
    assert!(!other.has("called"));
}

#[test]
fn the_engine_can_be_named_by_a_variable() {
    let engine = StandInCli::logging();
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "1");
    project.build(&builder).env("MINIS2I_ENGINE", engine.path()).success();
    assert!(engine.read("log").contains("commit --change"));
}

#[test]
fn nothing_but_the_named_engine_is_called() {
    let engine = StandInCli::new(&format!("PATH={}\nexec docker \"$@\"", std::env::var("PATH").unwrap()));
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "1");
    let empty = tempfile::tempdir().unwrap();
    project.build(&builder).arg("--engine").arg(engine.path()).env("PATH", empty.path()).success();
    assert_eq!(project.image().run(&[]), "1");
}
