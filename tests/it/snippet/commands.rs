//! What `snippet` refuses, and its commands against the engine.

use std::process::Command;

use super::{path_with_binary, printed_by, snippet_in};
use crate::support::builder::Builder;
use crate::support::exit_status::USAGE;
use crate::support::project::Project;
use crate::support::run::Run;

#[test]
fn the_makefile_builds_the_image_again_and_again() {
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "first");
    let text = snippet_in(project.temp_dir(), &["make", "source", builder.name(), &project.tag, "--env", "A=it's $5"]);
    std::fs::write(project.temp_dir().join("Makefile"), text).unwrap();
    for content in ["first", "second"] {
        project.write("out", content);
        let mut make = Command::new("make");
        make.arg("image").current_dir(project.temp_dir());
        make.env("PATH", path_with_binary()).env("TMPDIR", project.temp_dir()).env_remove("XDG_RUNTIME_DIR");
        if printed_by(&mut make).is_none() {
            return;
        }
        assert_eq!(project.image().run(&[]), content);
    }
    assert_eq!(project.image().run(&["sh", "-c", "echo \"$A\""]), "it's $5");
}

#[test]
fn the_examples_of_the_readme_write_the_files() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".vscode")).unwrap();
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let lines = readme.lines().filter_map(|line| line.strip_prefix("$ ").filter(|line| line.contains(" snippet ")));
    let mut written = Vec::new();
    for line in lines {
        let mut sh = Command::new("sh");
        sh.args(["-c", line]).current_dir(folder.path()).env("PATH", path_with_binary());
        printed_by(&mut sh).unwrap();
        let name = line.split("> ").nth(1).unwrap();
        assert!(folder.path().join(name).metadata().unwrap().len() > 0, "{line}");
        written.push(name);
    }
    assert_eq!(written, [".vscode/tasks.json", "Makefile"]);
}

#[test]
fn what_would_not_work_is_refused_with_a_cure() {
    for (words, said, cure) in [
        ("vscode src builder img --quiet", "lines that are not printed", "leave out `--quiet`"),
        ("neovim src builder img --message-format json", "lines that are not printed", "leave out `--quiet`"),
        ("tilt src builder img --run", "ends with an image", "leave out `--run`"),
        ("make src builder UPPER", "UPPER", ""),
        ("vscode src builder img --as-dockerfile x", "`minis2i watch` does not take `--as-dockerfile`", ""),
        ("abacus src builder img", "abacus", "vscode"),
        ("make", "SOURCE BUILDER TAG", ""),
    ] {
        let words: Vec<&str> = words.split(' ').collect();
        let outcome = Run::new().arg("snippet").args(&words).run().status(USAGE);
        assert_eq!(outcome.stdout, "");
        outcome.says(said).says(cure);
    }
}

#[test]
fn help_says_what_there_is_also_after_the_name_of_a_tool() {
    for words in [&["snippet", "--help"][..], &["snippet", "vscode", "--help"], &["help", "snippet"]] {
        let help = Run::new().args(words).success().stdout;
        let all = [
            "vscode",
            "vscode-launch",
            "zed",
            "neovim",
            "jetbrains",
            "make",
            "just",
            "compose",
            "tilt",
            "skaffold",
            "github-actions",
            "systemd",
        ];
        for what in all {
            assert!(help.contains(&format!("- {what}:")), "{what}\n{help}");
        }
    }
}
