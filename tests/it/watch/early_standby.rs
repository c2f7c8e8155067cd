//! The standby for the next build, begun while a build still runs.

use std::fs;
use std::time::Instant;

use serde_json::Value;

use crate::support::builder::Builder;
use crate::support::containers::containers_of_process;
use crate::support::exit_status::SIGNALS;
use crate::support::holding_builder::{holding_builder, shared_holding_builder};
use crate::support::project::Project;
use crate::support::stand_in_cli::StandInCli;
use crate::support::wait::{END_TIMEOUT, wait_for};
use crate::support::watch_session::WatchSession;

/// Has a build hold, and waits for the container that begins beside it; its name.
#[track_caller]
fn hold(watch: &WatchSession, project: &Project) -> String {
    let used = watch.only_standby();
    project.write("hold", "");
    let mut begun = Vec::new();
    wait_for("the next standby", || {
        begun = watch.containers().into_iter().filter(|name| *name != used).collect();
        !begun.is_empty()
    });
    begun.remove(0)
}

/// The source is to hold no further build.
fn hold_no_more(project: &Project) {
    fs::remove_file(project.path().join("hold")).unwrap();
}

/// Saves `a` once the standby is ready, which must be in the container `begun`; the end of that build.
#[track_caller]
fn build_in(watch: &WatchSession, project: &Project, begun: &str, a: &str) -> Value {
    watch.wait_for_standby();
    assert_eq!(watch.only_standby(), begun);
    watch.build_after(|| {
        hold_no_more(project);
        project.write("a", a);
    })
}

#[test]
fn what_is_saved_during_a_build_is_built_in_the_container_that_began_beside_it() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1").file("gone", "1");
    let watch = project.watch(&builder).arg("--on-busy=queue").start_watch();
    let begun = hold(&watch, &project);
    hold_no_more(&project);
    fs::remove_file(project.path().join("gone")).unwrap();
    project.write("a", "2");
    watch.release_assemble();
    let end = watch.wait_for_build(3);
    assert_eq!((&end["status"], &end["standby"]), (&"ok".into(), &"used".into()), "{watch}");
    let ready = watch.with_reason("standby-ready");
    assert!(ready.iter().all(|it| [2, 3, 4].contains(&it["build"].as_u64().unwrap())), "{watch}");
    wait_for("its removal", || !watch.containers().contains(&begun));
    assert_eq!(project.image_file("a"), "2");
    assert!(!project.image().has("/app/gone"));
    watch.stop("INT");
}

#[test]
fn a_save_that_cancels_a_build_had_the_next_container_started_again() {
    let log = StandInCli::logging();
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).arg("--engine").arg(log.path()).start_watch();
    let started = || log.read("log").lines().filter(|line| line.starts_with("run --name ")).count();
    hold(&watch, &project);
    assert_eq!(started(), 3);
    hold_no_more(&project);
    project.write("a", "2");
    let end = watch.wait_for_build(3);
    assert_eq!(watch.statuses(), ["ok", "cancelled", "ok"], "{watch}");
    assert_eq!(end["standby"], "used");
    watch.wait_for_standby();
    assert_eq!(started(), 4);
    watch.stop("INT");
}

#[test]
fn after_a_build_that_failed_the_next_container_was_started_again() {
    let script = "#!/bin/sh\ncd /tmp/src\n[ ! -e hold ] || { while [ ! -e /tmp/go ]; do sleep 0.1; done; exit 9; }\n";
    let builder = Builder::new().script("assemble", script).make();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    let begun = hold(&watch, &project);
    watch.release_assemble();
    assert_eq!(watch.wait_for_build(2)["status"], "failed");
    let end = build_in(&watch, &project, &begun, "2");
    assert_eq!(end["standby"], "used");
    watch.stop("INT");
}

#[test]
fn a_large_source_is_sent_once_assemble_has_ended() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1").file("large", &"x".repeat(9 << 20));
    let watch = project.watch(&builder).start_watch();
    let begun = hold(&watch, &project);
    watch.release_assemble();
    assert_eq!(watch.wait_for_build(2)["status"], "ok");
    let end = build_in(&watch, &project, &begun, "2");
    assert_eq!((&end["standby"], project.image_file("a").as_str()), (&"used".into(), "2"));
    assert_eq!(project.image_file("large").len(), 9 << 20);
    // One that waits for that at the end is not left.
    hold(&watch, &project);
    watch.stop("INT");
}

#[test]
fn the_artifacts_are_those_of_the_build_beside_which_it_began() {
    let assemble = "#!/bin/sh\nset -e\n[ ! -e /tmp/src/hold ] || while [ ! -e /tmp/go ]; do sleep 0.1; done\n\
                    cp -a /tmp/src/. /app/; cat /tmp/artifacts/log >/app/log 2>/dev/null || :; cat /tmp/src/a >>/app/log\n";
    let builder = Builder::new().script("assemble", assemble);
    let builder = builder.script("save-artifacts", "#!/bin/sh\nexec tar -C /app -cf - log\n").make();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).arg("--on-busy=queue").start_watch();
    let begun = hold(&watch, &project);
    watch.release_assemble();
    assert_eq!(watch.wait_for_build(2)["status"], "ok");
    let end = build_in(&watch, &project, &begun, "3");
    assert_eq!((&end["standby"], project.image_file("log").as_str()), (&"used".into(), "113"), "{watch}");
    watch.stop("INT");
}

#[test]
fn variables_that_changed_during_the_build_reach_the_next_one() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1").file(".s2i/environment", "NAME=1\n");
    let watch = project.watch(&builder).arg("--on-busy=queue").start_watch();
    let begun = hold(&watch, &project);
    hold_no_more(&project);
    project.write(".s2i/environment", "NAME=2\n");
    watch.release_assemble();
    watch.wait_for_build(3);
    watch.wait_for_standby();
    assert_eq!(project.image().environment().get("NAME").map(String::as_str), Some("2"));
    assert_ne!(watch.only_standby(), begun);
    watch.stop("INT");
}

#[test]
fn an_interrupt_while_it_waits_beside_a_build_leaves_nothing() {
    let builder = holding_builder().make();
    let project = Project::new().file("a", "1");
    for (signal, status) in SIGNALS {
        let watch = project.watch(&builder).start_watch();
        hold(&watch, &project);
        let begin = Instant::now();
        let outcome = watch.stop(signal).status(status);
        assert!(begin.elapsed() < END_TIMEOUT, "{signal} took {:?}\n{outcome}", begin.elapsed());
        wait_for("nothing left", || builder.containers().is_empty());
        hold_no_more(&project);
    }
}

#[test]
fn an_interrupt_while_it_is_started_beside_a_build_leaves_nothing() {
    // The engine makes the container though the CLI was killed.
    let engine = StandInCli::new(
        "if [ \"$1\" = run ] && [ -e $here/armed ]; then\n\
         touch $here/starting; (sleep 0.2; exec docker \"$@\") & wait; exit\nfi\nexec docker \"$@\"",
    );
    let builder = holding_builder().make();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).arg("--engine").arg(engine.path()).start_watch();
    engine.make("armed");
    project.write("hold", "");
    wait_for("the start", || engine.has("starting"));
    watch.stop("INT").status(130);
    wait_for("nothing left", || builder.containers().is_empty());
}

#[test]
fn a_watch_that_is_killed_leaves_it_to_the_next_run() {
    let builder = holding_builder().make();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    let begun = hold(&watch, &project);
    let id = watch.id();
    watch.signal("KILL");
    watch.end();
    hold_no_more(&project);
    project.build(&builder).success().says("note: removed containers of a run that died: ").says(&begun);
    wait_for("nothing left", || containers_of_process(id).is_empty() && builder.containers().is_empty());
}
