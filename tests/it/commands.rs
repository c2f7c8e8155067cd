//! The commands beside `build` and `watch`: create, usage, rebuild, generate, completion, version.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::builder::Builder;
use crate::support::engine::{BASE, docker, try_docker, unique_name};
use crate::support::exit_status::{ENGINE, USAGE};
use crate::support::git::git;
use crate::support::image::{Image, remove_image};
use crate::support::outcome::Outcome;
use crate::support::project::Project;
use crate::support::run::Run;
use crate::support::wait::wait_for;

/// A builder whose `assemble` adds the variable `WORD` and its user to the input.
fn reporting_builder() -> Builder {
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
        assert!(script.contains("rebuild") && script.contains("keep-source"), "{script}");
        assert!(!script.contains("tidy-after-build"), "{script}");
        if shell == "bash" {
            assert!(Command::new(shell).args(["-c", &script]).status().unwrap().success());
        }
    }
    Run::new().args(&["completion", "abacus"]).run().status(USAGE).says("bash");
}

#[test]
fn usage_prints_what_the_builder_says() {
    let builder = reporting_builder().make();
    let outcome = Run::new().args(&["usage", builder.name()]).success().says("a word beside\n");
    assert_eq!(outcome.stdout, "how to use it\n");
    assert!(builder.containers().is_empty());
}

#[test]
fn usage_finds_the_script_where_the_builder_does_not_say() {
    let usage = "#!/bin/sh\necho here\n";
    let builder = Builder::without_scripts()
        .file("usr/local/s2i/usage", 0o755, usage)
        .instruction("ENTRYPOINT [\"/bin/echo\"]")
        .make();
    assert_eq!(Run::new().args(&["usage", builder.name()]).success().stdout, "here\n");
}

#[test]
fn usage_says_where_it_looked() {
    let builder = Builder::copying().make();
    let outcome = Run::new().args(&["usage", builder.name()]).run().status(ENGINE);
    outcome.says("has no runnable `usage` in /usr/libexec/s2i").says("hint: ");
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
    let name = unique_name("created");
    let (dir, outcome) = created(&name);
    let (builder, base) = (dir.path().join("new/builder"), Builder::base_of_one_test());
    outcome.says(&format!("docker build --tag {name} new/builder"));
    let argument = format!("BASE={}", base.name());
    docker(&["build", "--quiet", "--tag", &name, "--build-arg", &argument, builder.to_str().unwrap()]);
    let app = unique_name("created-app");
    let source = builder.join("test/test-app");
    Run::new().args(&["build", source.to_str().unwrap(), &name, &app]).success();
    assert_eq!(Image(app.clone()).run(&[]), "hello from the test app");
    assert!(Run::new().args(&["usage", &name]).success().stdout.contains(&format!("the builder image {name}")));
    let own = Command::new(builder.join("test/run"))
        .env("BASE", base.name())
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
    let (test, base) = (builder.join("test/run"), Builder::base_of_one_test());
    let mut own = Command::new(test);
    let own = own.env("BASE", base.name()).env("MINIS2I", env!("CARGO_BIN_EXE_minis2i")).output().unwrap();
    let said = String::from_utf8_lossy(&own.stderr);
    assert!(!own.status.success() && said.contains("FAILED: the artifacts were not taken over"), "{said}");
}

#[test]
fn create_writes_scripts_that_all_users_may_run() {
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
    outcome.says(&format!("`{}` already exists", readme.display())).says("hint: ");
    assert_eq!(fs::read_to_string(&readme).unwrap(), "mine");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    let file = readme.display().to_string();
    Run::new().args(&["create", "any", &file]).run().status(USAGE).says("cannot write");
    Run::new().args(&["create", "No Name", &format!("{folder}/b")]).run().status(USAGE).says("cannot name an image");
}

/// A `minis2i rebuild` of the project's image, to be given options and run.
fn rebuild(project: &Project) -> Run {
    Run::new().env("TMPDIR", project.temp_dir()).args(&["rebuild", &project.tag])
}

#[test]
fn rebuild_builds_the_same_once_more() {
    let builder = reporting_builder().make();
    let project = Project::new().file("input", "1\n");
    project.build(&builder).args(&["-e", "WORD=first"]).success();
    project.write("input", "2\n");
    let again = || rebuild(&project);
    again().args(&["-e", "WORD=second"]).success().never_says("note:").says("incremental");
    assert_eq!(project.image().run(&[]), "2\nsecond by 0:0");
    let other = Project::new();
    again().arg(&other.tag).success();
    assert_eq!(other.image().run(&[]), "2\n by 0:0");
    assert_eq!(project.image().run(&[]), "2\nsecond by 0:0");
}

#[test]
fn rebuild_takes_a_relative_source_from_here_and_says_so() {
    let builder = reporting_builder().make();
    let project = Project::new().file("input", "1\n");
    project.build(&builder).source("source").current_dir(project.temp_dir()).success();
    let again = || rebuild(&project);
    let outcome = again().current_dir(project.temp_dir()).success();
    outcome.says(&format!("note: the labels of `{}` name the source only as `source`; using /", project.tag));
    let id = project.id();
    let elsewhere = tempfile::tempdir().unwrap();
    let outcome = again().current_dir(elsewhere.path()).run().status(USAGE);
    outcome.says(&format!("does not exist: {}/source", elsewhere.path().display())).says("hint: ");
    assert_eq!(project.id(), id);
}

/// An image with these labels, as the reference implementation would set them.
fn labelled(labels: &[(&str, &str)]) -> Builder {
    let labels = labels.iter().map(|(name, value)| format!("LABEL {name}={value}"));
    labels.fold(Builder::without_scripts(), |builder, label| builder.instruction(&label)).make()
}

#[test]
fn rebuild_reads_what_the_reference_wrote() {
    let builder = reporting_builder().make();
    let project = Project::new().file("input", "1\n");
    let full = format!("docker.io/library/{}:latest", builder.name());
    let source = format!("file://{}", project.path().display());
    let image =
        labelled(&[("io.openshift.s2i.build.image", &full), ("io.openshift.s2i.build.source-location", &source)]);
    let run = Run::new().env("TMPDIR", project.temp_dir());
    run.args(&["rebuild", image.name(), &project.tag]).success();
    assert_eq!(project.image().run(&[]), "1\n by 0:0");
}

#[test]
fn rebuild_says_what_it_can_not_build() {
    let rebuild = |args: &[&str]| Run::new().arg("rebuild").args(args).run();
    rebuild(&["minis2i-no-such"]).status(ENGINE).says("there is no image `minis2i-no-such`").says("hint: ");
    rebuild(&["a", "b", "c"]).status(USAGE).says("`c` is one argument too many").says("minis2i rebuild TAG [NEW]");
    let plain = labelled(&[]);
    let outcome = rebuild(&[plain.name()]).status(USAGE);
    outcome.says("it has no label `io.openshift.s2i.build.image`").says("minis2i build SOURCE BUILDER TAG");
    let here = ("io.openshift.s2i.build.source-location", "/");
    let local = labelled(&[("io.openshift.s2i.build.image", "builder"), here]);
    rebuild(&[&local.id()]).status(USAGE).says("is an image id").says("NEW");
}

#[test]
fn rebuild_uses_the_same_part_of_the_source_and_the_same_name_for_people() {
    let builder = reporting_builder().make();
    let project = Project::new().file("part/input", "1\n");
    let part = ["--context-dir", "part", "--application-name", "My app"];
    project.build(&builder).args(&part).success();
    project.write("part/input", "2\n");
    rebuild(&project).success();
    assert_eq!(project.image().run(&[]), "2\n by 0:0");
    assert_eq!(project.image().label("io.k8s.display-name").as_deref(), Some("My app"));
}

#[test]
fn rebuild_clones_what_was_cloned() {
    let builder = reporting_builder().make();
    let project = Project::new().file("input", "1\n");
    git(&project.path(), &["init", "--quiet", "--initial-branch", "one"]);
    git(&project.path(), &["add", "input"]);
    git(&project.path(), &["commit", "--quiet", "--message", "one"]);
    let place = format!("ssh://git.example{}", project.path().display());
    let config = project.temp_dir().join("gitconfig");
    fs::write(&config, "[url \"/\"]\n\tinsteadOf = ssh://git.example/\n").unwrap();
    let with = |run: Run| run.env("GIT_CONFIG_GLOBAL", &config);
    with(project.build(&builder).source(&place).args(&["--ref", "one"])).success();
    project.write("input", "not committed\n");
    with(rebuild(&project)).success();
    assert_eq!(project.image().run(&[]), "1\n by 0:0");
}

/// Builds an image of a Dockerfile with the engine alone.
fn docker_build(file: &Path, folder: &Path) -> Image {
    let image = unique_name("dockerfile-app");
    let (file, folder) = (file.to_str().unwrap(), folder.to_str().unwrap());
    docker(&["build", "--quiet", "--file", file, "--tag", &image, folder]);
    Image(image)
}

fn remove(image: &Image) {
    remove_image(&image.0);
}

#[test]
fn a_generated_dockerfile_builds_what_a_build_does() {
    // Only its owner may remove a folder from /tmp, which is sticky, so the source itself has to belong to the user.
    let assemble =
        "#!/bin/sh\nset -e\ncp /tmp/src/input out\necho \"$WORD by $(id -u):$(id -g)\" >>out\nrm -rf /tmp/src\n";
    let builder = Builder::new().script("assemble", assemble).user("1001", 1001, 0).make();
    let project = Project::new().file("input", "1\n");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("Dockerfile");
    let generate = || Run::new().args(&["generate", builder.name(), file.to_str().unwrap()]);
    generate().args(&["-e", "WORD=a $HOME \"b\" \\ 'c'"]).success().says("docker build --file");
    let image = docker_build(&file, &project.path());
    assert_eq!(image.run(&[]), "1\na $HOME \"b\" \\ 'c' by 1001:0");
    assert_eq!(image.config()["Cmd"], json!(["/usr/libexec/s2i/run"]));
    assert_eq!(image.config()["User"], json!("1001"));
    let full = format!("docker.io/library/{}:latest", builder.name());
    assert_eq!(image.label("io.openshift.s2i.build.image"), Some(full));
    remove(&image);
    // Only a generated file may be overwritten.
    generate().success();
    fs::write(&file, "FROM scratch\n").unwrap();
    generate().run().status(USAGE).says("already exists and was not generated");
    assert_eq!(fs::read_to_string(&file).unwrap(), "FROM scratch\n");
}

#[test]
fn a_generated_dockerfile_goes_to_standard_output_for_a_dash() {
    let builder = reporting_builder().make();
    let outcome = Run::new().args(&["generate", builder.name(), "-", "--assemble-user", "1500"]).success();
    let text = &outcome.stdout;
    assert!(text.contains(&format!("\nFROM {}\n", builder.name())), "{text}");
    assert!(text.contains("\nCOPY --chown=1500:0 [\".\",\"/tmp/src\"]\nUSER 1500\n"), "{text}");
    assert!(text.contains("\nRUN [\"/usr/libexec/s2i/assemble\"]\nUSER 0\nCMD [\"/usr/libexec/s2i/run\"]\n"), "{text}");
    assert!(builder.containers().is_empty());
}

#[test]
fn generate_follows_the_labels_or_finds_the_scripts() {
    let builder = Builder::without_scripts()
        .file("usr/local/s2i/assemble", 0o755, "#!/bin/sh\n")
        .instruction("LABEL io.openshift.s2i.destination=/opt/in")
        .make();
    let text = Run::new().args(&["generate", builder.name(), "-"]).success().stdout;
    assert!(text.contains("[\".\",\"/opt/in/src\"]") && text.contains("[\"/usr/local/s2i/run\"]"), "{text}");
    let outcome = Run::new().args(&["generate", BASE, "-"]).run().status(ENGINE);
    outcome.says("is not an S2I builder").says("io.openshift.s2i.scripts-url");
    let lines = Run::new().args(&["generate", builder.name(), "-", "-e", "A=1\n2"]).run().status(USAGE);
    lines.says("the variable `A` has more than one line");
}

#[test]
fn a_dockerfile_of_a_source_builds_that_source() {
    let builder = reporting_builder().user("1001", 1001, 0).make();
    let project = Project::new().file("input", "1\n").file("noise", "").file(".s2iignore", "noise\n");
    project.write(".s2i/environment", "WORD=a $HOME \"b\" \\\n");
    project.write(".s2i/bin/run", "#!/bin/sh\ncat /app/out; ls -A /tmp/src /tmp/scripts\n");
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("new/place/Containerfile");
    let at = |place: &Path| project.build(&builder).args(&["--as-dockerfile", place.to_str().unwrap()]);
    at(&place).success().says(&format!("--tag {}", project.tag));
    assert_eq!(project.id(), None);
    let image = docker_build(&place, place.parent().unwrap());
    let own = "/tmp/scripts:\nrun\n\n/tmp/src:\n.s2i\n.s2iignore\ninput";
    assert_eq!(image.run(&[]), format!("1\na $HOME \"b\" \\ by 1001:0\n{own}"));
    assert_eq!(image.config()["Cmd"], json!(["/tmp/scripts/run"]));
    assert_eq!(image.label("io.k8s.display-name").as_deref(), Some(project.tag.as_str()));
    remove(&image);
    // The same place again, with less in the source.
    fs::remove_file(project.path().join(".s2i/bin/run")).unwrap();
    at(&place).args(&["-e", "WORD=mine"]).success();
    let image = docker_build(&place, place.parent().unwrap());
    assert_eq!(image.run(&[]), "1\nmine by 1001:0");
    remove(&image);
}

#[test]
fn a_dockerfile_of_a_source_needs_no_tag_and_does_not_send_itself() {
    let builder = reporting_builder().make();
    let project = Project::new().file("input", "1\n").file("upload.txt", "");
    let folder = project.path().display().to_string();
    for _ in 0..2 {
        let run = Run::new().env("TMPDIR", project.temp_dir());
        run.args(&["build", "--as-dockerfile", &folder, &folder, builder.name()]).success();
    }
    let mut sent: Vec<_> =
        fs::read_dir(project.path().join("upload/src")).unwrap().map(|item| item.unwrap().file_name()).collect();
    sent.sort();
    assert_eq!(sent, ["input", "upload.txt"]);
    let image = docker_build(&project.path().join("Dockerfile"), &project.path());
    assert_eq!(image.run(&[]), "1\n by 0:0");
    assert_eq!(image.label("io.k8s.display-name"), None);
    remove(&image);
}

#[test]
fn a_dockerfile_of_a_source_was_not_written_where_there_is_no_engine() {
    let builder = reporting_builder().user("1001", 1001, 0).make();
    let project = Project::new().file("input", "1\n");
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("Dockerfile").display().to_string();
    let run = |options: &[&str]| {
        let run = project.build(&builder).args(&["--as-dockerfile", &place]).args(options);
        run.env("DOCKER_HOST", "unix:///tmp/minis2i-test-none.sock")
    };
    run(&["--assemble-user", "default"]).run().status(USAGE).says("`--assemble-user` as a number");
    run(&["--engine", "minis2i-test-no-engine"]).success().says("no engine answers");
    run(&["--image-scripts-url", "image:///usr/libexec/s2i"])
        .success()
        .says("scripts in /usr/libexec/s2i and runs them as 1001:0");
    let image = docker_build(&dir.path().join("Dockerfile"), dir.path());
    assert_eq!(image.run(&[]), "1\n by 1001:0");
    remove(&image);
}

#[test]
fn a_dockerfile_of_a_source_overwrites_nothing_of_the_users() {
    let builder = reporting_builder().make();
    let project = Project::new().file("input", "1\n");
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().display().to_string();
    let run = || project.build(&builder).args(&["--as-dockerfile", &folder]).run().status(USAGE);
    fs::create_dir(dir.path().join("upload")).unwrap();
    run().says("/upload` already exists").says("hint: ");
    fs::remove_dir(dir.path().join("upload")).unwrap();
    fs::write(dir.path().join("Dockerfile"), "FROM scratch\n").unwrap();
    run().says("/Dockerfile` already exists and was not generated");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    let mounted = project.build(&builder).args(&["--mount", "--as-dockerfile", &folder]).run();
    mounted.status(USAGE).says("cannot be used with");
    let limited = project.build(&builder).args(&["--as-dockerfile", &folder]).engine_options(&["--memory=1g"]).run();
    limited.status(USAGE).says("`--memory=1g` is for the containers of a build").says("hint: ");
}
