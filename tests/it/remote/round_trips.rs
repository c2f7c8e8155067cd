//! How often a run waits for an answer of the engine, and how much it sends.

use crate::support::builder::Builder;
use crate::support::engine_link::traffic::Traffic;
use crate::support::engine_link::{EngineLink, Line};
use crate::support::holding_builder::{holding_builder, shared_holding_builder};
use crate::support::image::image_id;
use crate::support::project::Project;
use crate::support::wait::wait_for;
use crate::support::watch_session::WatchSession;

/// How many saves are tried for one that brings the tag along with its commit, which takes a commit before it that was short:
/// the other tests may keep the engine busy.
const TRIES: usize = 8;

/// What went to the engine and back between a save and the moment in which the tag is on its image.
fn traffic_of_save(watch: &WatchSession, project: &Project, link: &EngineLink, text: &str) -> Traffic {
    watch.only_standby();
    let (before, superseded) = (link.position(), project.id().unwrap());
    watch.build_after(|| project.write("a", text));
    let tagged = link.position();
    // What the end of this build removes is not to be seen in the next save.
    watch.wait_for_standby();
    wait_for("the removal of the image before", || image_id(&superseded).is_none());
    let save = link.between(before, tagged);
    let moved_alone = save.requests().iter().any(|request| request.ends_with("/tag"));
    save.until_answer_to(if moved_alone { "POST /images/ID/tag" } else { "POST /commit" })
}

#[test]
fn over_a_slow_line_a_save_took_a_second_call_to_move_the_tag() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let link = EngineLink::new(Line::FAR);
    let watch = project.watch(&builder).env("DOCKER_HOST", link.docker_host()).start_watch();
    let mut saves = (0..TRIES).map(|number| traffic_of_save(&watch, &project, &link, &number.to_string()));
    let save = saves.find(|save| save.opened() == 1).expect("a save with one call");
    assert_eq!(save.requests(), ["HEAD /_ping", "POST /commit"]);
    // The end of the upload, which the marks of `assemble` answer, the two requests of the call, and its connection.
    assert_eq!((save.answers(), save.round_trips()), (3, 4));
    drop(saves);
    watch.stop("INT");
}

#[test]
fn a_build_asks_the_engine_no_more_often_than_it_did() {
    let link = EngineLink::new(Line::FAR);
    let builder = holding_builder().make();
    let project = Project::new();
    let build = |text: &str| {
        project.write("a", text);
        let before = link.position();
        project.build(&builder).env("DOCKER_HOST", link.docker_host()).success();
        let tagged = link.position();
        // What the end of this build removes is not to be seen in the next one.
        project.wait_for_background_removal();
        link.between(before, tagged).until_answer_to("POST /images/ID/tag")
    };
    build("1");
    let again = build("2");
    // The calls `inspect`, `run`, `commit` and `tag`, of which `run` has three connections.
    let mut calls = again.requests();
    calls.retain(|request| request != "HEAD /_ping");
    assert_eq!(calls.len(), 8, "{calls:?}");
    assert_eq!((again.opened(), again.answers()), (6, 13));
    assert!(again.sent() < 24 * 1024 && again.received() < 24 * 1024, "{} {}", again.sent(), again.received());
}

#[test]
fn the_end_of_a_large_source_was_sent_only_with_the_next_save() {
    let link = EngineLink::new(Line { bytes_per_second: None, ..Line::FAR });
    let builder = Builder::assembling("cp /tmp/src/a /app/");
    let project = Project::new().file("a", "1");
    for number in 0..20_000 {
        project.write(&format!("{}/{number}", number / 100), "content");
    }
    let run = project.watch(&builder).env("DOCKER_HOST", link.docker_host()).args(&["--source-in", "memory"]);
    let watch = run.start_watch();
    let save = traffic_of_save(&watch, &project, &link, "2");
    assert!(save.sent() < 64 * 1024, "{}", save.sent());
    assert_eq!(project.image_file("a"), "2");
    watch.stop("INT");
}
