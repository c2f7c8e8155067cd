//! What a run leaves when it ends badly, and what the next one does about it: images without a name, containers that an
//! engine did not remove, and files of locks.

use std::fs;
use std::path::Path;
use std::time::Instant;

use crate::support::builder::Builder;
use crate::support::containers::containers_of_process;
use crate::support::engine::{BASE, docker};
use crate::support::holding_builder::holding_builder;
use crate::support::outcome::Outcome;
use crate::support::project::Project;
use crate::support::run::Run;
use crate::support::stand_in_cli::StandInCli;
use crate::support::wait::{END_TIMEOUT, wait_for};

/// The ids of images that came out of builds with the builder.
fn images_made_with(builder: &Builder) -> Vec<String> {
    let filter = format!("label=io.github.minis2i.builder={}", builder.id());
    docker(&["images", "-q", "--no-trunc", "--filter", &filter]).lines().map(str::to_owned).collect()
}

fn files(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|item| item.path().display().to_string()).collect()
}

/// An engine's CLI that has `minis2i` killed by `$SIGNAL` when a commit is done, but has not said so.
fn killing_cli() -> StandInCli {
    StandInCli::new(
        "if [ \"$1\" = commit ] && [ ! -e $here/killed ]; then\n\
         docker \"$@\" >$here/id && touch $here/killed && kill -$SIGNAL $PPID && cat $here/id; exit\nfi\n\
         exec docker \"$@\"",
    )
}

#[test]
fn the_image_of_a_run_that_was_killed_before_the_tag_is_removed_by_the_next() {
    let engine = killing_cli();
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    let killed = project.build(&builder).arg("--engine").arg(engine.path()).env("SIGNAL", "KILL").run();
    assert_eq!(killed.status, None, "{killed}");
    assert_eq!(project.id(), None);
    assert_eq!(images_made_with(&builder).len(), 1);
    project.build(&builder).success();
    assert_eq!(images_made_with(&builder), [project.id().unwrap()]);
    project.wait_for_background_removal();
}

#[test]
fn an_image_that_was_tagged_before_the_run_was_killed_stays() {
    let engine = cli_that_kills_after_the_tag();
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    let killed = project.build(&builder).arg("--engine").arg(engine.path()).run();
    assert_eq!(killed.status, None, "{killed}");
    let tagged = project.id();
    let other = Project::new().file("a", "2");
    other.build(&builder).env("TMPDIR", project.temp_dir()).success();
    assert_eq!(project.id(), tagged);
    project.wait_for_background_removal();
}

/// An engine's CLI that has minis2i killed when the tag was moved, but nothing has said so.
fn cli_that_kills_after_the_tag() -> StandInCli {
    StandInCli::new(
        "if [ \"$1\" = tag ] && [ ! -e $here/killed ]; then docker \"$@\"; touch $here/killed; kill -KILL $PPID; exit\nfi\n\
         exec docker \"$@\"",
    )
}

#[test]
fn the_image_that_lost_the_tag_to_a_run_that_was_killed_is_removed_by_the_next() {
    let engine = cli_that_kills_after_the_tag();
    // With an author and a SHELL, an image is built upon two others, which have to go, too.
    let builder = Builder::copying().make().build_on("SHELL [\"/bin/sh\", \"-ec\"]\nMAINTAINER someone");
    let project = Project::new().file("a", "1");
    project.build(&builder).success();
    let filter = format!("label=io.github.minis2i.builder={}", builder.id());
    let count = || docker(&["images", "--all", "--quiet", "--filter", &filter]).lines().count();
    let first = count();
    project.write("a", "2");
    let killed = project.build(&builder).arg("--engine").arg(engine.path()).run();
    assert_eq!(killed.status, None, "{killed}");
    assert!(count() > first);
    project.write("a", "3");
    project.build(&builder).success();
    wait_for("no other image", || count() == first);
    project.wait_for_background_removal();
}

#[test]
fn the_image_that_loses_the_tag_in_a_commit_that_fails_is_removed() {
    // The CLI is killed when the engine has done what it was asked to.
    let engine = StandInCli::new(
        "if [ \"$1\" = tag ] && [ ! -e $here/failed ]; then docker \"$@\"; touch $here/failed; kill -KILL $$\nfi\n\
         exec docker \"$@\"",
    );
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    project.build(&builder).success();
    project.write("a", "2");
    project.build(&builder).arg("--engine").arg(engine.path()).run().status(125);
    wait_for("no other image", || images_made_with(&builder) == [project.id().unwrap()]);
    project.wait_for_background_removal();
}

#[test]
fn a_watch_removes_what_a_dead_run_left_though_the_engine_failed_at_first() {
    let engine = StandInCli::new(
        "[ \"$1\" != ps ] || mv $here/armed $here/failed 2>/dev/null || exec docker \"$@\"\n\
         [ \"$1\" != ps ] || exit 1\nexec docker \"$@\"",
    );
    engine.make("armed");
    let builder = holding_builder().make();
    let project = Project::new().file("a", "1");
    let dead = project.watch(&builder).start_watch();
    let id = dead.id();
    dead.signal("KILL");
    let watch = project.watch(&builder).arg("--engine").arg(engine.path()).start_watch();
    assert!(engine.has("failed"));
    wait_for("nothing left of the dead run", || containers_of_process(id).is_empty());
    watch.stop("INT");
}

/// A script of an engine's CLI for a watch that does not learn from events that its tag was moved. It ends with the watch.
const NO_EVENTS: &str = "if [ \"$1\" = events ]; then while kill -0 $PPID 2>/dev/null; do sleep 0.2; done; exit; fi\n";

#[test]
fn an_image_that_lost_the_tag_to_another_program_stayed_when_the_watch_ended_at_once() {
    let engine = StandInCli::new(&format!("{NO_EVENTS}exec docker \"$@\""));
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).arg("--engine").arg(engine.path()).start_watch();
    docker(&["tag", BASE, &project.tag]);
    watch.stop("INT");
    assert_eq!(images_made_with(&builder), [""; 0]);
    assert_eq!(project.locks(), [""; 0]);
}

#[test]
fn an_image_that_lost_the_tag_to_another_program_after_a_commit_failed_stayed_when_the_watch_was_killed() {
    let engine = StandInCli::new(&format!(
        "{NO_EVENTS}[ \"$1\" != commit ] || [ ! -e $here/down ] || exit 1\nexec docker \"$@\""
    ));
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).arg("--engine").arg(engine.path()).start_watch();
    engine.make("down");
    project.write("a", "2");
    watch.wait_for("the failed build", |_| watch.statuses() == ["ok", "failed"]);
    docker(&["tag", BASE, &project.tag]);
    watch.signal("KILL");
    watch.end();
    project.build(&builder).success();
    wait_for("no other image", || images_made_with(&builder) == [project.id().unwrap()]);
    project.wait_for_background_removal();
}

#[test]
fn an_image_that_a_container_of_a_dead_run_uses_stayed_when_the_engine_did_not_remove_the_container() {
    let engine = StandInCli::new(
        "[ \"$1\" != rm ] || mv $here/armed $here/failed 2>/dev/null || exec docker \"$@\"\n\
         [ \"$1\" != rm ] || exit 1\nexec docker \"$@\"",
    );
    engine.make("armed");
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    watch.wait_for_standby();
    let (image, standby) = (project.id().unwrap(), watch.only_standby());
    watch.signal("KILL");
    watch.end();
    let (run, _) = standby.rsplit_once('-').unwrap();
    docker(&["create", "--name", &format!("{run}-999"), &image]);
    docker(&["tag", BASE, &project.tag]);
    project.build(&builder).arg("--engine").arg(engine.path()).success();
    assert!(engine.has("failed"));
    project.build(&builder).success();
    wait_for("no other image", || images_made_with(&builder) == [project.id().unwrap()]);
    project.wait_for_background_removal();
}

#[test]
fn a_watch_removes_a_container_though_the_engine_failed_at_first() {
    let engine = StandInCli::new("[ \"$1\" != rm ] || [ ! -e $here/down ] || exit 1\nexec docker \"$@\"");
    let builder = holding_builder().make();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).arg("--engine").arg(engine.path()).start_watch();
    watch.only_standby();
    engine.make("down");
    watch.build_after(|| project.write("a", "2"));
    watch.wait_for_standby();
    assert_eq!(watch.containers().len(), 2);
    engine.remove("down");
    wait_for("the removal", || watch.containers().len() == 1);
    watch.stop("INT");
}

#[test]
fn an_interrupt_in_a_commit_that_moves_the_tag_leaves_no_image() {
    // A watch whose commits are quick has the engine commit and move the tag in one call.
    let engine = StandInCli::new(
        "if [ \"$1\" = commit ] && [ -e $here/armed ]; then\n\
         docker \"$@\" >$here/id && kill -INT $PPID && touch $here/done && cat $here/id; exit\nfi\n\
         exec docker \"$@\"",
    );
    let builder = holding_builder().make();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).arg("--engine").arg(engine.path()).start_watch();
    watch.build_after(|| project.write("a", "2"));
    watch.wait_for_standby();
    let before = project.id();
    engine.make("armed");
    project.write("a", "3");
    wait_for("the commit", || engine.has("done"));
    let outcome = watch.end().status(130);
    assert_eq!(project.id(), before, "{outcome}");
    wait_for("no other image", || images_made_with(&builder) == before.iter().cloned().collect::<Vec<_>>());
}

#[test]
fn a_watch_ends_in_time_though_the_engine_does_not_answer() {
    let engine = StandInCli::new("[ ! -e $here/silent ] || exec sleep 300\nexec docker \"$@\"");
    let builder = holding_builder().make();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).arg("--engine").arg(engine.path()).start_watch();
    let standby = watch.only_standby();
    engine.make("silent");
    let begin = Instant::now();
    let outcome = watch.end_by("INT").status(130);
    assert!(begin.elapsed() < END_TIMEOUT, "{:?}\n{outcome}", begin.elapsed());
    let warning = format!("did not confirm that this is removed: the container {standby}");
    assert!(outcome.stdout.contains(&warning), "{outcome}");
    let next = project.build(&builder).success();
    next.says(&format!("note: removed a container of a run that died: {standby}"));
    wait_for("no container", || builder.containers().is_empty());
    project.wait_for_background_removal();
}

#[test]
fn a_build_ends_in_time_though_the_engine_does_not_answer() {
    let engine = StandInCli::new("[ ! -e $here/silent ] || exec sleep 300\nexec docker \"$@\"");
    let builder = holding_builder().make();
    let project = Project::new().file("hold", "1");
    let running = project.build(&builder).arg("--engine").arg(engine.path()).start();
    running.wait_for_stderr("holding");
    engine.make("silent");
    let begin = Instant::now();
    running.signal("INT");
    let outcome = running.end().status(130);
    assert!(begin.elapsed() < END_TIMEOUT, "{:?}\n{outcome}", begin.elapsed());
    outcome
        .says("did not confirm that this is removed: the container minis2i-")
        .says("the next run of minis2i removes it");
    fs::remove_file(project.path().join("hold")).unwrap();
    project.build(&builder).success().says("note: removed a container of a run that died");
    project.wait_for_background_removal();
}

#[test]
fn no_run_that_removed_its_containers_leaves_a_lock() {
    let usage = "#!/bin/sh\necho usage\n";
    let assemble = "#!/bin/sh\n[ ! -e /tmp/src/fail ] || exit 3\n[ ! -e /tmp/src/wait ] || { echo assembling now; exec sleep 300; }\n";
    let builder = Builder::new().script("assemble", assemble).script("usage", usage).make();
    let project = Project::new().file("fail", "");
    // A busy engine may take too long to remove a container; the run says so then.
    let assert_no_lock = |outcome: &Outcome| {
        assert_eq!(project.locks().is_empty(), !outcome.stderr.contains("did not confirm"), "{outcome}");
    };
    assert_no_lock(&project.build(&builder).run().status(3));
    project.write("wait", "");
    fs::remove_file(project.path().join("fail")).unwrap();
    let running = project.build(&builder).start();
    running.wait_for_stderr("assembling now");
    assert_eq!(project.locks().len(), 1);
    running.signal("INT");
    assert_no_lock(&running.end().status(130));
    let run = || Run::new().env("TMPDIR", project.temp_dir());
    assert_no_lock(&run().args(&["usage", builder.name()]).success());
    let dockerfile = project.temp_dir().join("Dockerfile").display().to_string();
    assert_no_lock(&run().args(&["generate", builder.name(), &dockerfile]).success());
}

#[test]
fn locks_are_in_the_users_folder_for_running_programs() {
    let builder = holding_builder().make();
    let project = Project::new().file("hold", "1");
    let runtime = tempfile::tempdir().unwrap();
    let running = project.build(&builder).env("XDG_RUNTIME_DIR", runtime.path()).start();
    running.wait_for_stderr("holding");
    assert_eq!(files(&runtime.path().join("minis2i")).len(), 1);
    assert_eq!(project.locks(), [""; 0]);
    running.signal("INT");
    running.end().status(130);
    assert_eq!(files(&runtime.path().join("minis2i")), [""; 0]);
}

#[test]
fn a_good_build_stays_one_when_the_program_was_replaced_meanwhile() {
    let builder = holding_builder().make();
    let project = Project::new().file("hold", "1");
    let program = project.temp_dir().join("minis2i-copy");
    let other = project.temp_dir().join("other");
    fs::copy(env!("CARGO_BIN_EXE_minis2i"), &program).unwrap();
    fs::write(&other, "no program").unwrap();
    let running = project.build(&builder).program(&program).start();
    running.wait_for_stderr("holding");
    fs::rename(&other, &program).unwrap();
    builder.containers().iter().for_each(|name| drop(docker(&["exec", name, "touch", "/tmp/go"])));
    let outcome = running.end().status(0);
    outcome.says("warning: the process that cleans up cannot be started");
    assert_eq!(builder.containers(), [""; 0]);
    assert_eq!(project.locks(), [""; 0]);
}

#[test]
fn the_image_that_was_committed_stayed_when_its_removal_failed_once() {
    let engine = StandInCli::new(
        "if [ \"$1 $2\" = 'image rm' ] && [ ! -e $here/failed ]; then touch $here/failed; echo 'Error: busy' >&2; exit 1\nfi\n\
         exec docker \"$@\"",
    );
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    // With such an option the image is made of the committed one.
    let run = project.build(&builder).arg("--engine").arg(engine.path()).engine_options(&["--hostname", "x"]);
    run.success().never_says("warning:");
    assert!(engine.has("failed"));
    wait_for("no other image", || images_made_with(&builder) == [project.id().unwrap()]);
    project.wait_for_background_removal();
}
