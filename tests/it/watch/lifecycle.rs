//! A watch from its start to its end: one for a tag, with a standby or without, through crashes, signals and an engine
//! that goes away, on a terminal and elsewhere.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::support::builder::Builder;
use crate::support::containers::containers_of_process;
use crate::support::engine::{docker, try_docker};
use crate::support::engine_proxy::EngineProxy;
use crate::support::exit_status::SIGNALS;
use crate::support::holding_builder::{holding_builder, shared_holding_builder};
use crate::support::project::Project;
use crate::support::terminal::Terminal;
use crate::support::wait::{END_TIMEOUT, wait_for};
use crate::support::watch_session::WatchSession;

/// Stops the watch, which must end soon and with this status.
#[track_caller]
fn stop(watch: WatchSession, (signal, status): (&str, i32)) {
    let begin = Instant::now();
    let outcome = watch.stop(signal).status(status);
    assert!(begin.elapsed() < END_TIMEOUT, "{signal} took {:?}\n{outcome}", begin.elapsed());
}

#[test]
fn signals_end_an_idle_watch_and_leave_nothing() {
    let builder = holding_builder().make();
    let project = Project::new().file("a", "1");
    for signal in SIGNALS {
        let watch = project.watch(&builder).start_watch();
        watch.only_standby();
        stop(watch, signal);
        wait_for("nothing left", || builder.containers().is_empty());
    }
}

#[test]
fn signals_end_a_watch_that_builds_and_leave_nothing() {
    let builder = holding_builder().make();
    let project = Project::new().file("a", "1");
    for signal in SIGNALS {
        let watch = project.watch(&builder).start_watch();
        let before = project.id();
        project.write("hold", signal.0);
        watch.wait_for_message("output", "holding");
        stop(watch, signal);
        wait_for("nothing left", || builder.containers().is_empty());
        assert_eq!(project.id(), before);
        fs::remove_file(project.path().join("hold")).unwrap();
    }
}

#[test]
fn a_second_watch_of_a_tag_is_refused() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    let second = project.watch_as_text(&builder).run().status(2);
    second.says(&format!("is watched already, by process {}", watch.id()));
    // Another tag can be watched at the same time.
    let mut other = Project::new();
    other.tag = format!("{}-other", project.tag);
    other.write("a", "1");
    other.watch(&builder).env("TMPDIR", project.temp_dir()).start_watch().stop("INT");
    watch.stop("INT");
}

#[test]
fn a_second_watch_through_the_path_of_the_cli_moved_the_tag_of_the_first() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).args(&["--engine", "docker"]).start_watch();
    let search_path = std::env::var_os("PATH").unwrap();
    let path = std::env::split_paths(&search_path).map(|folder| folder.join("docker")).find(|path| path.exists());
    let path = path.unwrap();
    let link = project.temp_dir().join("my-docker");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for same in [path, link] {
        let second = project.watch_as_text(&builder).args(&["--engine", same.to_str().unwrap()]).run().status(2);
        second.says(&format!("is watched already, by process {}", watch.id()));
    }
    watch.stop("INT");
}

#[test]
fn a_second_watch_through_another_address_of_the_engine_moved_the_tag_of_the_first() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    let proxy = EngineProxy::new();
    let second = project.watch_as_text(&builder).env("DOCKER_HOST", proxy.docker_host()).run().status(2);
    second.says(&format!("is watched already, by process {}", watch.id()));
    watch.stop("INT");
}

#[test]
fn a_context_that_was_chosen_or_edited_elsewhere_moved_a_watch_to_another_engine() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let (proxy, config) = (EngineProxy::new(), tempfile::tempdir().unwrap());
    let context = |args: &[&str]| {
        let mut docker = Command::new("docker");
        docker.arg("context").args(args).env("DOCKER_CONFIG", config.path()).env_remove("DOCKER_HOST");
        assert!(
            docker.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success(),
            "{args:?}"
        );
    };
    let (here, nowhere) = (format!("host={}", proxy.docker_host()), "host=unix:///nowhere/engine");
    context(&["create", "here", "--docker", &here]);
    context(&["create", "elsewhere", "--docker", nowhere]);
    context(&["use", "here"]);
    let run = project.watch(&builder).env("DOCKER_CONFIG", config.path()).env("DOCKER_HOST", "");
    let watch = run.start_watch();
    context(&["use", "elsewhere"]);
    watch.build_after(|| project.write("a", "2"));
    context(&["update", "here", "--docker", nowhere]);
    watch.build_after(|| project.write("a", "3"));
    assert_eq!(project.image_file("a"), "3");
    watch.stop("INT");
}

#[test]
fn a_watch_that_was_killed_is_taken_over_and_its_standby_never_assembles() {
    let builder = Builder::new();
    let builder = builder.script("assemble", "#!/bin/sh\nset -e\ncp -a /tmp/src/. /app/\necho x >>/proof/log\n").make();
    let project = Project::new().file("a", "1");
    let proof = tempfile::tempdir().unwrap();
    let volume = format!("{}:/proof", proof.path().display());
    let watch = project.watch(&builder).engine_options(&["--volume", &volume]).start_watch();
    let id = watch.id();
    let standby = watch.only_standby();
    watch.signal("KILL");
    wait_for("the end of the standby", || {
        let running = try_docker(&["inspect", "--format", "{{.State.Running}}", &standby]);
        String::from_utf8_lossy(&running.stdout).trim() != "true"
    });
    assert_eq!(fs::read_to_string(proof.path().join("log")).unwrap(), "x\n");
    project.write("a", "2");
    let next = project.watch(&builder).engine_options(&["--volume", &volume]).start_watch();
    wait_for("nothing left of the first one", || containers_of_process(id).is_empty());
    assert_eq!(project.image_file("a"), "2");
    assert_eq!(fs::read_to_string(proof.path().join("log")).unwrap(), "x\nx\n");
    next.wait_for_message("note", "of a run that died");
    next.stop("INT");
}

#[test]
fn a_standby_that_is_removed_is_replaced() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    let ready = watch.with_reason("standby-ready").len();
    let lost = watch.only_standby();
    docker(&["rm", "-fv", &lost]);
    watch.wait_for("another standby", |all| all.iter().filter(|it| it["reason"] == "standby-ready").count() > ready);
    assert_ne!(watch.only_standby(), lost);
    let end = watch.build_after(|| project.write("a", "2"));
    assert_eq!((&end["standby"], project.image_file("a").as_str()), (&"used".into(), "2"));
    // A standby that is removed just before the save does no harm.
    watch.wait_for_standby();
    let lost = watch.only_standby();
    watch.build_after(|| {
        docker(&["rm", "-fv", &lost]);
        project.write("a", "3");
    });
    assert_eq!(project.image_file("a"), "3");
    watch.stop("INT");
}

#[test]
fn an_engine_that_goes_away_is_waited_for() {
    let proxy = EngineProxy::new();
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).env("DOCKER_HOST", proxy.docker_host()).start_watch();
    proxy.disconnect();
    watch.wait_for_message("warning", "the engine does not answer");
    project.write("a", "2");
    proxy.reconnect();
    watch.wait_for_message("note", "the engine is back");
    wait_for("the save of meanwhile", || {
        watch.statuses().len() > 1 && watch.statuses().last().is_some_and(|status| status == "ok")
    });
    assert_eq!(project.image_file("a"), "2");
    let warnings = watch.with_reason("warning");
    assert_eq!(warnings.iter().filter(|it| it.to_string().contains("does not answer")).count(), 1, "{watch}");
    watch.wait_for_standby();
    let end = watch.build_after(|| project.write("a", "3"));
    assert_eq!((&end["standby"], project.image_file("a").as_str()), (&"used".into(), "3"));
    // `stop` checks that the first standby, too, is removed, which lost its connection.
    watch.stop("INT");
}

#[test]
fn an_engine_that_goes_away_under_a_build_gets_it_again() {
    let proxy = EngineProxy::new();
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).env("DOCKER_HOST", proxy.docker_host()).start_watch();
    project.write("hold", "1");
    watch.wait_for_message("output", "holding");
    proxy.disconnect();
    watch.wait_for_message("warning", "the engine does not answer");
    watch.wait_for_build(2);
    fs::remove_file(project.path().join("hold")).unwrap();
    project.write("a", "2");
    proxy.reconnect();
    wait_for("the build of what is there now", || {
        let ends = watch.with_reason("build-finished");
        ends.len() > 2 && ends.last().unwrap()["status"] == "ok"
    });
    assert_eq!(watch.wait_until_idle(&project, "a"), watch.builds_started());
    assert_eq!(project.image_file("a"), "2");
    watch.stop("INT");
}

#[test]
fn a_mounted_source_is_built_with_a_standby() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1").file("b", "1");
    let watch = project.watch(&builder).arg("--mount").start_watch();
    let end = watch.build_after(|| project.write("a", "2"));
    assert_eq!((&end["standby"], project.image_file("a").as_str()), (&"used".into(), "2"));
    watch.wait_for_standby();
    watch.build_after(|| project.write("x/y", "1"));
    assert_eq!(watch.with_reason("build-started")[2]["changed"], serde_json::json!(["x/y"]), "{watch}");
    watch.wait_for_standby();
    watch.build_after(|| fs::remove_file(project.path().join("b")).unwrap());
    assert_eq!(watch.with_reason("build-started")[3]["changed"], serde_json::json!(["b"]), "{watch}");
    assert_eq!(project.app_files().into_keys().collect::<Vec<_>>(), ["", "a", "x", "x/y"]);
    // A mounted source was not read, so its contents are not known: the first touch of a file counts as a change.
    let builds = watch.wait_until_idle(&project, "a");
    assert!((4..=5).contains(&builds), "{watch}");
    watch.stop("INT");
}

#[test]
fn no_standby_means_no_container_at_rest() {
    let builder = holding_builder().make();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).arg("--no-standby").start_watch();
    let end = watch.build_after(|| project.write("a", "2"));
    assert_eq!(end["no_standby"], "`--no-standby` was given");
    wait_for("nothing left", || builder.containers().is_empty());
    watch.wait_until_idle(&project, "a");
    assert_eq!(builder.containers(), [""; 0]);
    assert_eq!(watch.with_reason("standby-ready").len(), 0);
    watch.stop("INT");
}

#[test]
fn a_source_over_the_limit_has_no_standby_and_is_told_why() {
    let builder = holding_builder().make();
    let project = Project::new().file("a", "1").file("big/data", &"x".repeat(50_000)).file("small/x", "1");
    let watch = project.watch(&builder).arg("--standby-limit=20kB").start_watch();
    let warning = watch.wait_for_message("warning", "--standby-limit");
    let text = warning["message"].as_str().unwrap();
    assert!(text.contains("the largest are big (48.83 KiB)"), "{text}");
    assert!(text.contains(".s2iignore") && text.contains("--mount"), "{text}");
    let end = watch.build_after(|| project.write("a", "2"));
    assert!(end["no_standby"].as_str().unwrap().contains("larger"), "{end}");
    watch.wait_until_idle(&project, "a");
    assert_eq!(watch.with_reason("warning").len(), 1, "{watch}");
    // Below the limit there is a standby again.
    watch.build_after(|| project.write("big/data", "1"));
    watch.wait_for_standby();
    watch.stop("INT");
}

#[test]
fn text_has_the_promised_beginnings_and_no_escapes() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let running = project.watch_as_text(&builder).start();
    let id = running.id();
    running.wait_for_stderr("minis2i: build ok:");
    project.write("a", "2");
    running.wait_for_stderr(": a changed\n");
    wait_for("the second build", || running.stderr().matches("minis2i: build ok:").count() == 2);
    project.write("a", "2");
    running.wait_for_stderr("minis2i: no build: what was saved has the same content as before\n");
    running.signal("INT");
    let outcome = running.end().status(130);
    wait_for("nothing left", || containers_of_process(id).is_empty());
    let beginnings: Vec<_> = outcome
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix("minis2i: ")?.split_once(':').map(|(what, _)| what.to_owned()))
        .collect();
    let round = ["build started", "build ok"];
    let expected = [&["watching"][..], &round, &round, &["no build", "watch ended"]].concat();
    assert_eq!(beginnings, expected, "{outcome}");
    assert!(!outcome.stderr.contains(['\x1b', '\r']), "{outcome}");
    assert_eq!(outcome.stdout.lines().last(), project.id().as_deref(), "{outcome}");
    let last = outcome.stderr.lines().last().unwrap();
    assert!(last.starts_with("minis2i: watch ended: 2 builds, 0 failed, 0 cancelled, fastest "), "{outcome}");
    assert!(outcome.stderr.contains(": the first build\n"), "{outcome}");
}

#[test]
fn keys_work_and_the_terminal_is_restored() {
    let save = "#!/bin/sh\nexec tar -cf - a\n";
    let builder = holding_builder().script("save-artifacts", save).make();
    let project = Project::new().file("a", "1");
    let watch = project.watch_line(&builder, "--clear");
    let line = format!("echo before $(stty -g); {watch}; echo status $?; echo after $(stty -g)");
    let mut terminal = Terminal::start(&line, project.temp_dir());
    terminal.wait_for("build ok:", 1);
    terminal.wait_for("`?` lists keys", 1);
    terminal.press("?");
    terminal.wait_for("r rebuild, c rebuild without artifacts, p pause and resume, q quit", 1);
    terminal.press("r");
    terminal.wait_for(": asked for\r\n", 1);
    terminal.wait_for("build ok:", 2);
    assert!(terminal.shown().contains("(incremental, on the artifacts of "), "{}", terminal.shown());
    terminal.press("c");
    terminal.wait_for("(clean): asked for, without artifacts", 1);
    terminal.wait_for("build ok:", 3);
    terminal.press("p");
    terminal.wait_for("paused", 1);
    project.write("a", "2");
    terminal.press("?");
    terminal.wait_for("q quit", 2);
    assert_eq!(terminal.shown().matches("build started:").count(), 3, "{}", terminal.shown());
    terminal.press("p");
    terminal.wait_for("build ok:", 4);
    assert_eq!(project.image_file("a"), "2");
    assert!(terminal.shown().contains("\x1b[2J"), "`--clear` clears nothing");
    terminal.press("q");
    terminal.wait_for("after ", 1);
    terminal.wait_for("status 0", 1);
    wait_for("the terminal's mode", || {
        let shown = terminal.shown();
        let mode = |name: &str| {
            let line = shown.lines().find_map(|line| line.split_once(name).map(|(_, rest)| rest.trim().to_owned()));
            line.filter(|mode| mode.len() > 20)
        };
        mode("after ").is_some() && mode("after ") == mode("before ")
    });
    wait_for("nothing left", || builder.containers().is_empty());
}

/// How many threads and open files a watch has.
fn threads_and_files(watch: &WatchSession) -> (usize, usize) {
    let count = |what: &str| fs::read_dir(format!("/proc/{}/{what}", watch.id())).unwrap().count();
    (count("task"), count("fd"))
}

#[test]
fn saving_again_and_again_makes_nothing_grow() {
    let builder = holding_builder().make();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).on_the_default_network().start_watch();
    let label = format!("label=io.github.minis2i.builder={}", builder.id());
    let images = || docker(&["images", "--quiet", "--no-trunc", "--filter", &label]).lines().count();
    let mut before = None;
    for number in 0..40 {
        watch.build_after(|| project.write("a", &format!("{number}.")));
        watch.wait_for_standby();
        // The first saves may still start threads and open files that then stay.
        if number == 4 {
            wait_for("cleaning up", || images() == 1 && watch.containers().len() == 1);
            before = Some(threads_and_files(&watch));
        }
    }
    wait_for("cleaning up", || images() == 1 && watch.containers().len() == 1);
    let (threads, files) = before.unwrap();
    wait_for("as many threads and files as before", || {
        let now = threads_and_files(&watch);
        // The look may come when a call of the engine is made, with a thread and two pipes.
        now.0 <= threads + 1 && now.1 <= files + 2
    });
    assert_eq!(project.image_file("a"), "39.");
    watch.stop("INT");
}
