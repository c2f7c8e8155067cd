//! Readers of what is printed that wait or go away, and disks that are full.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::builder::Builder;
use crate::support::containers::containers_of_process;
use crate::support::exit_status::ENGINE;
use crate::support::project::Project;
use crate::support::run::Run;
use crate::support::wait::{POLL, wait_for, wait_until};

/// So few bytes in a second are no output of the builder, which prints as fast as it is read.
const LITTLE: u64 = 100_000;

/// The most memory that a run may have had, in KiB.
const MEMORY: u64 = 64 * 1024;

/// The most memory that a process has had so far, in KiB.
fn peak_memory(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A run whose streams are pipes that are not read.
struct Unread(Child);

impl Unread {
    fn start(run: Run) -> Self {
        Self(run.start_unread())
    }

    /// Waits until the pipe for its output is full and nothing more is read from the engine.
    fn wait_until_it_waits(&self) {
        let read = || {
            let io = fs::read_to_string(format!("/proc/{}/io", self.0.id())).unwrap();
            io.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse::<u64>().unwrap()
        };
        let mut before = (read(), Instant::now());
        let waits = || {
            let now = read();
            // A watch goes on reading events of the engine, which are few bytes.
            if now > before.0 + LITTLE {
                before = (now, Instant::now());
            }
            before.0 > 1_000_000 && before.1.elapsed() > Duration::from_secs(1)
        };
        wait_until(POLL, waits, || "it never waited".to_owned());
    }

    /// Interrupts it; its status.
    fn interrupt(&mut self) -> Option<i32> {
        assert!(Command::new("kill").args(["-INT", &self.0.id().to_string()]).status().unwrap().success());
        let begin = Instant::now();
        wait_for("the end", || self.0.try_wait().unwrap().is_some());
        assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
        self.0.wait().unwrap().code()
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A builder that prints 200 MB on both streams.
fn printing_builder() -> Builder {
    Builder::assembling("yes 'some line of output' | head -c 100000000; yes 'another line' | head -c 100000000 >&2")
}

/// Starts the run of the project, whose output is not read, and interrupts it. On a machine that is busy an engine may not have
/// removed its containers when it has to end; then the next run removes them.
#[track_caller]
fn assert_it_waits_and_ends(project: &Project, run: Run) {
    let mut run = Unread::start(run);
    run.wait_until_it_waits();
    let memory = peak_memory(run.0.id());
    assert!(memory < MEMORY, "{memory} KiB");
    assert_eq!(run.interrupt(), Some(130));
    project.build(&Builder::shared_evaluating()).success();
    wait_for("its containers are gone", || containers_of_process(run.0.id()).is_empty());
}

#[test]
fn a_reader_that_waited_held_up_the_end_of_a_build() {
    let (builder, project) = (printing_builder(), Project::new().file("a", "1"));
    assert_it_waits_and_ends(&project, project.build(&builder));
    assert_it_waits_and_ends(&project, project.build(&builder).args(&["--message-format", "json"]));
}

#[test]
fn a_reader_that_waited_held_up_the_end_of_a_watch() {
    let (builder, project) = (printing_builder(), Project::new().file("a", "1"));
    assert_it_waits_and_ends(&project, project.watch(&builder));
    assert_it_waits_and_ends(&project, project.watch_as_text(&builder));
}

#[test]
fn a_reader_that_was_slow_got_all_of_the_output() {
    let builder = Builder::assembling("seq 200000");
    let project = Project::new().file("a", "1");
    let mut run = Unread::start(project.build(&builder));
    run.wait_until_it_waits();
    let mut text = String::new();
    run.0.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    let numbers = text.lines().filter_map(|line| line.parse::<u32>().ok());
    assert!(numbers.eq(1..=200_000), "{}", text.len());
    assert_eq!(run.0.wait().unwrap().code(), Some(0));
}

#[test]
fn a_watch_without_a_reader_kept_its_tag() {
    let (builder, project) = (Builder::assembling("true"), Project::new().file("a", "1"));
    for (run, is_json) in [(project.watch(&builder), true), (project.watch_as_text(&builder), false)] {
        let mut run = Unread::start(run);
        // Nothing is saved and nothing printed after this.
        wait_for("the standby", || containers_of_process(run.0.id()).len() == 1);
        drop(if is_json { run.0.stdout.take().map(Stdio::from) } else { run.0.stderr.take().map(Stdio::from) });
        wait_for("the end", || run.0.try_wait().unwrap().is_some());
        assert_eq!(run.0.wait().unwrap().code(), Some(0));
        wait_for("its containers are gone", || containers_of_process(run.0.id()).is_empty());
    }
}

#[test]
fn an_app_without_a_reader_ran_on() {
    let assemble = "#!/bin/sh\ntrue\n";
    let run = "#!/bin/sh\necho serving\nexec sleep 300\n";
    let builder = Builder::without_scripts()
        .instruction("LABEL io.openshift.s2i.scripts-url=image:///usr/libexec/s2i")
        .script("assemble", assemble)
        .script("run", run)
        .make();
    let project = Project::new().file("a", "1");
    let mut run = Unread::start(project.build(&builder).arg("--run"));
    let mut stderr = BufReader::new(run.0.stderr.take().unwrap());
    let mut line = String::new();
    while line != "serving\n" {
        line.clear();
        assert_ne!(stderr.read_line(&mut line).unwrap(), 0);
    }
    drop(stderr);
    wait_for("the end", || run.0.try_wait().unwrap().is_some());
    assert_eq!(run.0.wait().unwrap().code(), Some(0));
    wait_for("its containers are gone", || containers_of_process(run.0.id()).is_empty());
}

/// A device that is as full as a disk can be.
fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

#[test]
fn a_full_disk_was_no_error() {
    for words in [&["--version"] as &[&str], &["--help"], &["version"], &["completion", "bash"], &["build", "--help"]] {
        let outcome = Run::new().args(words).stdout(full()).run().status(ENGINE);
        outcome.says("error: cannot write to standard output").says("No space left on device");
    }
    let (builder, project) = (Builder::assembling("true"), Project::new().file("a", "1"));
    for options in [&[] as &[&str], &["--message-format", "json"]] {
        let outcome = project.build(&builder).args(options).stdout(full()).run().status(ENGINE);
        outcome.says("error: cannot write to standard output");
    }
    assert!(project.id().is_some());
    let outcome = project.watch(&builder).stdout(full()).run().status(ENGINE);
    outcome.says("error: cannot write to standard output");
}
