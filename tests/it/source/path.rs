//! The ways to write the path of the source.

use std::os::unix::fs::symlink;

use super::fixtures::LIST_FILES;
use crate::support::builder::Builder;
use crate::support::project::Project;

#[test]
fn the_source_may_be_a_symlink() {
    let project = Project::new().file("a", "x");
    let link = project.path().with_file_name("link");
    symlink("source", &link).unwrap();
    let builder = Builder::shared_evaluating();
    let outcome = project.build(&builder).source(link.to_str().unwrap()).assemble(LIST_FILES).success();
    assert_eq!(outcome.assemble_output(), ["./a"]);
}

#[test]
fn the_source_may_be_relative_with_or_without_a_slash() {
    let project = Project::new().file("a", "x");
    let builder = Builder::shared_evaluating();
    for (folder, typed) in [("..", "source"), ("..", "./source/"), (".", "."), (".", "../source")] {
        let run = project.build(&builder).source(typed).current_dir(&project.path().join(folder)).assemble(LIST_FILES);
        assert_eq!(run.success().assemble_output(), ["./a"], "{typed}");
    }
}

#[test]
fn the_source_may_have_an_odd_name() {
    let project = Project::new().file("a", "x");
    let builder = Builder::shared_evaluating();
    for name in ["with space", "a,b=\"c\"", "sou:rce", "-s"] {
        let odd = project.path().with_file_name(name);
        symlink("source", &odd).unwrap();
        let run = project.build(&builder).source(odd.to_str().unwrap()).assemble(LIST_FILES);
        assert_eq!(run.success().assemble_output(), ["./a"], "{name}");
    }
}
