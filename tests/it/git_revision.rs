//! The revision of a source in a work tree, and how little the git that is asked for it can do to a build.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::builder::Builder;
use crate::support::git::git;
use crate::support::holding_builder::shared_holding_builder;
use crate::support::project::Project;
use crate::support::run::Run;
use crate::support::stand_in_cli::StandInCli;
use crate::support::wait::{END_TIMEOUT, wait_for};

const REVISION: &str = "org.opencontainers.image.revision";

/// How long the stand-ins below would hold up a build, in seconds; a build that is not held up takes less.
const HANGING: u64 = 50;

/// A project with one commit.
fn committed() -> Project {
    let project = Project::new().file("out", "1").file("sub/out", "1").file(".gitignore", "ignored\n");
    git(&project.path(), &["init", "--quiet"]);
    git(&project.path(), &["add", "."]);
    git(&project.path(), &["commit", "--quiet", "--message", "first"]);
    git(&project.path(), &["remote", "add", "origin", "https://git.example/app.git"]);
    project
}

fn head(project: &Project) -> String {
    git(&project.path(), &["rev-parse", "HEAD"])
}

fn revision(project: &Project) -> Option<String> {
    project.image().label(REVISION)
}

/// Runs a build to its end, which nothing may hold up.
#[track_caller]
fn assert_quick(run: Run) {
    let begin = Instant::now();
    let outcome = run.success().never_says("warning:").never_says("note:");
    assert!(begin.elapsed() < Duration::from_secs(HANGING / 2), "{:?}\n{outcome}", begin.elapsed());
}

/// Whether a process runs whose id a stand-in wrote into a file. One that has ended may not be reaped yet.
fn is_running(stand_in: &StandInCli, file: &str) -> bool {
    let id = stand_in.read(file);
    assert_ne!(id.trim(), "", "the stand-in was not called");
    fs::read_to_string(format!("/proc/{}/stat", id.trim())).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn a_git_that_hangs_held_up_the_commit_for_ever() {
    let hanging = StandInCli::git(&format!("echo $$ >$here/id\nsleep {HANGING} &\necho $! >$here/child\nwait"));
    let builder = Builder::copying().make();
    let project = committed();
    assert_quick(project.build(&builder).env("PATH", hanging.search_path()));
    assert_eq!(revision(&project), None);
    assert!(!is_running(&hanging, "id") && !is_running(&hanging, "child"), "git is left behind");
}

#[test]
fn a_git_that_is_slow_to_compare_leaves_the_image_without_a_revision() {
    let slow =
        StandInCli::git(&format!("case \"$*\" in *status*) sleep {HANGING};; esac\nPATH=${{PATH#*:}} exec git \"$@\""));
    let builder = Builder::copying().make();
    let project = committed();
    assert_quick(project.build(&builder).env("PATH", slow.search_path()));
    assert_eq!(revision(&project), None);
    let origin = project.image().label("org.opencontainers.image.source");
    assert_eq!(origin.as_deref(), Some("https://git.example/app.git"));
}

#[test]
fn a_process_of_git_that_holds_its_output_open_held_up_the_end() {
    let script = format!("setsid sleep {HANGING} &\necho $! >>$here/children\nPATH=${{PATH#*:}} exec git \"$@\"");
    let daemon = StandInCli::git(&script);
    let builder = Builder::copying().make();
    let project = committed();
    assert_quick(project.build(&builder).env("PATH", daemon.search_path()));
    assert_eq!(revision(&project), Some(head(&project)));
    // The same for a clone, and for one that fails, whose errors are read.
    let url = format!("file://{}#HEAD", project.path().display());
    assert_quick(project.build(&builder).source(&url).env("PATH", daemon.search_path()));
    let begin = Instant::now();
    let url = format!("file://{}#none", project.path().display());
    let outcome = project.build(&builder).source(&url).env("PATH", daemon.search_path()).run().status(2);
    assert!(begin.elapsed() < Duration::from_secs(HANGING / 2), "{outcome}");
    for child in daemon.read("children").lines() {
        let _ = std::process::Command::new("kill").arg(child).status();
    }
}

#[test]
fn a_git_that_hangs_ends_with_the_run() {
    let hanging = StandInCli::git(&format!("echo $$ >$here/id\nexec sleep {HANGING}"));
    let builder = shared_holding_builder();
    let project = committed();
    project.write("hold", "1");
    let running = project.build(&builder).env("PATH", hanging.search_path()).start();
    running.wait_for_stderr("holding");
    wait_for("the question", || hanging.has("id"));
    let begin = Instant::now();
    running.signal("INT");
    running.end().status(130);
    assert!(begin.elapsed() < END_TIMEOUT, "{:?}", begin.elapsed());
    assert!(!is_running(&hanging, "id"), "git is left behind");
}

#[test]
fn a_git_that_hangs_holds_up_no_save_of_a_watch() {
    let hanging = StandInCli::git(&format!("exec sleep {HANGING}"));
    let builder = shared_holding_builder();
    let project = committed();
    let watch = project.watch(&builder).env("PATH", hanging.search_path()).start_watch();
    let begin = Instant::now();
    watch.build_after(|| project.write("out", "2"));
    assert!(begin.elapsed() < Duration::from_secs(HANGING / 2), "{watch}");
    assert_eq!(project.image_file("out"), "2");
    watch.stop("INT");
}

#[test]
fn the_variables_of_a_hook_led_git_to_another_repository() {
    let builder = Builder::copying().make();
    let (project, other) = (committed(), committed());
    git(&other.path(), &["commit", "--quiet", "--allow-empty", "--message", "second"]);
    let theirs = other.path().join(".git").display().to_string();
    let as_in_a_hook = |run: Run| {
        run.env("GIT_DIR", &theirs)
            .env("GIT_COMMON_DIR", &theirs)
            .env("GIT_WORK_TREE", other.path())
            .env("GIT_INDEX_FILE", format!("{theirs}/index"))
            .env("GIT_OBJECT_DIRECTORY", format!("{theirs}/objects"))
            .env("GIT_PREFIX", "sub/")
            .env("GIT_QUARANTINE_PATH", format!("{theirs}/objects"))
            .env("GIT_CONFIG_PARAMETERS", "'remote.origin.url'='https://git.example/of-the-hook.git'")
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "remote.origin.url")
            .env("GIT_CONFIG_VALUE_0", "https://git.example/of-the-hook.git")
    };
    as_in_a_hook(project.build(&builder)).success();
    assert_eq!(revision(&project), Some(head(&project)));
    let origin = || project.image().label("org.opencontainers.image.source");
    assert_eq!(origin().as_deref(), Some("https://git.example/app.git"));
    let url = format!("file://{}#HEAD", project.path().display());
    as_in_a_hook(project.build(&builder).source(&url)).success();
    assert_eq!(revision(&project), Some(head(&project)));
    assert_eq!(project.image().label("io.openshift.s2i.build.commit.id"), Some(head(&project)));
}

#[test]
fn a_source_that_differs_from_its_commit_had_the_revision_of_the_commit() {
    let builder = Builder::copying().make();
    let project = committed();
    let (clean, dirty) = (head(&project), format!("{}-dirty", head(&project)));
    let built = |source: &Path| {
        project.build(&builder).source(source.to_str().unwrap()).success();
        revision(&project).unwrap()
    };
    let (top, sub) = (project.path(), project.path().join("sub"));
    project.write("ignored", "1");
    assert_eq!(built(&top), clean);
    project.write("new", "1");
    assert_eq!((built(&top), built(&sub)), (dirty.clone(), clean.clone()));
    fs::remove_file(top.join("new")).unwrap();
    project.write("sub/out", "2");
    assert_eq!((built(&top), built(&sub)), (dirty.clone(), dirty.clone()));
    git(&top, &["add", "."]);
    assert_eq!(built(&top), dirty);
    git(&top, &["commit", "--quiet", "--message", "second"]);
    assert_eq!(built(&top), head(&project));
}

#[test]
fn asking_for_the_revision_does_not_write_the_index() {
    let builder = Builder::copying().make();
    let project = committed();
    // The times of the file are not those of the index, so that git would like to write down the new ones.
    filetime::set_file_mtime(project.path().join("out"), filetime::FileTime::from_unix_time(1_000_000, 0)).unwrap();
    let index = || fs::read(project.path().join(".git/index")).unwrap();
    let before = index();
    project.build(&builder).success();
    assert_eq!(revision(&project), Some(head(&project)));
    assert_eq!(index(), before);
}

#[test]
fn a_folder_that_the_repository_does_not_have_was_called_its_clean_commit() {
    let project = committed();
    project.write("ignored/out", "1");
    let folder = project.path().join("ignored");
    let builder = Builder::copying().make();
    project.build(&builder).source(folder.to_str().unwrap()).success();
    assert_eq!(revision(&project), None);
}
