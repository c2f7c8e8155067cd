//! What goes wrong leaves the old app in its place.

use super::fixtures::{get, shared_web_builder};
use crate::support::project::Project;

const RUN: [&str; 3] = ["--run", "-p", "127.0.0.1::8080"];

#[test]
fn a_build_that_fails_leaves_the_old_app() {
    let builder = shared_web_builder();
    let project = Project::new().file("index.html", "1");
    let watch = project.watch(&builder).args(&RUN).start_watch();
    let url = watch.wait_for_app(1);
    project.write("fail", "");
    assert_eq!(watch.wait_for_build(2)["status"], "failed");
    assert_eq!(get(&url, "/").unwrap(), "1");
    assert_eq!(watch.with_reason("app-ready").len(), 1, "{watch}");
    watch.stop("INT");
}

#[test]
fn an_app_that_exits_before_it_is_ready_leaves_the_old_one() {
    let builder = shared_web_builder();
    let project = Project::new().file("index.html", "1");
    let watch = project.watch(&builder).args(&RUN).start_watch();
    let url = watch.wait_for_app(1);
    watch.build_after(|| project.write("exit", "3"));
    let failed = watch.wait_for_message("app-failed", "status 3");
    assert_eq!(failed["app_status"], 3);
    let lines = failed["output"].as_array().unwrap();
    assert!(lines.contains(&"something is wrong".into()), "{failed}");
    assert_eq!(failed["serving"], watch.with_reason("app-ready")[0]["image"]);
    assert_eq!(get(&url, "/").unwrap(), "1");
    watch.build_after(|| std::fs::remove_file(project.path().join("exit")).unwrap());
    project.write("index.html", "3");
    watch.wait_for_page(&url, "3");
    watch.stop("INT");
}

#[test]
fn an_app_that_never_gets_ready_leaves_the_old_one() {
    let builder = shared_web_builder();
    let project = Project::new().file("index.html", "1");
    let watch = project.watch(&builder).args(&RUN).arg("--ready-timeout=3s").start_watch();
    let url = watch.wait_for_app(1);
    watch.build_after(|| project.write("never", ""));
    let failed = watch.wait_for_message("app-failed", "8080");
    assert_eq!(failed["why"], "after 3.0 s, nothing in it listens on port 8080", "{failed}");
    assert_eq!(get(&url, "/").unwrap(), "1");
    watch.stop("INT");
}

#[test]
fn an_app_that_listens_only_for_itself_is_named() {
    let builder = shared_web_builder();
    let project = Project::new().file("loopback", "");
    let watch = project.watch(&builder).args(&RUN).start_watch();
    let warning = watch.wait_for_message("warning", "127.0.0.1 of its own container");
    assert!(warning.to_string().contains(&project.tag), "{warning}");
    watch.stop("INT");
}

#[test]
fn an_app_that_exits_is_started_by_the_next_save() {
    let builder = shared_web_builder();
    let project = Project::new().file("index.html", "1");
    let watch = project.watch(&builder).args(&RUN).start_watch();
    let url = watch.wait_for_app(1);
    let _ = get(&url, "/exit/7");
    let exited = watch.wait_for_message("app-exited", "");
    assert_eq!((&exited["app_status"], exited["again"].is_null()), (&7.into(), true), "{exited}");
    watch.build_after(|| project.write("index.html", "2"));
    watch.wait_for_page(&url, "2");
    watch.stop("INT");
}

#[test]
fn an_app_that_exits_is_started_again_where_that_is_wanted() {
    let builder = shared_web_builder();
    let project = Project::new().file("index.html", "1");
    let watch = project.watch(&builder).args(&RUN).arg("--run-restart").start_watch();
    let url = watch.wait_for_app(1);
    let _ = get(&url, "/exit/7");
    let exited = watch.wait_for_message("app-exited", "");
    assert_eq!(exited["again"], 0.5, "{exited}");
    // The request waits for the next app.
    assert_eq!(get(&url, "/").unwrap(), "1");
    watch.wait_for_app(2);
    assert_eq!(watch.with_reason("app-ready")[1]["since"], "exit");
    watch.stop("INT");
}

#[test]
fn a_hook_runs_once_the_app_serves_and_an_app_that_fails_is_a_failure() {
    let builder = shared_web_builder();
    let project = Project::new().file("index.html", "1").file("delay", "300");
    let hook = "echo $MINIS2I_BUILD $MINIS2I_STATUS ${MINIS2I_IMAGE:+image}";
    let options = ["--run", "-p", "127.0.0.1::8080", "--on-success", hook, "--on-failure", hook];
    let watch = project.watch(&builder).args(&options).start_watch();
    let output = || watch.with_reason("hook-output").iter().map(|it| it["text"].clone()).collect::<Vec<_>>();
    watch.wait_for("the first hook", |_| output() == ["1 ok image"]);
    let reasons: Vec<_> = watch.messages().iter().map(|it| it["reason"].as_str().unwrap().to_owned()).collect();
    let place = |reason: &str| reasons.iter().position(|it| it == reason);
    assert!(place("app-ready").is_some() && place("app-ready") < place("hook-output"), "{watch}");
    watch.build_after(|| project.write("exit", "3"));
    watch.wait_for("the second hook", |_| output() == ["1 ok image", "2 failed image"]);
    watch.stop("INT");
}
