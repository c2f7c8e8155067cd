//! A source that changes while it is sent arrives as it is then, or the build fails.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use filetime::FileTime;

use super::fixtures::listed_files;
use crate::support::builder::Builder;
use crate::support::project::Project;
use crate::support::running_process::RunningProcess;
use crate::support::wait::wait_for;

/// A builder that stops at a certain moment of a build until a file `open` is in its folder `/pause`.
struct PausingBuilder {
    folder: tempfile::TempDir,
    builder: Builder,
}

impl PausingBuilder {
    /// Pauses in ENTRYPOINT: the snapshot is taken, and nothing is sent yet.
    fn before_sending() -> Self {
        let wait = "#!/bin/sh\n>/pause/waiting\nuntil [ -e /pause/open ]; do sleep 0.1; done\nexec \"$@\"\n";
        let builder = Builder::evaluating().file("entry", 0o755, wait).instruction(r#"ENTRYPOINT ["/entry"]"#).make();
        Self { folder: tempfile::tempdir().unwrap(), builder }
    }

    /// Pauses in `tar`: the upload fills the pipes and then waits.
    fn while_sending() -> Self {
        let wait = "#!/bin/sh\n[ \"$1\" = --version ] && exec /bin/tar --version\n>/pause/waiting\n\
                    until [ -e /pause/open ]; do sleep 0.1; done\nexec /bin/tar \"$@\"\n";
        let builder = Builder::evaluating().file("usr/local/bin/tar", 0o755, wait).make();
        Self { folder: tempfile::tempdir().unwrap(), builder }
    }

    fn build(&self, project: &Project, assemble: &str) -> RunningProcess {
        let volume = format!("{}:/pause", self.folder.path().display());
        let running = project.build(&self.builder).assemble(assemble).engine_options(&["--volume", &volume]).start();
        wait_for("the builder waits", || self.folder.path().join("waiting").exists());
        running
    }

    fn resume(&self) {
        fs::write(self.folder.path().join("open"), "").unwrap();
    }
}

#[test]
fn what_changes_before_it_is_sent_arrives_as_it_is_then() {
    let pausing = PausingBuilder::before_sending();
    let project = Project::new().file("shrinks", "long text").file("grows", "x").file("vanishes", "x");
    project.write("folder/vanishes", "x");
    project.write("folder/stays", "x");
    project.write("gone/deep/file", "x");
    symlink("old", project.path().join("link")).unwrap();
    let running = pausing
        .build(&project, "for f in $(find . -type f | LC_ALL=C sort); do echo $f $(cat $f); done; readlink link");
    project.write("shrinks", "short");
    project.write("grows", "long text");
    project.write("new/file", "n");
    project.write("folder/vanishes.not", "n");
    fs::remove_file(project.path().join("vanishes")).unwrap();
    fs::remove_file(project.path().join("folder/vanishes")).unwrap();
    fs::remove_dir_all(project.path().join("gone")).unwrap();
    fs::remove_file(project.path().join("link")).unwrap();
    symlink("new", project.path().join("link")).unwrap();
    pausing.resume();
    let outcome = running.end().status(0);
    let expected =
        ["./folder/stays x", "./folder/vanishes.not n", "./grows long text", "./new/file n", "./shrinks short", "new"];
    assert_eq!(outcome.assemble_output(), expected, "{outcome}");
}

#[test]
fn a_file_that_becomes_a_folder_arrives_as_a_folder() {
    let pausing = PausingBuilder::before_sending();
    let project = Project::new().file("file", "x").file("folder/inside", "x");
    let running = pausing.build(&project, "find . -type f");
    fs::remove_file(project.path().join("file")).unwrap();
    project.write("file/inside", "x");
    fs::remove_dir_all(project.path().join("folder")).unwrap();
    project.write("folder", "x");
    pausing.resume();
    let outcome = running.end().status(0);
    assert_eq!(listed_files(&outcome), BTreeSet::from(["file/inside", "folder"]));
}

#[test]
fn folders_have_their_times_after_something_in_them_vanished() {
    let pausing = PausingBuilder::before_sending();
    let project = Project::new().file("folder/a", "x").file("folder/b", "x").file("c", "x");
    let running = pausing.build(&project, "stat -c %.9Y folder .");
    for path in ["folder/a", "c"] {
        fs::remove_file(project.path().join(path)).unwrap();
    }
    for path in ["folder", "."] {
        filetime::set_file_mtime(project.path().join(path), FileTime::from_unix_time(1_000_000_000, 5)).unwrap();
    }
    pausing.resume();
    assert_eq!(running.end().status(0).assemble_output(), ["1000000000.000000005"; 2]);
}

/// Starts a build that is in the middle of reading the file `big`, which at 24 MiB is larger than all pipes on the way.
fn build_that_is_reading_a_file(pausing: &PausingBuilder, project: &Project, assemble: &str) -> RunningProcess {
    project.write("big", &"x".repeat(24 << 20));
    let running = pausing.build(project, assemble);
    let big = project.path().join("big");
    let files = format!("/proc/{}/fd", running.id());
    wait_for("the file is being read", || {
        fs::read_dir(&files).unwrap().flatten().any(|file| fs::read_link(file.path()).is_ok_and(|path| path == big))
    });
    running
}

#[test]
fn a_file_that_shrinks_while_it_is_read_arrives_whole() {
    let pausing = PausingBuilder::while_sending();
    let project = Project::new();
    let running = build_that_is_reading_a_file(&pausing, &project, "stat -c %s big; tr -d y <big | wc -c; cat after");
    project.write("big", "yyyy");
    project.write("after", "the file\n");
    pausing.resume();
    assert_eq!(running.end().status(0).assemble_output(), ["4", "0", "the file"]);
}

#[test]
fn a_file_that_grows_while_it_is_read_arrives_whole() {
    let pausing = PausingBuilder::while_sending();
    let project = Project::new();
    let running = build_that_is_reading_a_file(&pausing, &project, "stat -c %s big; tail -c 4 big; echo");
    File::options().append(true).open(project.path().join("big")).unwrap().write_all(b"more").unwrap();
    pausing.resume();
    assert_eq!(running.end().status(0).assemble_output(), ["25165828", "more"]);
}

#[test]
fn a_file_that_vanishes_while_it_is_read_does_not_arrive() {
    let pausing = PausingBuilder::while_sending();
    let project = Project::new().file("other", "");
    let running = build_that_is_reading_a_file(&pausing, &project, "ls");
    fs::remove_file(project.path().join("big")).unwrap();
    pausing.resume();
    assert_eq!(running.end().status(0).assemble_output(), ["other"]);
}

#[test]
fn a_file_that_keeps_changing_is_named_and_the_tag_stays() {
    let project = Project::new().file("restless.log", &"x".repeat(3 << 20)).file("a", "x");
    let builder = Builder::shared_evaluating();
    project.build(&builder).success();
    let good = project.id();
    let done = AtomicBool::new(false);
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = File::options().append(true).open(project.path().join("restless.log")).unwrap();
            while !done.load(Ordering::Relaxed) {
                file.write_all(b"more\n").unwrap();
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let outcome = project.build(&builder).run();
        done.store(true, Ordering::Relaxed);
        outcome
    });
    outcome.status(2).says("error: `restless.log` changes faster than it can be sent").says("hint: ");
    assert_eq!(project.id(), good);
}
