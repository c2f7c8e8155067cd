//! Signals at any stage of a build, runs that are killed, and runs side by side.

use std::time::{Duration, Instant};

use crate::support::builder::Builder;
use crate::support::engine::docker;
use crate::support::exit_status::SIGNALS;
use crate::support::image::archive_of;
use crate::support::outcome::Outcome;
use crate::support::project::Project;
use crate::support::running_process::RunningProcess;
use crate::support::stand_in_cli::StandInCli;
use crate::support::wait::{END_TIMEOUT, wait_for};

/// A project whose builds are interrupted at a certain stage, once by each signal.
struct SignalTest {
    builder: Builder,
    project: Project,
    /// The image that the tag is on before.
    before: Option<String>,
}

impl SignalTest {
    fn new(builder: Builder) -> Self {
        let project = Project::new().file("stage", "quick");
        Self { builder, project, before: None }
    }

    /// Builds once without a signal, so that the tag is on a good image.
    fn with_good_image(mut self) -> Self {
        self.project.build(&self.builder).success();
        self.before = self.project.id();
        wait_for("cleaning up", || self.builder.containers().is_empty());
        self
    }

    /// Sends the signal and checks what must be true after it.
    #[track_caller]
    fn signal(&self, running: RunningProcess, signal: (&str, i32)) -> Outcome {
        running.signal(signal.0);
        self.assert_cancelled(running, signal)
    }

    /// Checks what must be true after a signal that was just sent.
    #[track_caller]
    fn assert_cancelled(&self, running: RunningProcess, (signal, status): (&str, i32)) -> Outcome {
        let begin = Instant::now();
        let outcome = running.end().status(status);
        assert!(begin.elapsed() < END_TIMEOUT, "{signal} took {:?}\n{outcome}", begin.elapsed());
        // A busy engine may take a moment for the removal that it was asked for.
        while begin.elapsed() < END_TIMEOUT && !self.builder.containers().is_empty() {
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(self.builder.containers(), [""; 0], "{signal}\n{outcome}");
        assert_eq!(self.project.id(), self.before, "{signal}\n{outcome}");
        assert_eq!(outcome.stdout, "", "{signal}\n{outcome}");
        outcome
    }
}

/// A builder whose `assemble` hangs when the file `stage` says `wait`.
fn waiting_builder() -> Builder {
    let script = "#!/bin/sh\nif [ \"$(cat /tmp/src/stage)\" = wait ]; then echo assembling now; exec sleep 300; fi\n";
    Builder::new().script("assemble", script).make()
}

/// A builder whose `tar` makes `/tmp/taking` after the first bytes, and takes the rest when `/tmp/go` exists.
fn builder_with_slow_tar() -> Builder {
    let tar = "#!/bin/sh\ncase \"$*\" in *version*) exec /bin/tar \"$@\" ;; esac\nhead -c 10000 >/tmp/first\n\
               : >/tmp/taking\nwhile [ ! -e /tmp/go ]; do sleep 0.1; done\n\
               cat /tmp/first - | /bin/tar \"$@\"\n";
    Builder::copying().file("slow/tar", 0o755, tar).instruction("ENV PATH=/slow:/usr/bin:/bin").make()
}

/// 16 MiB, more than all pipes on the way can take.
fn large() -> String {
    "0123456789abcdef".repeat(1 << 20)
}

/// Waits until `tar` has taken the first bytes in a container of the builder, and returns the container.
fn wait_until_taking(builder: &Builder) -> String {
    let mut found = None;
    wait_for("the first bytes", || {
        found = builder.containers().into_iter().find(|container| archive_of(container, "/tmp/taking").is_success());
        found.is_some()
    });
    found.unwrap()
}

#[test]
fn an_interrupt_before_anything_is_started_ends_the_build() {
    for signal in SIGNALS {
        let engine = StandInCli::new("touch $here/called\nexec sleep 300");
        let test = SignalTest::new(waiting_builder());
        let running = test.project.build(&test.builder).arg("--engine").arg(engine.path()).start();
        wait_for("the first call", || engine.has("called"));
        test.signal(running, signal).says("error: the build was cancelled");
    }
}

#[test]
fn an_interrupt_while_the_container_starts_ends_the_build() {
    let test = SignalTest::new(waiting_builder()).with_good_image();
    for signal in SIGNALS {
        let running = test.project.build(&test.builder).start();
        running.wait_for_stderr("minis2i: build started:");
        test.signal(running, signal).says("minis2i: build cancelled:").says("stays as it was");
    }
}

#[test]
fn an_interrupt_while_the_container_is_made_leaves_none() {
    let engine =
        StandInCli::new("if [ \"$1\" = run ]; then echo >>$here/runs; exec docker \"$@\"; fi\nexec docker \"$@\"");
    let test = SignalTest::new(waiting_builder());
    for signal in SIGNALS {
        let runs = engine.read("runs").len();
        let running = test.project.build(&test.builder).arg("--engine").arg(engine.path()).start();
        wait_for("the container", || engine.read("runs").len() > runs);
        test.signal(running, signal);
    }
}

#[test]
fn an_interrupt_while_artifacts_are_saved_ends_the_build() {
    let save = "#!/bin/sh\necho saving now >&2\nexec sleep 300\n";
    let builder = Builder::copying().script("save-artifacts", save).make();
    let test = SignalTest::new(builder).with_good_image();
    for signal in SIGNALS {
        let running = test.project.build(&test.builder).start();
        running.wait_for_stderr("saving now");
        test.signal(running, signal).says("minis2i: build cancelled:");
    }
}

#[test]
fn an_interrupt_while_the_source_is_sent_ends_the_build() {
    let test = SignalTest::new(builder_with_slow_tar());
    test.project.write("large", &large());
    for signal in SIGNALS {
        let running = test.project.build(&test.builder).start();
        wait_until_taking(&test.builder);
        test.signal(running, signal).says("minis2i: build cancelled:");
    }
}

#[test]
fn an_interrupt_while_assemble_runs_ends_the_build() {
    let test = SignalTest::new(waiting_builder()).with_good_image();
    test.project.write("stage", "wait");
    for signal in SIGNALS {
        let running = test.project.build(&test.builder).start();
        running.wait_for_stderr("assembling now");
        let outcome = test.signal(running, signal).says("minis2i: build cancelled:");
        outcome.says("error: the build was cancelled");
    }
}

#[test]
fn signals_that_were_ignored_at_the_start_ended_the_run() {
    let test = SignalTest::new(waiting_builder());
    test.project.write("stage", "wait");
    for run in [test.project.build(&test.builder), test.project.watch_as_text(&test.builder)] {
        let running = run.ignoring("HUP INT").start();
        running.wait_for_stderr("assembling now");
        running.signal("HUP");
        running.signal("INT");
        test.signal(running, ("TERM", 143));
    }
}

/// The engine's CLI, which sends the run `$SIGNAL` when this call begins, and then carries the call out.
fn signalling_cli(call: &str) -> StandInCli {
    StandInCli::new(&format!(
        "if [ \"$1\" = {call} ] && [ ! -e $here/$SIGNAL ]; then touch $here/$SIGNAL; kill -$SIGNAL $PPID; fi\n\
         exec docker \"$@\""
    ))
}

/// Interrupts builds when they make this call.
fn interrupt_at(call: &str, new_test: impl Fn() -> SignalTest) {
    let engine = signalling_cli(call);
    let test = new_test();
    for signal in SIGNALS {
        let run = test.project.build(&test.builder).arg("--engine").arg(engine.path()).env("SIGNAL", signal.0);
        let running = run.start();
        wait_for("the call", || engine.has(signal.0));
        let outcome = test.assert_cancelled(running, signal).says("minis2i: build cancelled:");
        if outcome.stderr.contains("did not confirm") {
            // A busy engine takes longer than the run may; the next one removes the image.
            let other = Project::new().file("a", "1");
            other.build(&Builder::shared_evaluating()).env("TMPDIR", test.project.temp_dir()).success();
        }
        let images = docker(&["images", "-q", "--no-trunc", "--filter", &made_with(&test.builder)]);
        assert_eq!(images, test.before.clone().unwrap_or_default(), "{signal:?}");
    }
}

/// The filter for images that came out of builds with the builder.
fn made_with(builder: &Builder) -> String {
    format!("label=io.github.minis2i.builder={}", builder.id())
}

#[test]
fn an_interrupt_in_the_first_commit_leaves_no_tag() {
    interrupt_at("commit", || SignalTest::new(waiting_builder()));
}

#[test]
fn an_interrupt_in_a_commit_leaves_the_tag() {
    interrupt_at("commit", || SignalTest::new(waiting_builder()).with_good_image());
}

#[test]
fn an_interrupt_at_the_tagging_leaves_no_tag() {
    interrupt_at("tag", || SignalTest::new(waiting_builder()));
}

#[test]
fn an_interrupt_at_the_tagging_leaves_the_tag() {
    interrupt_at("tag", || SignalTest::new(waiting_builder()).with_good_image());
}

#[test]
fn an_interrupt_in_a_long_commit_leaves_the_tag_for_good() {
    let engine = signalling_cli("commit");
    // A commit of 400 MB is long enough for the signal to come in the middle of it.
    let assemble = "#!/bin/sh\nif [ \"$(cat /tmp/src/stage)\" = large ]; then\n\
                    head -c 400000000 /dev/urandom >/app/large; fi\n";
    let test = SignalTest::new(Builder::new().script("assemble", assemble).make()).with_good_image();
    test.project.write("stage", "large");
    let since = docker(&["info", "--format", "{{.SystemTime}}"]);
    let run = test.project.build(&test.builder).arg("--engine").arg(engine.path()).env("SIGNAL", "INT");
    let running = run.start();
    wait_for("the commit", || engine.has("INT"));
    test.assert_cancelled(running, ("INT", 130));
    wait_for("the engine to be done with it", || committed(&test.builder, &since));
    assert_eq!(test.project.id(), test.before);
}

/// Whether the engine has finished a commit of a container of the builder since this time.
fn committed(builder: &Builder, since: &str) -> bool {
    let image = format!("image={}", builder.id());
    let until = docker(&["info", "--format", "{{.SystemTime}}"]);
    let events = docker(&["events", "--since", since, "--until", &until, "--filter", "event=commit"]);
    events.contains(&image)
}

/// The engine's CLI, but removing a container hangs, so that cleaning up lasts until it is given up.
fn cli_that_never_removes() -> StandInCli {
    StandInCli::new("if [ \"$1\" = rm ]; then touch $here/removing; exec sleep 300; fi\nexec docker \"$@\"")
}

/// Starts a build that must be in the middle of `assemble`, and returns it with its project.
fn assembling(builder: &Builder, engine: &StandInCli) -> (Project, RunningProcess) {
    let project = Project::new().file("stage", "wait");
    let running = project.build(builder).arg("--engine").arg(engine.path()).start();
    running.wait_for_stderr("assembling now");
    (project, running)
}

#[test]
fn a_second_interrupt_leaves_at_once() {
    let engine = cli_that_never_removes();
    let builder = waiting_builder();
    let (project, running) = assembling(&builder, &engine);
    running.signal("INT");
    wait_for("cleaning up", || engine.has("removing"));
    let begin = Instant::now();
    running.signal("INT");
    let outcome = running.end().status(130);
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}\n{outcome}", begin.elapsed());
    // The next run removes what it left.
    project.write("stage", "quick");
    project.build(&builder).success().says("note: removed a container of a run that died: minis2i-");
}

#[test]
fn the_exit_status_of_a_second_interrupt_is_that_signals() {
    let engine = cli_that_never_removes();
    let builder = waiting_builder();
    let (project, running) = assembling(&builder, &engine);
    running.signal("INT");
    wait_for("cleaning up", || engine.has("removing"));
    running.signal("TERM");
    running.end().status(143);
    project.write("stage", "quick");
    project.build(&builder).success();
}

#[test]
fn an_engine_that_does_not_remove_does_not_hold_up_the_end() {
    let engine = cli_that_never_removes();
    let builder = waiting_builder();
    let (project, running) = assembling(&builder, &engine);
    let begin = Instant::now();
    running.signal("INT");
    running.end().status(130);
    assert!(begin.elapsed() < END_TIMEOUT, "{:?}", begin.elapsed());
    project.write("stage", "quick");
    project.build(&builder).success().says("note: removed a container of a run that died");
}

#[test]
fn a_half_sent_upload_is_not_assembled() {
    let builder = builder_with_slow_tar();
    let project = Project::new().file("large", &large()).file("out", "built");
    let running = project.build(&builder).start();
    let container = wait_until_taking(&builder);
    running.signal("KILL");
    assert_eq!(running.end().status, None);
    docker(&["exec", &container, "touch", "/tmp/go"]);
    assert_ne!(docker(&["wait", &container]), "0");
    let changes = docker(&["diff", &container]);
    assert!(!changes.contains("/app/out"), "assemble ran: {changes}");
    assert_eq!(project.id(), None);
    docker(&["rm", "-fv", &container]);
}

#[test]
fn an_upload_that_lacks_only_its_end_is_not_assembled() {
    // The source is sent at once; only the end of the upload waits for the artifacts.
    let save = "#!/bin/sh\necho saving now >&2\nexec sleep 300\n";
    let test = SignalTest::new(Builder::copying().script("save-artifacts", save).make()).with_good_image();
    test.project.write("large", &large());
    let running = test.project.build(&test.builder).start();
    running.wait_for_stderr("saving now");
    let is_build = |id: &String| docker(&["inspect", "--format", "{{.Image}}", id]) == test.builder.id();
    let build = test.builder.containers().into_iter().find(is_build).unwrap();
    wait_for("the source has come", || docker(&["diff", &build]).contains("/tmp/src/large"));
    running.signal("KILL");
    assert_eq!(running.end().status, None);
    assert_ne!(docker(&["wait", &build]), "0");
    let changes = docker(&["diff", &build]);
    assert!(!changes.contains("/app/large"), "assemble ran: {changes}");
    assert_eq!(test.project.id(), test.before);
    test.builder.containers().iter().for_each(|container| drop(docker(&["rm", "-fv", container])));
}

#[test]
fn the_next_run_removes_what_a_killed_one_left_and_says_so() {
    let builder = waiting_builder();
    let project = Project::new().file("stage", "wait");
    let running = project.build(&builder).start();
    running.wait_for_stderr("assembling now");
    let left = builder.containers();
    assert_eq!(left.len(), 1);
    running.signal("KILL");
    assert_eq!(running.end().status, None);
    project.write("stage", "quick");
    project.build(&builder).success().says("note: removed a container of a run that died: minis2i-");
    wait_for("its container is gone", || builder.containers().is_empty());
}

#[test]
fn a_killed_runs_container_is_found_by_another_project_too() {
    let builder = waiting_builder();
    let killed = Project::new().file("stage", "wait");
    let running = killed.build(&builder).start();
    running.wait_for_stderr("assembling now");
    running.signal("KILL");
    assert_eq!(running.end().status, None);
    let other = Project::new().file("stage", "quick");
    let outcome = other.build(&builder).env("TMPDIR", killed.temp_dir()).success();
    outcome.says("note: removed a container of a run that died: minis2i-");
}

#[test]
fn a_living_run_keeps_its_containers() {
    let builder = waiting_builder();
    let long = Project::new().file("stage", "wait");
    let short = Project::new().file("stage", "quick");
    let mut running = long.build(&builder).start();
    running.wait_for_stderr("assembling now");
    let theirs = builder.containers();
    for _ in 0..2 {
        short.build(&builder).env("TMPDIR", long.temp_dir()).success().never_says("run that died");
    }
    assert!(running.is_running());
    wait_for("the short ones clean up", || builder.containers() == theirs);
    running.signal("TERM");
    running.end().status(143);
}

#[test]
fn cleaning_up_after_a_build_is_not_taken_for_a_dead_run() {
    let engine = StandInCli::new(
        "if [ \"$1\" = rm ]; then touch $here/removing; while [ ! -e $here/go ]; do sleep 0.1; done; fi\n\
         exec docker \"$@\"",
    );
    let builder = waiting_builder();
    let first = Project::new().file("stage", "quick");
    let second = Project::new().file("stage", "quick");
    first.build(&builder).arg("--engine").arg(engine.path()).success();
    wait_for("cleaning up", || engine.has("removing"));
    second.build(&builder).env("TMPDIR", first.temp_dir()).success().never_says("run that died");
    engine.make("go");
}
