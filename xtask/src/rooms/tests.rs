//! What the check finds, and what it lets pass.

use super::{Texts, check_program, check_tasks};

fn texts(files: &[(&str, &str)]) -> Texts {
    files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// The faults of a program of these files, and of no others but those that all have.
fn faults(files: &[(&str, &str)]) -> Vec<String> {
    let mut texts = texts(&[
        ("src/main.rs", "mod engine;\nmod error;\nmod watch;\n"),
        ("src/engine.rs", "pub mod cli;\n"),
        ("src/error.rs", "pub struct Error;\n"),
        ("src/watch.rs", "pub mod decide;\npub fn x() {}\n"),
        ("src/watch/decide.rs", "pub fn decide() {}\n"),
    ]);
    texts.extend(self::texts(files));
    check_program(&texts).iter().map(ToString::to_string).collect()
}

const UPWARD: &str = "engine -> watch: a lower room may not use a higher one";

#[test]
fn a_program_in_order_passes() {
    assert_eq!(faults(&[]), Vec::<String>::new());
    assert_eq!(
        faults(&[("src/watch.rs", "use crate::engine::cli::Cli;\nmod decide;\nuse decide::decide;\n")]),
        [""; 0]
    );
}

#[test]
fn an_import_from_a_higher_room_is_found() {
    let found = faults(&[("src/engine/cli.rs", "//! Calls.\n\nuse crate::watch::x;\n")]);
    assert_eq!(found, [format!("src/engine/cli.rs:3: {UPWARD}")]);
}

#[test]
fn an_import_in_braces_is_found_at_its_own_line() {
    let found = faults(&[("src/engine/cli.rs", "use crate::{error, watch::decide};\n")]);
    assert_eq!(found, [format!("src/engine/cli.rs:1: {UPWARD}")]);
    let found =
        faults(&[("src/engine/cli.rs", "use crate::{\n    error,\n    watch::{decide::{self, decide as d}},\n};\n")]);
    assert_eq!(found, [format!("src/engine/cli.rs:3: {UPWARD}")]);
}

#[test]
fn a_path_in_code_is_found() {
    let found = faults(&[("src/engine/cli.rs", "fn f() {\n    crate::watch::x()\n}\n")]);
    assert_eq!(found, [format!("src/engine/cli.rs:2: {UPWARD}")]);
    let found = faults(&[("src/engine/cli.rs", "fn f() {\n    super::super::watch::x()\n}\n")]);
    assert_eq!(found, [format!("src/engine/cli.rs:2: {UPWARD}")]);
}

#[test]
fn what_main_holds_is_above_all() {
    let found = faults(&[("src/error.rs", "use crate::Something;\n")]);
    assert_eq!(found, ["src/error.rs:1: error -> main: a lower room may not use a higher one"]);
}

#[test]
fn independent_rooms_may_not_use_each_other_except_as_planned() {
    let found = faults(&[
        ("src/tar.rs", ""),
        ("src/source.rs", "use crate::tar::Writer;\nuse crate::engine::Call;\n"),
        ("src/engine.rs", "use crate::tar::Writer;\n"),
    ]);
    assert_eq!(
        found,
        [
            "src/engine.rs:1: engine -> tar: these rooms know nothing of each other",
            "src/source.rs:2: source -> engine: these rooms know nothing of each other",
        ]
    );
}

#[test]
fn the_command_line_is_for_settings() {
    let use_of_cli = "use crate::cli::Args;\n";
    let found = faults(&[("src/cli.rs", ""), ("src/settings.rs", use_of_cli), ("src/pipeline.rs", use_of_cli)]);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("src/pipeline.rs:1: pipeline -> cli: only settings, commands, main may use it"));
}

#[test]
fn a_room_that_is_not_planned_is_found_once() {
    let found = faults(&[("src/unplanned.rs", ""), ("src/unplanned/child.rs", "")]);
    assert_eq!(found, ["src/unplanned.rs:1: unplanned: a room that is not in the plan, xtask/src/rooms/plan.rs"]);
}

#[test]
fn two_files_of_a_room_in_a_circle_are_found() {
    let found = faults(&[
        ("src/watch/one.rs", "use super::two::Two;\npub struct One;\n"),
        ("src/watch/two.rs", "\nfn f() { crate::watch::one::f() }\n"),
    ]);
    assert_eq!(
        found,
        [
            "src/watch/one.rs:1: watch/one -> watch/two -> watch/one: files in a circle; the other arrows: src/watch/two.rs:2"
        ]
    );
}

#[test]
fn a_parent_and_a_child_that_uses_it_are_a_circle() {
    let parent = "pub mod cli;\npub use cli::Cli;\npub mod image;\n";
    let found = faults(&[("src/engine.rs", parent), ("src/engine/cli.rs", "use super::Output;\n")]);
    assert_eq!(
        found,
        ["src/engine.rs:2: engine -> engine/cli -> engine: files in a circle; the other arrows: src/engine/cli.rs:1"]
    );
    // A child that takes its sibling from the parent is no better.
    let found = faults(&[
        ("src/engine.rs", "pub use cli::Cli;\nfn f() -> image::Image {}\n"),
        ("src/engine/cli.rs", ""),
        ("src/engine/image.rs", "use crate::engine::Cli;\n"),
    ]);
    assert_eq!(found.len(), 1, "{found:?}");
    // A declaration alone is no arrow.
    assert_eq!(faults(&[("src/engine.rs", "pub mod cli;\n"), ("src/engine/cli.rs", "use super::Output;\n")]), [""; 0]);
}

#[test]
fn a_circle_of_three_is_told_once() {
    let found = faults(&[
        ("src/watch/a.rs", "use super::b::B;\n"),
        ("src/watch/b.rs", "use super::c::C;\n"),
        ("src/watch/c.rs", "use super::a::A;\n"),
    ]);
    assert_eq!(
        found,
        ["src/watch/a.rs:1: watch/a -> watch/b -> watch/c -> watch/a: files in a circle; the other arrows: \
          src/watch/b.rs:1, src/watch/c.rs:1"]
    );
}

#[test]
fn programs_are_started_by_engine_and_git_only() {
    let rule = "only the rooms engine, git and hooks start programs";
    let text = "use std::process::{self, Command, Stdio};\nfn f() { Command::new(\"docker\"); process::Command::new(\"docker\"); }\n";
    assert_eq!(
        faults(&[("src/watch/decide.rs", text)]),
        [
            format!("src/watch/decide.rs:1: `use std::process::Command`: {rule}"),
            format!("src/watch/decide.rs:2: `Command::new`: {rule}"),
            format!("src/watch/decide.rs:2: `process::Command::new`: {rule}"),
        ]
    );
    assert_eq!(
        faults(&[("src/engine/cli.rs", text), ("src/git.rs", text), ("src/pipeline/cleanup.rs", text)]),
        [""; 0]
    );
    let found = faults(&[("src/watch.rs", "use std::process::*;\nfn f(c: clap::Command) {}\n")]);
    assert!(found.contains(&format!("src/watch.rs:1: `use std::process::*`: {rule}")), "{found:?}");
}

#[test]
fn only_report_prints() {
    let found = faults(&[("src/watch.rs", "fn f() {\n    println!(\"x\");\n    anstream::eprintln!();\n}\n")]);
    assert_eq!(
        found,
        [
            "src/watch.rs:2: `println!`: only the room report prints",
            "src/watch.rs:3: `anstream::eprintln!`: only the room report prints",
        ]
    );
    let streams = "use std::io::{self, IsTerminal};\nfn f() { io::stderr().is_terminal(); child.stdout(); }\n";
    let found = faults(&[("src/watch.rs", streams)]);
    assert_eq!(
        found,
        ["src/watch.rs:2: `io::stderr`: only the room report holds the standard output and the standard error"]
    );
    assert_eq!(faults(&[("src/watch/keys.rs", streams), ("src/report.rs", "fn f() { println!(); }")]), [""; 0]);
}

#[test]
fn only_main_and_signals_exit_and_once_each() {
    let rule = "only main exits, and signals at the second signal: cleanup lives in `Drop`";
    let text = "fn f() {\n    std::process::exit(1)\n}\n";
    assert_eq!(faults(&[("src/watch.rs", text)]), [format!("src/watch.rs:2: `std::process::exit`: {rule}")]);
    assert_eq!(
        faults(&[("src/watch.rs", "use std::process::exit as leave;\nfn f() { leave(1); error.exit() }\n")]),
        [
            format!("src/watch.rs:1: `use std::process::exit`: {rule}"),
            format!("src/watch.rs:2: `.exit()`: {rule}"),
            format!("src/watch.rs:2: `leave`: {rule}"),
        ]
    );
    assert_eq!(faults(&[("src/main.rs", "fn f() { answer.exit() }\n"), ("src/signals.rs", text)]), [""; 0]);
    let found = faults(&[("src/main.rs", "fn f() {\n answer.exit();\n std::process::exit(1)\n}\n")]);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("src/main.rs:3: `std::process::exit`"), "{found:?}");
}

#[test]
fn only_settings_reads_the_environment() {
    let text = "use std::env;\nfn f() { env::temp_dir(); env::current_exe(); }\n";
    let found = faults(&[("src/watch.rs", text), ("src/settings/place.rs", text)]);
    assert_eq!(found, ["src/watch.rs:2: `env::temp_dir`: only the room settings reads the environment"]);
    let found =
        faults(&[("src/watch.rs", "use std::env::{var_os, args_os};\n"), ("src/main.rs", "use std::env::args_os;\n")]);
    assert_eq!(
        found,
        [
            "src/watch.rs:1: `use std::env::args_os`: only main reads the arguments",
            "src/watch.rs:1: `use std::env::var_os`: only the room settings reads the environment",
        ]
    );
}

#[test]
fn a_file_of_401_lines_is_too_long() {
    let lines = |count| "// A line.\n".repeat(count);
    assert_eq!(faults(&[("src/watch.rs", &lines(400))]), [""; 0]);
    let found = faults(&[("src/watch.rs", &lines(401))]);
    assert_eq!(found, ["src/watch.rs:401: 401 lines without its tests; a file may have 400"]);
}

#[test]
fn tests_are_not_counted_but_must_not_hide_the_code() {
    let file = |tests| format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", "\n".repeat(400), "\n".repeat(tests));
    assert_eq!(faults(&[("src/watch.rs", &file(147))]), [""; 0]);
    let found = faults(&[("src/watch.rs", &file(148))]);
    assert_eq!(found, ["src/watch.rs:401: a test module of 151 lines; one of more than 150 belongs in a file beside"]);
}

#[test]
fn comments_strings_and_tests_are_let_pass() {
    let text = r####"
        //! Not crate::watch::x, and no println!().
        /* std::process::exit(1) /* std::env::temp_dir() */ */
        const A: &str = "crate::watch::x() std::process::Command";
        const B: &str = r#"use crate::watch::x; "println!()" "#;
        const C: [char; 2] = ['"', '\''];
        /// [`crate::watch::x`]
        fn f<'a>(a: &'a str) {}
        #[cfg(test)]
        mod tests {
            use crate::watch::x;
            fn f() { println!("{}", std::env::temp_dir()); std::process::exit(1) }
        }
    "####;
    let tests = "use crate::watch::x;\nfn f() { println!() }\n";
    let declared = ("src/engine.rs", "#[cfg(test)]\nmod samples;\n");
    let found = faults(&[
        ("src/engine/cli.rs", text),
        ("src/engine/tests.rs", tests),
        ("src/engine/image_tests.rs", tests),
        declared,
        ("src/engine/samples.rs", tests),
        ("src/engine/script.sh", "println!()\n"),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn the_crate_of_a_rooms_name_is_not_the_room() {
    assert_eq!(
        faults(&[("src/tar.rs", ""), ("src/engine/cli.rs", "use tar::Archive;\nfn f() { tar::Header::new() }\n")]),
        [""; 0]
    );
}

#[test]
fn tasks_have_no_circles_either() {
    let texts = texts(&[
        ("xtask/src/main.rs", "mod a;\nmod b;\n"),
        ("xtask/src/a.rs", "use crate::b;\n"),
        ("xtask/src/b.rs", "use crate::a;\nfn f() { println!() }\n"),
    ]);
    assert_eq!(check_tasks(&texts).len(), 1);
}
