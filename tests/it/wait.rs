//! `minis2i wait`: asking the watch of a tag for an image of the source as it is now.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use crate::support::engine::{docker, try_docker, unique_name};
use crate::support::engine_proxy::EngineProxy;
use crate::support::exit_status::{ENGINE, SIGNALS, USAGE};
use crate::support::holding_builder::shared_holding_builder;
use crate::support::json_messages::assert_schema;
use crate::support::project::Project;
use crate::support::run::Run;
use crate::support::terminal::Terminal;
use crate::support::wait::wait_for;

/// A `minis2i wait` for the project's tag, to be given options and run.
fn wait(project: &Project) -> Run {
    Run::new().env("TMPDIR", project.temp_dir()).args(&["wait", &project.tag])
}

/// The sockets in the project's folder for locks.
fn sockets(project: &Project) -> Vec<PathBuf> {
    let folders = fs::read_dir(project.temp_dir()).unwrap().flatten().map(|item| item.path());
    let locks = folders.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("minis2i"));
    let files = locks.flat_map(|folder| fs::read_dir(folder).unwrap().flatten().map(|item| item.path()));
    files.filter(|path| path.extension().is_some_and(|end| end == "sock")).collect()
}

#[test]
fn a_save_just_before_counts_and_the_id_is_all_on_stdout() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "0");
    // Without events, only the look that `wait` asks for sees a save in time.
    let watch = project.watch(&builder).arg("--poll=1h").start_watch();
    for number in 1..4 {
        project.write("a", &number.to_string());
        let outcome = wait(&project).success().says("minis2i: up to date: ");
        assert_eq!(outcome.stdout.trim(), project.id().unwrap());
        assert_eq!(project.image_file("a"), number.to_string());
    }
    // Nothing changed: the same image, without a build or a word.
    let (builds, skipped) = (watch.builds_started(), watch.with_reason("skipped").len());
    let id = project.id().unwrap();
    assert_eq!(wait(&project).arg("-q").success().never_says("minis2i:").stdout.trim(), id);
    assert_eq!((watch.builds_started(), watch.with_reason("skipped").len()), (builds, skipped));
    let outcome = wait(&project).args(&["--message-format", "json"]).success();
    assert_schema(&outcome.json());
    assert_eq!(outcome.json()[0]["image"], id.as_str());
    assert_eq!(outcome.stderr, "");
    watch.stop("INT");
}

#[test]
fn many_waiters_get_the_image_of_one_build() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    let before = watch.builds_started();
    project.write("hold", "");
    let waiters: Vec<_> = (0..12).map(|_| wait(&project).start()).collect();
    watch.wait_for_message("output", "holding");
    watch.release_assemble();
    let ids: Vec<_> = waiters.into_iter().map(|waiter| waiter.end().status(0).stdout).collect();
    assert!(ids.iter().all(|id| id.trim() == project.id().unwrap()), "{ids:?}");
    assert_eq!(watch.builds_started(), before + 1, "{watch}");
    watch.stop("INT");
}

#[test]
fn a_failed_build_is_told_with_its_status_until_it_is_mended() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    let good = project.id();
    project.write("fail", "");
    for _ in 0..2 {
        let failed =
            wait(&project).run().status(9).says("the newest build of").says("`assemble` failed with exit status 9");
        assert_eq!(failed.stdout, "");
    }
    assert_eq!(project.id(), good);
    fs::remove_file(project.path().join("fail")).unwrap();
    assert_eq!(wait(&project).success().stdout.trim(), project.id().unwrap());
    watch.stop("INT");
}

#[test]
fn the_image_gets_the_names_that_are_asked_for() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    let names = [unique_name("one"), unique_name("two")];
    project.write("a", "2");
    let outcome = wait(&project).args(&["--tag", &names[0], "--tag", &names[1]]).success();
    for name in &names {
        assert_eq!(docker(&["image", "inspect", "--format", "{{.Id}}", name]), outcome.stdout.trim());
        try_docker(&["image", "rm", name]);
    }
    wait(&project).args(&["--tag", &project.tag]).run().status(USAGE).says("leave out `--tag`");
    watch.stop("INT");
}

#[test]
fn a_watch_through_another_address_of_the_engine_is_found() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    let proxy = EngineProxy::new();
    let outcome = wait(&project).env("DOCKER_HOST", proxy.docker_host()).success();
    assert_eq!(outcome.stdout.trim(), project.id().unwrap());
    watch.stop("INT");
}

#[test]
fn a_tag_that_another_program_moved_is_taken_back_first() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    let ready = watch.with_reason("standby-ready").len();
    docker(&["tag", builder.name(), &project.tag]);
    watch.wait_for("the watch sees the move", |all| {
        all.iter().filter(|it| it["reason"] == "standby-ready").count() > ready
    });
    assert_eq!(wait(&project).success().stdout.trim(), project.id().unwrap());
    assert_eq!(project.image_file("a"), "1");
    watch.stop("INT");
}

#[test]
fn without_a_watch_the_error_says_how_to_start_one() {
    let project = Project::new().file("a", "1");
    let outcome = wait(&project).run().status(USAGE);
    outcome
        .says(&format!("no watch of `{}` runs", project.tag))
        .says("hint: start one (`minis2i watch SOURCE BUILDER ");
}

#[test]
fn a_waiter_is_let_go_by_its_time_limit_a_signal_or_the_end_of_the_watch() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    project.write("hold", "");
    watch.wait_for_message("output", "holding");
    wait(&project).args(&["--timeout", "100ms"]).run().status(ENGINE).says("was not up to date in time");
    for (signal, status) in SIGNALS {
        let waiter = wait(&project).start();
        // A signal that comes before it has asked, or is ready for signals, ends it as well.
        waiter.signal(signal);
        let ended = waiter.end();
        assert!(ended.status == Some(status) || ended.status.is_none(), "{ended}");
    }
    let waiter = wait(&project).start();
    std::thread::scope(|scope| {
        let ended = scope.spawn(|| waiter.end());
        watch.stop("INT");
        let ended = ended.join().unwrap();
        assert!(matches!(ended.status, Some(USAGE | ENGINE)), "{ended}");
    });
    assert_eq!(sockets(&project), Vec::<PathBuf>::new());
}

#[test]
fn a_paused_watch_says_so_if_a_build_is_needed() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let line = format!("env -u XDG_RUNTIME_DIR {}", project.watch_line(&builder, ""));
    let mut terminal = Terminal::start(&line, project.temp_dir());
    terminal.wait_for("build ok:", 1);
    terminal.press("p");
    terminal.wait_for("paused", 1);
    wait(&project).success();
    project.write("a", "2");
    wait(&project).run().status(ENGINE).says("is paused").says("hint: resume it");
    terminal.press("p");
    assert_eq!(wait(&project).success().stdout.trim(), project.id().unwrap());
    assert_eq!(project.image_file("a"), "2");
    terminal.press("q");
    terminal.wait_for("watch ended:", 1);
}

#[test]
fn the_socket_is_the_users_alone_takes_any_bytes_and_goes_after_a_kill() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    let own = sockets(&project);
    assert!(!own.is_empty());
    for path in &own {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        let _silent = UnixStream::connect(path).unwrap();
        let mut odd = UnixStream::connect(path).unwrap();
        // The watch may close before it has taken all of it.
        let _ = odd.write_all(&[b'{'; 100_000]);
        let mut answer = String::new();
        let _ = odd.read_to_string(&mut answer);
        assert!(answer.is_empty() || answer.contains("\"status\":\"not-understood\""), "{answer}");
    }
    wait(&project).success();
    watch.signal("KILL");
    drop(watch);
    wait(&project).run().status(USAGE).says("no watch of");
    // The next run sweeps, in the background of its build.
    let other = Project::new().file("a", "1");
    other.build(&builder).env("TMPDIR", project.temp_dir()).success();
    wait_for("no socket", || sockets(&project).is_empty());
}
