//! When an app is ready.

use super::fixtures::{shared_web_builder, web_builder};
use crate::support::engine::try_docker;
use crate::support::project::Project;

#[test]
fn a_health_check_decides_where_there_is_one() {
    let builder = web_builder().make().build_on("HEALTHCHECK CMD test -e /tmp/healthy");
    let project = Project::new().file("index.html", "1");
    let watch = project.watch(&builder).args(&["--run", "-p", "127.0.0.1::8080"]).start_watch();
    watch.wait_for_message("app-output", "listening");
    assert_eq!(watch.with_reason("app-ready").len(), 0, "{watch}");
    watch.containers().iter().for_each(|name| drop(try_docker(&["exec", name, "touch", "/tmp/healthy"])));
    let url = watch.wait_for_app(1);
    watch.wait_for_page(&url, "1");
    watch.stop("INT");
}

#[test]
fn a_url_of_the_new_app_decides_where_one_is_given() {
    let builder = shared_web_builder();
    let project = Project::new().file("index.html", "1");
    let watch = |url: &str| {
        let options = ["--run", "-p", "127.0.0.1::8080", "--ready-timeout", "3s", "--ready-url", url];
        project.watch(&builder).args(&options).start_watch()
    };
    let good = watch("http://127.0.0.1:8080/health");
    good.wait_for_app(1);
    good.stop("INT");
    let bad = watch("/missing");
    bad.wait_for_message("app-failed", "it answers /missing with 404");
    bad.stop("INT");
}

#[test]
fn an_app_without_ports_is_ready_when_it_still_runs() {
    let builder = shared_web_builder();
    let project = Project::new().file("index.html", "1");
    let watch = project.watch(&builder).arg("--run").start_watch();
    assert_eq!(watch.wait_for_app(1), "");
    watch.stop("INT");
}
