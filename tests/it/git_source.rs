//! Sources that are not just a folder: URLs, git repositories, `--context-dir`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::builder::Builder;
use crate::support::git::{AUTHOR, git};
use crate::support::project::Project;
use crate::support::run::Run;
use crate::support::stand_in_cli::StandInCli;
use crate::support::wait::wait_for;

/// A project whose source has two commits: the tag `v1`, in which `out` is 1, and the branch `trunk`, in which it is 2.
/// On disk it is 3. The second value is the path of a bare clone.
fn project() -> (Project, PathBuf) {
    let project = Project::new().file("out", "1").file("sub/out", "sub");
    let path = project.path();
    git(&path, &["init", "--quiet"]);
    git(&path, &["add", "."]);
    git(&path, &["commit", "--quiet", "-m", "first"]);
    git(&path, &["tag", "v1"]);
    project.write("out", "2");
    git(&path, &["commit", "--quiet", "-a", "-m", "second: \"more\""]);
    project.write("out", "3");
    let bare = project.temp_dir().join("bare.git");
    git(&path, &["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
    (project, bare)
}

/// The clones that runs left in the folder of their locks.
fn clones(project: &Project) -> Vec<String> {
    let folders = fs::read_dir(project.temp_dir()).unwrap().flatten().map(|item| item.path());
    let runs = folders.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("minis2i-"));
    let inside = runs.flat_map(|folder| fs::read_dir(folder).unwrap().flatten());
    inside
        .map(|item| item.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".source"))
        .collect()
}

#[test]
fn a_file_url_of_a_folder_is_the_folder_as_it_is() {
    let builder = Builder::copying().make();
    let (project, _) = project();
    let url = format!("file://{}", project.path().display());
    project.build(&builder).source(&url).success();
    assert_eq!(project.image().run(&[]), "3");
    let location = project.image().label("io.openshift.s2i.build.source-location").unwrap();
    assert_eq!(location, project.path().display().to_string());
    assert_eq!(project.image().label("io.openshift.s2i.build.commit.id"), None);
}

#[test]
fn a_repository_is_cloned_and_the_image_says_which_commit_it_is() {
    let builder = Builder::copying().make();
    let (project, bare) = project();
    let url = format!("file://{}", bare.display());
    project.build(&builder).source(&url).success();
    assert_eq!(project.image().run(&[]), "2");
    let label = |name: &str| project.image().label(&format!("io.openshift.s2i.build.{name}")).unwrap_or_default();
    assert_eq!(label("commit.id"), git(&bare, &["rev-parse", "HEAD"]));
    assert_eq!(label("commit.ref"), "trunk");
    assert_eq!(label("commit.author"), AUTHOR);
    assert_eq!(label("commit.date"), git(&bare, &["log", "-1", "--format=%ad"]));
    assert_eq!(label("commit.message"), "second: \"more\"");
    assert_eq!(label("source-location"), bare.display().to_string());
    assert!(!project.image().has("/app/.git"));
    assert_eq!(clones(&project), [""; 0]);
}

#[test]
fn a_reference_chooses_a_tag_a_branch_or_a_commit() {
    let builder = Builder::copying().make();
    let (project, bare) = project();
    git(&project.path(), &["push", "--quiet", bare.to_str().unwrap(), "v1:refs/heads/old/branch"]);
    let commit = git(&bare, &["rev-parse", "v1"]);
    for (source, options) in [
        (format!("file://{}", bare.display()), vec!["--ref", "v1"]),
        (format!("file://{}#old/branch", bare.display()), vec![]),
        (project.path().display().to_string(), vec!["-r", &commit]),
    ] {
        project.build(&builder).source(&source).args(&options).success();
        assert_eq!(project.image().run(&[]), "1", "{source}");
        assert_eq!(project.image().label("io.openshift.s2i.build.commit.id").unwrap(), commit, "{source}");
    }
}

#[test]
fn what_git_does_not_find_is_an_error_in_its_words() {
    let (project, bare) = project();
    let none = format!("file://{}/none.git", project.temp_dir().display());
    let run = project.build_with("none").source(&format!("{none}#x"));
    run.run().status(2).says("error: cannot clone `").says("does not exist").says("hint: see that `git clone ");
    let run = project.build_with("none").source(bare.to_str().unwrap()).args(&["--ref", "nothing"]);
    run.run().status(2).says("there is no commit `nothing` in `").says("hint: `git ls-remote");
    project
        .build_with("none")
        .source("s3://bucket")
        .run()
        .status(2)
        .says("sources at `s3://` are not supported")
        .says("hint: ");
    assert_eq!(clones(&project), [""; 0]);
}

#[test]
fn a_clone_can_be_kept() {
    let builder = Builder::copying().make();
    let (project, bare) = project();
    let outcome = project.build(&builder).source(bare.to_str().unwrap()).arg("--save-temp-dir").success();
    let line = outcome.stderr.lines().find_map(|line| line.strip_prefix("note: the clone is kept in ")).unwrap();
    assert_eq!(fs::read_to_string(Path::new(line).join("out")).unwrap(), "2");
}

#[test]
fn submodules_come_along_unless_they_are_not_wanted() {
    let builder = Builder::copying().make();
    let (project, bare) = project();
    let (other, _) = self::project();
    let add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", bare.to_str().unwrap(), "part"];
    git(&other.path(), &["checkout", "--quiet", "."]);
    git(&other.path(), &add);
    git(&other.path(), &["commit", "--quiet", "-m", "third"]);
    // Git refuses submodules from the local disk unless the configuration allows them.
    let config = project.temp_dir().join("config");
    fs::write(&config, "[protocol \"file\"]\nallow = always\n").unwrap();
    let run = || {
        let run = project.build(&builder).source(&format!("{}", other.path().display())).args(&["--ref", "trunk"]);
        run.env("GIT_CONFIG_GLOBAL", &config)
    };
    run().success();
    assert!(project.image().has("/app/part/out"));
    run().arg("--ignore-submodules").success();
    assert!(!project.image().has("/app/part/out"));
}

#[test]
fn an_interrupt_while_cloning_leaves_nothing() {
    let (project, bare) = project();
    // A stand-in for git that makes the folder and then hangs.
    let stand_in = StandInCli::new("exec docker \"$@\"");
    let tools = project.temp_dir().join("tools");
    fs::create_dir(&tools).unwrap();
    let script = "#!/bin/sh\nfor folder; do :; done\nmkdir -p \"$folder\"\necho >\"$folder/file\"\nexec sleep 100\n";
    fs::write(tools.join("script"), script).unwrap();
    let copy = "cp \"$1/script\" \"$1/git\" && chmod 755 \"$1/git\"";
    assert!(Command::new("sh").args(["-c", copy, "sh", tools.to_str().unwrap()]).status().unwrap().success());
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let run = || project.build_with("none").source(bare.to_str().unwrap()).env("PATH", &path).arg("--engine");
    let running = run().arg(stand_in.path()).start();
    wait_for("cloning", || !clones(&project).is_empty());
    running.signal("TERM");
    running.end().status(143);
    assert_eq!(clones(&project), [""; 0]);
    // A killed run cannot clean up; the next run does it.
    let running = run().arg(stand_in.path()).start();
    wait_for("cloning", || !clones(&project).is_empty());
    running.signal("KILL");
    drop(running);
    let builder = Builder::copying().make();
    project.build(&builder).success();
    assert_eq!(clones(&project), [""; 0]);
}

// `--context-dir`.

#[test]
fn a_context_folder_is_the_source_with_all_that_belongs_to_it() {
    let assemble = "#!/bin/sh\nset -e\ncp -a /tmp/src/. /app/\necho \"set: $SET\"\n";
    let builder = Builder::new().script("assemble", assemble).make();
    let project = Project::new().file("out", "top").file("sub/app/out", "deep").file("sub/app/secret", "");
    project.write("sub/app/.s2i/environment", "SET=inside\n");
    project.write("sub/app/.s2i/bin/run", "#!/bin/sh\necho own run\n");
    project.write("sub/app/.s2iignore", "secret\n");
    project.write(".s2i/environment", "SET=outside\n");
    project.build(&builder).args(&["--context-dir", "sub/app"]).success().says("set: inside\n");
    assert_eq!(project.image().run(&["cat", "/app/out"]), "deep");
    assert_eq!(project.image().run(&[]), "own run");
    assert!(!project.image().has("/app/secret"));
    assert_eq!(project.image().label("io.openshift.s2i.build.source-context-dir").unwrap(), "sub/app");
}

#[test]
fn a_context_folder_can_be_inside_a_repository() {
    let builder = Builder::copying().make();
    let (project, bare) = project();
    project.build(&builder).source(bare.to_str().unwrap()).args(&["--context-dir", "sub"]).success();
    assert_eq!(project.image().run(&[]), "sub");
}

#[test]
fn a_context_folder_does_not_leave_the_source() {
    let project = Project::new().file("a", "");
    fs::create_dir(project.temp_dir().join("other")).unwrap();
    std::os::unix::fs::symlink("../other", project.path().join("link")).unwrap();
    for context in ["../other", "link"] {
        let run = project.build_with("none").args(&["--context-dir", context]);
        run.run().status(2).says("is not in the source").says("hint: ");
    }
    let run = project.build_with("none").args(&["--context-dir", "none"]);
    run.run().status(2).says("there is no folder `none` in the source").says("hint: ");
}

#[test]
fn a_repository_can_not_be_watched() {
    let outcome = Run::new().args(&["watch", "https://me:secret@host.example/a.git", "builder", "app"]).run().status(2);
    outcome.says("`https://host.example/a.git` cannot be watched").says("hint: clone it").never_says("secret");
}
