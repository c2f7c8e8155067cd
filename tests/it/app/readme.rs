//! The example of the README's section "At the desk".

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use super::fixtures::shared_web_builder;
use crate::support::project::Project;
use crate::support::run::Run;
use crate::support::wait::wait_for;

/// The commands of the section, each with the line that it prints, if the README shows one.
fn example() -> Vec<(String, Option<String>)> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let section = readme.split("\n## At the desk\n").nth(1).unwrap();
    let block = section.split("```console\n").nth(1).unwrap().split("```").next().unwrap();
    let mut steps: Vec<(String, Option<String>)> = Vec::new();
    for line in block.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => steps.push((command.to_owned(), None)),
            None => steps.last_mut().unwrap().1 = Some(line.to_owned()),
        }
    }
    steps
}

#[test]
fn the_example_works_from_the_first_command_to_the_changed_answer() {
    let builder = shared_web_builder();
    let project = Project::new();
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let mut watch = None;
    for (command, shown) in example() {
        let command = command
            .replace("8080:8080", &format!("{port}:8080"))
            .replace("127.0.0.1:8080", &format!("127.0.0.1:{port}"))
            .replace("web-builder", builder.name())
            .replace("site-img", &project.tag);
        if let Some(line) = command.strip_prefix("minis2i ") {
            let words: Vec<&str> = line.trim_end_matches('&').split_whitespace().collect();
            let run = Run::new().args(&words).current_dir(folder.path()).env("TMPDIR", project.temp_dir());
            watch = Some(run.start());
            continue;
        }
        let run = || {
            let output = Command::new("sh").arg("-c").arg(&command).current_dir(folder.path()).output().unwrap();
            (output.status.success(), String::from_utf8(output.stdout).unwrap())
        };
        match shown {
            None => assert!(run().0, "{command}"),
            // A reader of the README takes longer than the build.
            Some(shown) => wait_for(&format!("{command}: {shown}"), || run() == (true, format!("{shown}\n"))),
        }
    }
    let watch = watch.unwrap();
    watch.signal("INT");
    watch.end().status(130);
}
