//! `minis2i cache ls`, `rm` and `prune`.

use super::fixtures::python_builder;
use crate::support::caches::{caches_of, full_names};
use crate::support::engine::docker;
use crate::support::project::Project;
use crate::support::run::Run;
use crate::support::wait::wait_for;

/// A `minis2i cache` with the locks of this project.
fn cache(project: &Project, args: &[&str]) -> Run {
    Run::new().arg("cache").args(args).env("TMPDIR", project.temp_dir())
}

#[test]
fn a_cache_is_listed_with_its_builder_and_removed_unless_it_is_in_use() {
    let builder = python_builder().make();
    let project = Project::new().file("a", "1");
    project.build(&builder).arg("--cache=auto").success();
    let [name] = &caches_of(builder.name())[..] else { panic!("{:?}", caches_of(builder.name())) };
    let table = cache(&project, &["ls"]).success().stdout;
    let line = table.lines().find(|line| line.starts_with(name.as_str())).unwrap_or_else(|| panic!("{table}"));
    let words: Vec<&str> = line.split_whitespace().collect();
    let ends = full_names(builder.name()).map(|name| ["ago".to_owned(), "auto".to_owned(), name]);
    assert!(ends.iter().any(|end| words[words.len() - 3..] == *end), "{line}");
    let objects = cache(&project, &["ls", "--message-format=json"]).success().json();
    let object = objects.iter().find(|it| it["name"] == name.as_str()).unwrap();
    assert!(object["path"].is_null() && object["user"] == "1001" && object["last_used"].is_string(), "{object}");
    let holder = docker(&["create", "--volume", &format!("{name}:/x"), builder.name(), "/none"]);
    let in_use = "is in use: a container of a build has it";
    cache(&project, &["rm", name]).run().status(125).says(in_use).says(&format!("ps --all --filter volume={name}"));
    docker(&["rm", &holder]);
    assert_eq!(cache(&project, &["rm", name]).success().stdout, format!("{name}\n"));
    assert!(caches_of(builder.name()).is_empty());
    cache(&project, &["rm", name]).run().status(2).says("there is no cache");
}

#[test]
fn volumes_of_others_are_left_alone() {
    let project = Project::new();
    let name = crate::support::engine::unique_name("volume");
    docker(&["volume", "create", &name]);
    cache(&project, &["rm", &name]).run().status(2).says("no cache of builds is");
    assert!(!cache(&project, &["ls"]).success().stdout.contains(&name));
    docker(&["volume", "rm", &name]);
}

#[test]
fn the_caches_of_a_builder_that_is_gone_are_pruned() {
    let builder = python_builder().make();
    let project = Project::new().file("a", "1");
    project.build(&builder).arg("--cache=auto").success();
    let pruned = || cache(&project, &["prune"]).success().stdout;
    let name = caches_of(builder.name()).remove(0);
    assert!(!pruned().contains(&name));
    let other = format!("{}:other", builder.name());
    docker(&["tag", builder.name(), &other]);
    docker(&["rmi", builder.name()]);
    // A list that another test makes may have it for a moment.
    wait_for("its removal", || pruned().contains(&name));
    docker(&["tag", &other, builder.name()]);
    docker(&["rmi", &other]);
}
