//! A new app takes the place of the old one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::fixtures::{get, shared_web_builder};
use crate::support::engine::docker;
use crate::support::project::Project;
use crate::support::wait::wait_for;

#[test]
fn a_client_that_asks_all_the_time_sees_the_change_and_no_error() {
    let builder = shared_web_builder();
    let project = Project::new().file("index.html", "0");
    let watch = project.watch(&builder).args(&["--run", "-p", "127.0.0.1::8080"]).start_watch();
    let url = watch.wait_for_app(1);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let client = scope.spawn(|| {
            let mut seen = Vec::new();
            while !done.load(Ordering::Relaxed) {
                seen.push(get(&url, "/").map_err(|error| error.to_string()));
                std::thread::sleep(Duration::from_millis(5));
            }
            seen
        });
        for number in 1..6 {
            watch.build_after(|| project.write("index.html", &number.to_string()));
            watch.wait_for_app(number + 1);
            watch.wait_for_page(&url, &number.to_string());
        }
        done.store(true, Ordering::Relaxed);
        let seen = client.join().unwrap();
        let errors: Vec<_> = seen.iter().filter(|it| it.is_err()).collect();
        assert!(errors.is_empty(), "{errors:?}\n{watch}");
        let numbers: Vec<_> = seen.iter().map(|it| it.as_ref().unwrap()).collect();
        assert!(numbers.is_sorted(), "an old app answered after a new one: {numbers:?}");
    });
    let ready = &watch.with_reason("app-ready")[1];
    assert_eq!((&ready["since"], ready["image"].as_str().is_some()), (&"save".into(), true), "{ready}");
    // The old apps are gone, and so are their images.
    wait_for("one app and a standby", || watch.containers().len() == 2);
    let label = format!("label=io.github.minis2i.builder={}", builder.id());
    let images = || {
        let ids = docker(&["images", "--quiet", "--no-trunc", "--filter", &label, "--filter", "dangling=true"]);
        let own = watch.with_reason("build-finished");
        ids.lines().filter(|id| own.iter().any(|it| it["image"] == **id)).count()
    };
    wait_for("no old image", || images() == 0);
    watch.stop("INT");
}

#[test]
fn an_app_that_must_not_run_twice_stops_first_and_connections_wait() {
    let builder = shared_web_builder();
    let project = Project::new().file("index.html", "1").file("delay", "300");
    let options = ["--run", "-p", "127.0.0.1::8080", "--swap", "replace"];
    let watch = project.watch(&builder).args(&options).start_watch();
    let url = watch.wait_for_app(1);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let client = scope.spawn(|| {
            let mut errors = Vec::new();
            while !done.load(Ordering::Relaxed) {
                errors.extend(get(&url, "/").err());
                std::thread::sleep(Duration::from_millis(5));
            }
            errors
        });
        watch.build_after(|| project.write("index.html", "2"));
        watch.wait_for_app(2);
        watch.wait_for_page(&url, "2");
        done.store(true, Ordering::Relaxed);
        let errors = client.join().unwrap();
        assert!(errors.is_empty(), "{errors:?}\n{watch}");
    });
    watch.stop("INT");
}

#[test]
fn where_the_old_app_had_to_stop_it_is_started_again_when_the_new_one_fails() {
    let builder = shared_web_builder();
    let project = Project::new().file("index.html", "1");
    let options = ["--run", "-p", "127.0.0.1::8080", "--swap", "replace"];
    let watch = project.watch(&builder).args(&options).start_watch();
    let url = watch.wait_for_app(1);
    let first = watch.with_reason("app-ready")[0]["image"].clone();
    for failure in 1..3 {
        watch.build_after(|| project.write("exit", &failure.to_string()));
        watch.wait_for("a failure", |all| all.iter().filter(|it| it["reason"] == "app-failed").count() >= failure);
        let failed = watch.with_reason("app-failed").swap_remove(failure - 1);
        assert_eq!((&failed["serving"], &failed["again"]), (&serde_json::Value::Null, &first), "{watch}");
        watch.wait_for_app(failure + 1);
        let ready = watch.with_reason("app-ready").swap_remove(failure);
        assert_eq!((&ready["image"], &ready["since"], &ready["build"]), (&first, &"fallback".into(), &1.into()));
        assert_eq!(get(&url, "/").unwrap(), "1");
    }
    std::fs::remove_file(project.path().join("exit")).unwrap();
    project.write("index.html", "3");
    watch.wait_for_page(&url, "3");
    // The image that was run again is of no use any more.
    let images = || docker(&["images", "--quiet", "--no-trunc", "--filter", "dangling=true"]);
    wait_for("no old image", || !images().contains(first.as_str().unwrap()));
    wait_for("one app and a standby", || watch.containers().len() == 2);
    watch.stop("INT");
}

#[test]
fn a_connection_that_comes_before_the_app_waits_for_it() {
    let builder = shared_web_builder();
    let project = Project::new().file("index.html", "1").file("delay", "1000");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let publish = format!("{port}:8080");
    let watch = project.watch(&builder).args(&["--run", "-p", &publish]).start_watch();
    assert_eq!(get(&format!("http://127.0.0.1:{port}"), "/").unwrap(), "1", "{watch}");
    watch.wait_for_message("note", "only this machine can connect");
    watch.stop("TERM");
}
