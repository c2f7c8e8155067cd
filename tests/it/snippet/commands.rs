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
