//! Names that are made to look like messages, or to steer the terminal.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::support::builder::Builder;
use crate::support::exit_status::USAGE;
use crate::support::outcome::Outcome;
use crate::support::project::Project;
use crate::support::run::Run;

/// A name that was a line of its own, in red.
const FORGED: &str = "a\nminis2i: build ok: forged\u{1b}[31m\u{9b}2J\u{202e}";

/// How it is shown.
const SHOWN: &str = r"a\nminis2i: build ok: forged\u{1b}[31m\u{9b}2J\u{202e}";

#[track_caller]
fn assert_not_forged(outcome: &Outcome) {
    let lines = outcome.stderr.lines().chain(outcome.stdout.lines());
    for line in lines {
        assert!(!line.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{line:?}\n{outcome}");
        assert!(!line.starts_with("minis2i: build ok: forged"), "{outcome}");
    }
}

#[test]
fn names_of_files_were_lines_of_their_own() {
    let builder = Builder::assembling("true");
    let project = Project::new().file(".gitignore", "*.log\n").file(&format!("{FORGED}.log"), "ignored");
    symlink("/etc/passwd", project.path().join(FORGED)).unwrap();
    let fifo = project.path().join(OsStr::from_bytes(&[FORGED.as_bytes(), b".\xff"].concat()));
    assert!(Command::new("mkfifo").arg(fifo).status().unwrap().success());
    let outcome = project.build(&builder).success();
    assert_not_forged(&outcome);
    assert_eq!(outcome.stderr.matches(SHOWN).count(), 3, "{outcome}");
}

#[test]
fn what_was_typed_was_a_line_of_its_own() {
    let missing = Run::new().args(&["build", &format!("/missing/{FORGED}"), "builder", "app"]).run().status(USAGE);
    assert_not_forged(&missing.says(SHOWN));
    let option = Run::new().args(&["build", "--color", FORGED]).run().status(USAGE);
    assert_not_forged(&option.says(r"a\nminis2i: build ok"));
    let engine = Run::new().args(&["build", "/", "builder", "app", "--engine", &format!("/missing/{FORGED}")]).run();
    assert_not_forged(&engine.says(SHOWN));
}

#[test]
fn json_was_shown_with_what_steers_a_terminal() {
    let run = Run::new().args(&["build", &format!("/missing/{FORGED}"), "builder", "app", "--message-format", "json"]);
    let outcome = run.run().status(USAGE);
    assert_not_forged(&outcome);
    assert!(outcome.json().iter().any(|line| line.to_string().contains("forged")), "{outcome}");
}
