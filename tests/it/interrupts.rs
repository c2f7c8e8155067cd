//! Signals at any moment, crashes, and runs side by side.

use std::time::{Duration, Instant};

use crate::support::{Builder, Outcome, Project, Running, StandIn, docker, wait_for};

/// Two seconds are promised; the machine that tests may be busy with other tests.
const LIMIT: Duration = Duration::from_secs(6);

fn builder() -> Builder {
    Builder::new()
        .script("assemble", "#!/bin/sh\n. /tmp/src/script\n")
        .script(
            "save-artifacts",
            "#!/bin/sh\ncat /app/slow 2>/dev/null && exec sleep 60\nexec tar -cf - -C /etc passwd\n",
        )
        .make()
}

/// Names of containers made of this builder or what was built with it.
fn containers(builder: &Builder) -> String {
    docker(&["ps", "--all", "--filter", &format!("ancestor={}", builder.id()), "--format", "{{.Names}} {{.Status}}"])
}

#[track_caller]
fn interrupt(running: Running, signal: &str) -> Outcome {
    let begin = Instant::now();
    running.signal(signal);
    let outcome = running.end();
    assert!(begin.elapsed() < LIMIT, "{:?}\n{outcome}", begin.elapsed());
    outcome
}

#[test]
fn each_signal_has_its_status_and_leaves_nothing() {
    let builder = builder();
    let project = Project::new().file("script", "true");
    project.build(&builder).success();
    let before = project.id();
    project.write("script", "echo begun; exec sleep 60");
    for (signal, status) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let running = project.build(&builder).start();
        running.wait_for("begun");
        interrupt(running, signal).status(status).says("minis2i: build cancelled:");
        assert_eq!(containers(&builder), "");
        assert_eq!(project.id(), before);
    }
}

#[test]
fn an_interrupt_while_containers_start_leaves_nothing() {
    let engine = StandIn::new("[ \"$1\" = run ] && touch \"$here/running\"; exec docker \"$@\"");
    let builder = builder();
    let project = Project::new().file("script", "true");
    for _ in 0..3 {
        let running = project.build(&builder).arg("--engine").arg(engine.path()).start();
        running.wait_for("build started");
        wait_for("the container is started", || engine.has("running"));
        interrupt(running, "INT").status(130);
        assert_eq!(containers(&builder), "");
        assert_eq!(project.id(), None);
    }
}

#[test]
fn an_interrupt_while_artifacts_are_saved_leaves_nothing() {
    let builder = builder();
    let project = Project::new().file("script", "echo slow >/app/slow");
    project.build(&builder).success();
    let before = project.id();
    let running = project.build(&builder).start();
    // Two containers: the one that builds and the one that saves.
    wait_for("both containers run", || containers(&builder).matches(" Up ").count() == 2);
    interrupt(running, "TERM").status(143);
    assert_eq!(containers(&builder), "");
    assert_eq!(project.id(), before);
}

#[test]
fn an_interrupt_while_the_source_is_sent_leaves_nothing() {
    let builder = builder();
    let project = Project::new().file("script", "true");
    let big = std::fs::File::create(project.path().join("big")).unwrap();
    std::io::copy(&mut std::io::Read::take(std::io::repeat(7), 1 << 30), &mut &big).unwrap();
    let running = project.build(&builder).start();
    wait_for("the container takes the source", || containers(&builder).contains(" Up "));
    interrupt(running, "INT").status(130);
    assert_eq!(containers(&builder), "");
    assert_eq!(project.id(), None);
}

#[test]
fn an_interrupt_during_the_commit_leaves_the_tag_where_it_was() {
    let commit = "[ \"$1\" = commit ] && touch \"$here/committing\"; exec docker \"$@\"";
    let (first, second) = (StandIn::new(commit), StandIn::new(commit));
    let builder = builder();
    let project = Project::new().file("script", "true");
    let running = project.build(&builder).arg("--engine").arg(first.path()).start();
    wait_for("the commit begins", || first.has("committing"));
    interrupt(running, "INT").status(130);
    assert_eq!((project.id(), containers(&builder).as_str()), (None, ""));
    project.build(&builder).success();
    let before = project.id();
    project.write("script", "echo changed");
    let running = project.build(&builder).arg("--engine").arg(second.path()).start();
    wait_for("the commit begins", || second.has("committing"));
    interrupt(running, "INT").status(130);
    assert_eq!((project.id(), containers(&builder).as_str()), (before, ""));
}

#[test]
fn a_second_signal_leaves_at_once() {
    // Removing the container takes long here, so the first signal alone would hold on.
    let engine = StandIn::new("[ \"$1\" = rm ] && { touch \"$here/removing\"; sleep 1; }; exec docker \"$@\"");
    let builder = builder();
    let project = Project::new().file("script", "echo begun; exec sleep 60");
    let running = project.build(&builder).arg("--engine").arg(engine.path()).start();
    running.wait_for("begun");
    running.signal("INT");
    wait_for("cleaning up begins", || engine.has("removing"));
    interrupt(running, "INT").status(130);
    // What is left is found by the next run.
    project.write("script", "true");
    project.build(&builder).success();
    wait_for("nothing is left", || containers(&builder).is_empty());
}

#[test]
fn a_killed_run_never_assembles_and_the_next_one_cleans_up() {
    let builder = Builder::new().script("assemble", "#!/bin/sh\nexec sleep 60\n").make();
    let project = Project::new().file("a", "1");
    let big = std::fs::File::create(project.path().join("big")).unwrap();
    std::io::copy(&mut std::io::Read::take(std::io::repeat(7), 1 << 30), &mut &big).unwrap();
    let running = project.build(&builder).start();
    wait_for("the container takes the source", || containers(&builder).contains(" Up "));
    running.signal("KILL");
    assert_eq!(running.end().status, None);
    // An `assemble` would sleep for a minute.
    wait_for("the container ends by itself", || containers(&builder).contains("Exited"));
    let name = containers(&builder).split(' ').next().unwrap().to_owned();
    std::fs::remove_file(project.path().join("big")).unwrap();
    let other = crate::support::Builder::copying().make();
    // Another test's run may have swept it meanwhile: this is one user on one machine.
    let outcome = project.build(&other).success();
    if outcome.stderr.contains(&name) {
        outcome.says("removed a container");
    }
    wait_for("the next run removes it", || !containers(&builder).contains(&name));
}

#[test]
fn a_run_that_is_alive_keeps_its_container() {
    let builder = builder();
    let long = Project::new().file("script", "echo begun; while [ ! -e /tmp/go ]; do sleep 0.1; done");
    let running = long.build(&builder).start();
    running.wait_for("begun");
    let names = containers(&builder);
    let name = names.lines().find(|line| line.contains(" Up ")).and_then(|line| line.split(' ').next());
    let short = Project::new().file("script", "true");
    short.build(&builder).success();
    docker(&["exec", name.expect("the long build goes on"), "touch", "/tmp/go"]);
    running.end().status(0);
}
