//! How the app ends with its watch, whatever ends that.

use super::fixtures::{get, shared_web_builder};
use crate::support::containers::containers_of_process;
use crate::support::project::Project;
use crate::support::terminal::Terminal;
use crate::support::wait::wait_for;

const RUN: [&str; 3] = ["--run", "-p", "127.0.0.1::8080"];

#[test]
fn any_signal_ends_the_app_too() {
    let builder = shared_web_builder();
    let project = Project::new().file("index.html", "1");
    for signal in ["INT", "TERM", "HUP"] {
        let watch = project.watch(&builder).args(&RUN).start_watch();
        watch.wait_for_app(1);
        // `stop` checks that no container is left.
        watch.stop(signal);
    }
}

#[test]
fn a_second_signal_kills_an_app_that_does_not_end() {
    let builder = crate::support::builder::Builder::copying()
        .script("run", "#!/bin/sh\ntrap '' TERM\necho up\nwhile :; do sleep 1; done\n")
        .make();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).args(&["--run", "--stop-timeout", "300s"]).start_watch();
    watch.wait_for_app(1);
    let id = watch.id();
    watch.signal("INT");
    wait_for("the standby to be removed", || watch.containers().len() == 1);
    watch.end_by("INT").status(130);
    wait_for("nothing left", || containers_of_process(id).is_empty());
}

#[test]
fn the_app_of_a_killed_watch_is_removed_by_the_next_run() {
    let builder = shared_web_builder();
    let project = Project::new().file("index.html", "1");
    let killed = project.watch(&builder).args(&RUN).start_watch();
    killed.wait_for_app(1);
    let id = killed.id();
    killed.end_by("KILL");
    assert!(!containers_of_process(id).is_empty());
    let next = project.watch(&builder).args(&RUN).start_watch();
    wait_for("the next run removes it", || containers_of_process(id).is_empty());
    next.wait_for_app(1);
    next.stop("INT");
}

#[test]
fn the_key_starts_the_app_again_and_output_is_marked() {
    let builder = shared_web_builder();
    let project = Project::new().file("index.html", "1");
    let line = project.watch_line(&builder, "--run -p 127.0.0.1::8080");
    let mut terminal = Terminal::start(&line, project.temp_dir());
    terminal.wait_for("minis2i: app ready:", 1);
    terminal.press("?");
    terminal.wait_for("a restart the app, o open it in the browser, r rebuild", 1);
    terminal.press("a");
    terminal.wait_for("s after it was asked for", 1);
    terminal.press("q");
    terminal.wait_for("minis2i: watch ended:", 1);
    assert!(terminal.shown().contains("listening"), "{}", terminal.shown());
}

#[test]
fn text_names_the_image_the_place_and_the_time() {
    let builder = shared_web_builder();
    let project = Project::new().file("index.html", "1");
    let watch = project.watch_as_text(&builder).args(&RUN).start();
    watch.wait_for_stderr("after the build began\n");
    let text = watch.stderr();
    let ready = text.lines().find(|line| line.starts_with("minis2i: app ready: ")).unwrap();
    let url = ready.split(" on ").nth(1).unwrap().split(',').next().unwrap();
    assert_eq!(get(url, "/").unwrap(), "1", "{ready}");
    assert!(text.contains("\napp | listening\n"), "{text}");
    let _ = get(url, "/exit/3");
    watch.wait_for_stderr("minis2i: app exited: status 3; ");
    watch.signal("INT");
    watch.end().status(130);
}
