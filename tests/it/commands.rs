//! The commands beside the build: create, usage, rebuild, generate, completion, version.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::support::{BASE, Builder, Image, Outcome, Run, docker, try_docker, unique, wait_for};

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

/// A folder with what `create` writes.
fn created(name: &str) -> (tempfile::TempDir, Outcome) {
    let dir = tempfile::tempdir().unwrap();
    let outcome = Run::new().args(&["create", name, "new/builder"]).current_dir(dir.path()).success();
    (dir, outcome)
}

#[test]
fn a_created_builder_builds_and_passes_its_own_test() {
    let name = unique("created");
    let (dir, outcome) = created(&name);
    let builder = dir.path().join("new/builder");
    outcome.says(&format!("docker build --tag {name} new/builder"));
    docker(&["build", "--quiet", "--tag", &name, "--build-arg", &format!("BASE={BASE}"), builder.to_str().unwrap()]);
    let app = unique("created-app");
    let source = builder.join("test/test-app");
    Run::new().args(&["build", source.to_str().unwrap(), &name, &app]).success();
    assert_eq!(Image(app.clone()).run(&[]), "hello from the test app");
    assert!(Run::new().args(&["usage", &name]).success().stdout.contains(&format!("the builder image {name}")));
    let own = Command::new(builder.join("test/run"))
        .env("BASE", BASE)
        .env("MINIS2I", env!("CARGO_BIN_EXE_minis2i"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&own.stdout).into_owned() + &String::from_utf8_lossy(&own.stderr);
    assert!(own.status.success() && said.contains("all is well"), "{said}");
    try_docker(&["image", "rm", "--force", &app, &name]);
}

#[test]
fn a_created_builders_test_notices_what_is_broken() {
    let (dir, _) = created("any");
    let builder = dir.path().join("new/builder");
    fs::write(builder.join("s2i/bin/save-artifacts"), "#!/bin/sh\n").unwrap();
    let test = builder.join("test/run");
    let mut own = Command::new(test);
    let own = own.env("BASE", BASE).env("MINIS2I", env!("CARGO_BIN_EXE_minis2i")).output().unwrap();
    let said = String::from_utf8_lossy(&own.stderr);
    assert!(!own.status.success() && said.contains("FAILED: the artifacts were not taken over"), "{said}");
}

#[test]
fn create_writes_scripts_that_everybody_may_run() {
    let dir = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_minis2i");
    let line = format!("umask 077; {program} create any {}", dir.path().join("b").display());
    assert!(Command::new("sh").args(["-c", &line]).output().unwrap().status.success());
    for script in ["s2i/bin/assemble", "s2i/bin/run", "s2i/bin/save-artifacts", "s2i/bin/usage", "test/run"] {
        let mode = fs::metadata(dir.path().join("b").join(script)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755, "{script}");
    }
}

#[test]
fn create_overwrites_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let readme = dir.path().join("README.md");
    fs::write(&readme, "mine").unwrap();
    let folder = dir.path().display().to_string();
    let outcome = Run::new().args(&["create", "any", &folder]).run().status(USAGE);
    outcome.says(&format!("`{}` is there already", readme.display())).says("hint: ");
    assert_eq!(fs::read_to_string(&readme).unwrap(), "mine");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    let file = readme.display().to_string();
    Run::new().args(&["create", "any", &file]).run().status(USAGE).says("cannot write");
    Run::new().args(&["create", "No Name", &format!("{folder}/b")]).run().status(USAGE).says("can not name an image");
}
