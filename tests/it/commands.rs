//! The commands beside the build: create, usage, rebuild, generate, completion, version.

use std::process::Command;

use crate::support::{Builder, Run, wait_for};

const USAGE: i32 = 2;
const ENGINE: i32 = 125;

/// A builder that says what it did, and what it was told.
fn telling() -> Builder {
    Builder::new()
        .script("assemble", "#!/bin/sh\nset -e\ncp /tmp/src/input out\necho \"$WORD by $(id -u):$(id -g)\" >>out\n")
        .script("usage", "#!/bin/sh\necho 'how to use it'\necho 'a word beside' >&2\n")
}

#[test]
fn version_says_what_the_option_says() {
    let version = Run::new().arg("version").success();
    assert_eq!(version.stdout, Run::new().arg("--version").success().stdout);
    assert_eq!(version.stdout, format!("minis2i {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn completion_is_a_script_for_the_shell_with_all_commands_but_hidden_ones() {
    for shell in ["bash", "zsh", "fish"] {
        let script = Run::new().args(&["completion", shell]).success().stdout;
        assert!(script.contains("usage") && script.contains("keep-source"), "{script}");
        assert!(!script.contains("tidy-after-build"), "{script}");
        if shell == "bash" {
            assert!(Command::new(shell).args(["-c", &script]).status().unwrap().success());
        }
    }
    Run::new().args(&["completion", "abacus"]).run().status(USAGE).says("bash");
}

#[test]
fn usage_prints_what_the_builder_says() {
    let builder = telling().make();
    let outcome = Run::new().args(&["usage", builder.name()]).success().says("a word beside\n");
    assert_eq!(outcome.stdout, "how to use it\n");
    assert!(builder.containers().is_empty());
}

#[test]
fn usage_finds_the_script_where_the_builder_does_not_say() {
    let usage = "#!/bin/sh\necho here\n";
    let builder = Builder::bare().file("usr/local/s2i/usage", 0o755, usage).change("ENTRYPOINT [\"/bin/echo\"]").make();
    assert_eq!(Run::new().args(&["usage", builder.name()]).success().stdout, "here\n");
}

#[test]
fn usage_says_where_it_looked() {
    let builder = Builder::copying().make();
    let outcome = Run::new().args(&["usage", builder.name()]).run().status(ENGINE);
    outcome.says("has no `usage` that runs in /usr/libexec/s2i").says("hint: ");
    assert!(builder.containers().is_empty());
    Run::new().args(&["usage", "minis2i-no-such"]).run().status(ENGINE).says("there is no builder image");
}

#[test]
fn usage_that_fails_says_so() {
    let builder = Builder::new().script("usage", "#!/bin/sh\necho some; echo broken >&2; exit 127\n").make();
    let outcome = Run::new().args(&["usage", builder.name()]).run().status(ENGINE);
    assert_eq!(outcome.stdout, "some\n");
    outcome.says("broken\n").says("`usage` failed with exit status 127");
}

#[test]
fn usage_leaves_no_container_when_it_is_interrupted() {
    let builder = Builder::new().script("usage", "#!/bin/sh\nsleep 300\n").make();
    let running = Run::new().args(&["usage", builder.name()]).start();
    wait_for("the container runs", || !builder.containers().is_empty());
    running.signal("INT");
    running.end().status(130);
    assert!(builder.containers().is_empty());
}
