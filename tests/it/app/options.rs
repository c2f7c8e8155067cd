//! What the app's container gets, and what is refused.

use std::net::TcpListener;

use super::fixtures::{get, shared_web_builder};
use crate::support::exit_status::USAGE;
use crate::support::project::Project;

#[test]
fn variables_are_the_apps_alone_and_a_file_is_read_at_each_start() {
    let builder = shared_web_builder();
    let project = Project::new().file("index.html", "1");
    let file = project.temp_dir().join("variables");
    std::fs::write(&file, "FROM_FILE=1\n").unwrap();
    let options = ["--run", "-p", "127.0.0.1::8080", "--run-env", "GIVEN=x", "--run-env-file", file.to_str().unwrap()];
    let watch = project.watch(&builder).args(&options).start_watch();
    let url = watch.wait_for_app(1);
    let variable = |name: &str| get(&url, &format!("/env/{name}")).unwrap();
    assert_eq!((variable("GIVEN").as_str(), variable("FROM_FILE").as_str()), ("x", "1"));
    assert!(!project.image().config()["Env"].to_string().contains("GIVEN"));
    std::fs::write(&file, "FROM_FILE=2\n").unwrap();
    watch.build_after(|| project.write("index.html", "2"));
    watch.wait_for_app(2);
    assert_eq!(variable("FROM_FILE"), "2");
    watch.stop("INT");
}

#[test]
fn what_makes_no_sense_is_refused_with_a_cure() {
    let builder = shared_web_builder();
    let project = Project::new().file("index.html", "1");
    for (options, says) in [
        (&["--run", "--run-option=--name=x"][..], "--network-alias"),
        (&["--run", "--run-option=-d"], "leave it out"),
        (&["--run", "--run-option=--rm"], "leave it out"),
        (&["--run", "-p", "1-2:1-2"], "of its own"),
        (&["--run", "--ready-url", "/x"], "--publish"),
        (&["--run", "--run-network", "none", "-p", "1:1"], "another network"),
        (&["-p", "1:1"], "--run"),
    ] {
        project.watch_as_text(&builder).args(options).run().status(USAGE).says(says);
    }
}

#[test]
fn a_port_in_use_is_an_error_at_the_start() {
    let builder = shared_web_builder();
    let project = Project::new().file("index.html", "1");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let publish = format!("{}:8080", taken.local_addr().unwrap().port());
    let outcome = project.watch_as_text(&builder).args(&["--run", "-p", &publish]).run();
    outcome.status(USAGE).says(&std::process::id().to_string()).says("hint: ");
    assert_eq!(project.id(), None);
}

#[test]
fn a_single_build_takes_the_ports_and_the_options_too() {
    let builder = shared_web_builder();
    let project = Project::new().file("index.html", "1").file("exit", "5");
    let options = ["--run", "-p", "127.0.0.1::8080", "--run-env", "A=1"];
    project.build(&builder).args(&options).run().status(5).says("something is wrong");
}
