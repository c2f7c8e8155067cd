//! A watch is never silent and never stuck: what it does when the engine fails once, goes away, or lets another program move
//! the tag, and when keys come at odd moments.

use std::fs;

use crate::support::engine::{BASE, docker, unique_name};
use crate::support::engine_proxy::EngineProxy;
use crate::support::holding_builder::{holding_builder, shared_holding_builder};
use crate::support::project::Project;
use crate::support::stand_in_cli::StandInCli;
use crate::support::terminal::Terminal;
use crate::support::wait::wait_for;
use crate::support::watch_session::WatchSession;

/// Saves something else and what was there before, in one burst.
fn save_and_undo(project: &Project, path: &str, before: &str) {
    project.write(path, "something else");
    project.write(path, before);
}

/// Waits until the tag is on an image with this content of the file `a`.
#[track_caller]
fn wait_for_content(project: &Project, watch: &WatchSession, text: &str) {
    watch.wait_for(&format!("an image with `{text}`"), |_| {
        project.image().has("/app/a") && project.image_file("a") == text
    });
}

#[test]
fn an_engine_that_failed_to_answer_once_made_the_watch_silent_for_ever() {
    let engine = StandInCli::new(
        "if [ -e $here/armed ]; then case \" $* \" in\n\
         *' commit '*) exit 1 ;;\n*' version '*) touch $here/asked; exit 1 ;;\nesac; fi\n\
         exec docker \"$@\"",
    );
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).arg("--engine").arg(engine.path()).start_watch();
    engine.make("armed");
    project.write("a", "2");
    assert_eq!(watch.wait_for_build(2)["status"], "failed");
    watch.wait_for("a question for the engine", |_| engine.has("asked"));
    engine.remove("armed");
    // It is built again as soon as the engine answers, or else with the next save.
    project.write("a", "3");
    watch.wait_for("a build that succeeds", |_| watch.statuses()[2..].iter().any(|status| status == "ok"));
    wait_for_content(&project, &watch, "3");
    watch.stop("INT");
}

#[test]
fn a_first_build_that_fails_early_had_an_end_without_a_beginning() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    project.build(&builder).success();
    // Variables that cannot be read are met before it is known whether there is anything to build.
    fs::create_dir_all(project.path().join(".s2i/environment")).unwrap();
    let watch = project.watch(&builder).start_watch_at_once();
    assert_eq!(watch.wait_for_build(1)["status"], "failed");
    assert_eq!(watch.builds_started(), 1);
    // `stop` checks that each end has its beginning.
    watch.stop("INT");
}

#[test]
fn a_save_that_was_undone_left_the_tag_where_another_program_had_moved_it() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    watch.standby_after(|| drop(docker(&["tag", BASE, &project.tag])));
    save_and_undo(&project, "a", "1");
    wait_for_content(&project, &watch, "1");
    watch.stop("INT");
}

#[test]
fn a_tag_that_moved_during_a_failing_build_is_taken_back() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    // From memory, which a busy machine may choose, a failing `assemble` runs twice, and would be held twice.
    let watch = project.watch(&builder).args(&["--source-in", "layer"]).start_watch();
    project.write("fail", "1");
    project.write("hold", "1");
    watch.wait_for_message("output", "holding");
    docker(&["tag", BASE, &project.tag]);
    watch.release_assemble();
    watch.wait_for("a build that fails", |_| watch.statuses().iter().any(|status| status == "failed"));
    fs::remove_file(project.path().join("fail")).unwrap();
    fs::remove_file(project.path().join("hold")).unwrap();
    wait_for_content(&project, &watch, "1");
    watch.stop("INT");
}

#[test]
fn what_happened_to_tag_and_builder_while_the_engine_was_away_is_found_out() {
    let proxy = EngineProxy::new();
    let first = holding_builder().make();
    let second = holding_builder().file("app/marker", 0o644, "second").make();
    let name = unique_name("moved-meanwhile");
    docker(&["tag", first.name(), &name]);
    let project = Project::new().file("a", "1");
    let run = project.watch(&first).builder(&name).env("DOCKER_HOST", proxy.docker_host());
    let watch = run.start_watch();
    proxy.disconnect();
    watch.wait_for_message("warning", "the engine does not answer");
    docker(&["tag", second.name(), &name]);
    docker(&["tag", BASE, &project.tag]);
    proxy.reconnect();
    watch.wait_for("the other builder's image", |_| {
        project.image().has("/app/marker") && project.image_file("marker") == "second"
    });
    watch.stop("INT");
    docker(&["image", "rm", &name]);
}

#[test]
fn keys_that_were_typed_ahead_acted_one_key_late() {
    let builder = holding_builder().make();
    let project = Project::new().file("a", "1");
    let line = project.watch_line(&builder, "");
    let mut terminal = Terminal::start(&line, project.temp_dir());
    terminal.wait_for("build ok:", 1);
    terminal.press("?r");
    terminal.wait_for("q quit", 1);
    terminal.wait_for("build ok:", 2);
    terminal.press("?q");
    terminal.wait_for("q quit", 2);
    terminal.wait_for("watch ended:", 1);
    wait_for("nothing left", || builder.containers().is_empty());
}

/// A line for a terminal that runs another one in the background of a shell, and brings it to the foreground at a line feed.
fn background_line(project: &Project, shell: &str, line: &str) -> String {
    let script = project.temp_dir().join("background");
    std::fs::write(&script, format!("set -m\n{line} &\necho in background\nread line\nfg\necho after\n")).unwrap();
    format!("{shell} {}", script.display())
}

#[test]
fn a_watch_from_the_background_had_no_keys_in_the_foreground() {
    let builder = holding_builder().make();
    let project = Project::new().file("a", "1");
    // Only one of them tells a running job that it is in the foreground.
    for shell in ["dash", "bash"] {
        project.write("a", shell);
        let line = background_line(&project, shell, &project.watch_line(&builder, ""));
        let mut terminal = Terminal::start(&line, project.temp_dir());
        terminal.wait_for("minis2i: build ok:", 1);
        let drawn = ["\u{1b}[2K", "\r\u{1b}", "starting the build container", "assembling"];
        assert!(!drawn.iter().any(|text| terminal.shown().contains(text)), "a spinner:\n{}", terminal.shown());
        terminal.press("\nr");
        terminal.wait_for("minis2i: build ok:", 2);
        terminal.press("q");
        terminal.wait_for("after", 1);
        assert!(terminal.shown().contains("\u{1b}[2K"), "no spinner:\n{}", terminal.shown());
    }
    wait_for("nothing left", || builder.containers().is_empty());
}

#[test]
fn a_stopped_watch_left_the_terminal_without_echo() {
    let builder = holding_builder().make();
    let project = Project::new().file("a", "1");
    let watch = project.watch_line(&builder, "");
    // A shell with jobs, which goes on when its foreground job is stopped.
    let line = format!(
        "set -m; echo before $(stty -g).; {watch}; echo stopped $(stty -g).; read line; fg; echo after $(stty -g)."
    );
    let mut terminal = Terminal::start(&line, project.temp_dir());
    terminal.wait_for("build ok:", 1);
    terminal.wait_for("`?` lists keys", 1);
    terminal.press("\x1a");
    terminal.wait_for("stopped ", 1);
    // A save of meanwhile is built when it goes on.
    project.write("a", "2");
    terminal.press("\n");
    terminal.wait_for("build ok:", 2);
    terminal.press("r");
    terminal.wait_for("build ok:", 3);
    terminal.press("q");
    terminal.wait_for("after ", 1);
    let mode = |name: &str| {
        let shown = terminal.shown();
        let (_, rest) = shown.rsplit_once(name).unwrap();
        rest.split_once('.').unwrap().0.to_owned()
    };
    wait_for("the terminal's mode", || terminal.shown().rsplit_once("after ").unwrap().1.contains('.'));
    assert_eq!([mode("stopped "), mode("after ")], [mode("before "), mode("before ")], "{}", terminal.shown());
    wait_for("nothing left", || builder.containers().is_empty());
}
