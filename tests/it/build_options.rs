//! The options of `build` that other files do not test.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use crate::support::builder::Builder;
use crate::support::engine::{docker, unique_name};
use crate::support::outcome::Outcome;
use crate::support::project::Project;
use crate::support::run::Run;
use crate::support::stand_in_cli::StandInCli;
use crate::support::wait::wait_for;

// Containers.

/// The commands that started containers, as the engine's CLI got them.
fn started(log: &StandInCli) -> Vec<String> {
    log.read("log").lines().filter(|line| line.starts_with("run ")).map(str::to_owned).collect()
}

#[test]
fn options_for_containers_reach_both_of_them() {
    let log = StandInCli::logging();
    let builder = Builder::shared_evaluating();
    let project = Project::new().file("a", "");
    let look = "grep CapEff: /proc/self/status; grep far /etc/hosts; cat /cache/note; echo seen >/cache/own";
    let cache = project.temp_dir().join("cache");
    fs::create_dir(&cache).unwrap();
    fs::write(cache.join("note"), "noted\n").unwrap();
    let options = |run: Run| {
        run.args(&["--volume", "./cache:/cache", "--network", "none", "--add-host", "far:10.1.2.3"])
            .args(&["--cap-drop", "NET_RAW,CHOWN", "--cap-drop=KILL", "--engine", &log.path()])
            .current_dir(project.temp_dir())
    };
    let outcome = options(project.build(&builder)).assemble(look).save("cat /cache/own >&2").success();
    assert!(outcome.assemble_output().contains(&"10.1.2.3\tfar"), "{outcome}");
    assert!(outcome.assemble_output().contains(&"noted"), "{outcome}");
    let capabilities = outcome.assemble_output()[0].split_once('\t').unwrap().1;
    let (chown, kill, net_raw) = (1 << 0, 1 << 5, 1 << 13);
    assert_eq!(u64::from_str_radix(capabilities, 16).unwrap() & (chown | kill | net_raw), 0, "{outcome}");
    assert_eq!(fs::read_to_string(cache.join("own")).unwrap(), "seen\n");
    options(project.build(&builder)).assemble("true").success().says("seen\n");
    let runs = started(&log);
    assert_eq!(runs.len(), 3, "{runs:?}");
    for run in runs {
        for option in
            ["--network=none", "--add-host=far:10.1.2.3", "--cap-drop=NET_RAW", "--cap-drop=CHOWN", "--cap-drop=KILL"]
        {
            assert!(run.contains(option), "{option} is missing in {run}");
        }
    }
}

#[test]
fn a_volume_that_may_be_a_folder_or_not_is_refused() {
    let project = Project::new().file("cache/x", "");
    let run = project.build_with("none").args(&["-v", "cache:/cache"]).current_dir(&project.path());
    run.run().status(2).says("may be a folder or a named volume").says("hint: write `--volume ./cache:/cache`");
    let run = project.build_with("none").args(&["-v", "./none:/cache"]).current_dir(&project.path());
    run.run().status(2).says("there is no folder `./none` to mount").says("hint: ");
}

#[test]
fn v_without_a_volume_shows_the_commands_of_the_engine() {
    let project = Project::new().file("a", "");
    project.build_with("none").arg("-v").run().status(125).says("$ docker image inspect");
}

// Options of the reference that ask for what is done anyway.

#[test]
fn words_for_what_is_done_anyway_are_taken() {
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "1");
    let words = ["-c", "--copy", "--incremental", "--rm", "--keep-symlinks", "--pull-policy=never"];
    for run in [project.build(&builder), project.build(&builder)] {
        run.args(&words[1..]).arg("--incremental-pull-policy=never").success().never_says("note:");
    }
    project.build(&builder).arg(words[0]).success();
    for both in [["--incremental", "--no-incremental"], ["--keep-symlinks", "--follow-symlinks"], ["--copy", "--ref=x"]]
    {
        project.build(&builder).args(&both).run().status(2).says("cannot be used with");
    }
}

#[test]
fn a_temporary_folder_that_there_is_not_is_not_kept_silently() {
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "1");
    project.build(&builder).arg("--save-temp-dir").success().says("note: `--save-temp-dir` has nothing to keep");
}

#[test]
fn loglevels_above_zero_are_verbose() {
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "1");
    project.build(&builder).arg("--loglevel=0").success().never_says("$ docker");
    project.build(&builder).arg("--loglevel=5").success().says("$ docker");
    project.build(&builder).arg("--loglevel=6").run().status(2).says("0..=5");
}

// Names of images for people.

#[test]
fn the_image_is_called_for_people_what_they_want() {
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "1");
    project.build(&builder).args(&["-n", "my app", "--description", "it \"does\" $things"]).success();
    assert_eq!(project.image().label("io.k8s.display-name").unwrap(), "my app");
    assert_eq!(project.image().label("io.k8s.description").unwrap(), "it \"does\" $things");
    project.build(&builder).args(&["--application-name", "other"]).success();
    assert_eq!(project.image().label("io.k8s.display-name").unwrap(), "other");
    assert_eq!(project.image().label("io.k8s.description"), None);
}

// Pulling.

/// The engine's CLI with a `pull` that tags the builder where the name ends in `-pulled`, and fails otherwise.
fn pulling_cli(builder: &str) -> StandInCli {
    StandInCli::new(&format!(
        "echo \"$*\" >>\"$here/log\"\nif [ \"$1\" = pull ]; then\n  case $2 in *-pulled) echo layer one: done; \
         exec docker tag {builder} \"$2\" ;; esac\n  echo no such thing to pull >&2; exit 1\nfi\nexec docker \"$@\""
    ))
}

fn pulls(log: &StandInCli) -> usize {
    log.read("log").lines().filter(|line| line.starts_with("pull ")).count()
}

#[test]
fn the_builder_is_pulled_as_the_policy_says() {
    let builder = Builder::copying().make();
    let log = pulling_cli(builder.name());
    let project = Project::new().file("out", "1");
    let name = format!("{}-pulled", unique_name("builder"));
    let run = |policy: &str| project.build_with(&name).args(&["--engine", &log.path(), "--pull-policy", policy]);
    run("never").run().status(125).says("there is no builder image").says("--pull-policy if-not-present");
    assert_eq!(pulls(&log), 0);
    run("if-not-present").success().says("note: pulling `").says("layer one: done\n");
    run("if-not-present").success();
    assert_eq!(pulls(&log), 1);
    run("always").success();
    assert_eq!(pulls(&log), 2);
    docker(&["image", "rm", &name]);
}

#[test]
fn a_builder_that_can_not_be_pulled_is_an_error_in_the_engines_words() {
    let log = pulling_cli("none");
    let project = Project::new().file("out", "1");
    for policy in ["always", "if-not-present"] {
        let run = project.build_with("minis2i-none").args(&["--engine", &log.path(), "-p", policy]);
        let outcome = run.run().status(125).says("error: cannot pull the builder `minis2i-none`");
        outcome.says("no such thing to pull").says("hint: see that the name is right");
    }
}

#[test]
fn the_previous_image_is_pulled_as_the_policy_says() {
    let builder = Builder::evaluating().make();
    let first = Project::new().file("a", "");
    first.build(&builder).assemble("true").save("echo taken over >&2").success();
    let log = pulling_cli(&first.tag);
    let mut project = Project::new().file("a", "");
    let run = |project: &Project, policy: &str| {
        project.build(&builder).assemble("true").args(&["--engine", &log.path(), "--incremental-pull-policy", policy])
    };
    run(&project, "always").success().says("warning: cannot pull the previous image").says("no such thing to pull");
    docker(&["image", "rm", &project.tag]);
    project.tag.push_str("-pulled");
    run(&project, "never").success().never_says("taken over");
    docker(&["image", "rm", &project.tag]);
    run(&project, "if-not-present").success().says("taken over\n");
    run(&project, "if-not-present").success().never_says("taken over");
    run(&project, "always").success().says("taken over\n");
    let before = pulls(&log);
    run(&project, "always").arg("--no-incremental").success();
    assert_eq!(pulls(&log), before);
}

// Links.

/// A project with a folder beside its source, and links to that.
fn linked() -> Project {
    let project = Project::new().file("in/real", "real\n");
    fs::create_dir_all(project.temp_dir().join("beside/deep")).unwrap();
    fs::write(project.temp_dir().join("beside/deep/file"), "from beside\n").unwrap();
    for (target, link) in
        [("in/real", "near"), ("../beside/deep/file", "far"), ("../beside", "folder"), ("..", "in/loop")]
    {
        std::os::unix::fs::symlink(target, project.path().join(link)).unwrap();
    }
    project
}

fn kind(project: &Project, path: &str) -> char {
    project.image().files("/app").get(path.as_bytes()).map_or('-', |entry| entry.kind)
}

#[test]
fn links_stay_links_and_one_that_leaves_the_source_is_named() {
    let builder = Builder::copying().make();
    let project = linked();
    let outcome = project.build(&builder).success();
    outcome
        .says("warning: the link `far` -> `../beside/deep/file` points out of the source")
        .says("`--follow-symlinks`");
    for link in ["near", "far", "folder", "in/loop"] {
        assert_eq!(kind(&project, link), 'l', "{link}");
    }
    project.build(&builder).arg("--keep-symlinks").success().never_says("warning:");
    assert_eq!(kind(&project, "far"), 'l');
}

#[test]
fn followed_links_bring_what_they_point_to_but_for_loops() {
    let builder = Builder::copying().make();
    let project = linked();
    let outcome = project.build(&builder).arg("--follow-symlinks").success();
    outcome.says("warning: the link `in/loop` -> `..` is sent as a link").never_says("`far`");
    let files = project.image().files("/app");
    for (path, content) in [("near", "real\n"), ("far", "from beside\n"), ("folder/deep/file", "from beside\n")] {
        let entry = &files[path.as_bytes()];
        assert_eq!((entry.kind, entry.content.as_slice()), ('f', content.as_bytes()), "{path}");
    }
    assert_eq!((kind(&project, "folder"), kind(&project, "in/loop")), ('d', 'l'));
}

// Running the result.

/// A builder whose images run this shell text.
fn builder_that_runs(script: &str) -> Builder {
    Builder::copying().script("run", &format!("#!/bin/sh\n{script}\n")).instruction("EXPOSE 8080").make()
}

#[test]
fn the_result_is_run_and_its_status_is_ours() {
    let builder = builder_that_runs("echo up; echo down >&2; exit $(cat out)");
    let project = Project::new().file("out", "0");
    project.build(&builder).arg("--run").success().says("up\n").says("down\n");
    project.write("out", "7");
    let outcome = project.build(&builder).arg("--run").run().status(7);
    let outcome = outcome.says("minis2i: build ok:").says("error: `").says("ended with exit status 7");
    assert_eq!(outcome.stdout.trim(), project.id().unwrap());
    project.build(&builder).success().never_says("up\n");
    wait_for("all containers are removed", || builder.containers().is_empty());
}

/// Whether a process that cleans up after a build of the project still runs.
#[cfg(target_os = "linux")]
fn cleanup_is_running(project: &Project) -> bool {
    let locks = project.temp_dir().display().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| std::fs::read_to_string(process.path().join("cmdline")).ok());
    lines.filter(|line| line.contains("tidy-after-build")).any(|line| line.contains(&locks))
}

#[test]
fn a_signal_removes_the_container_of_the_result() {
    let builder = builder_that_runs("echo up; exec sleep 1000");
    let project = Project::new().file("out", "");
    let run = project.build(&builder).arg("--run").start();
    run.wait_for_stderr("port 8080/tcp is published as ");
    run.wait_for_stderr("up\n");
    #[cfg(target_os = "linux")]
    wait_for("the build is cleaned up", || !cleanup_is_running(&project));
    assert_eq!(builder.containers().len(), 1);
    run.signal("INT");
    run.end().status(130).says("was stopped");
    wait_for("all containers are removed", || builder.containers().is_empty());
    assert!(project.id().is_some());
}

// Callbacks.

/// A web server that answers one request with this status. The thread returns the head and the body of the request.
pub fn server(status: &'static str) -> (String, std::thread::JoinHandle<(String, serde_json::Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/done?build=1", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(reader.read_line(&mut head).unwrap(), 0, "{head}");
        }
        let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.expect("the length is known")];
        reader.read_exact(&mut body).unwrap();
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        (head, serde_json::from_slice(&body).unwrap())
    });
    (url, thread)
}

#[test]
fn a_callback_is_told_how_the_build_ended() {
    let builder = Builder::evaluating().make();
    let project = Project::new().file("a", "");
    let (url, server) = self::server("200 OK");
    project
        .build(&builder)
        .args(&["--callback-url", &url, "-n", "named"])
        .assemble("true")
        .success()
        .never_says("warning:");
    let (head, body) = server.join().unwrap();
    assert!(head.starts_with("POST /done?build=1 HTTP/1.1\r\n") && head.contains("application/json"), "{head}");
    assert_eq!((&body["success"], &body["labels"]["io.k8s.display-name"]), (&true.into(), &"named".into()), "{body}");
    let (url, server) = self::server("204 No Content");
    project.build(&builder).args(&["--callback-url", &url]).assemble("exit 4").run().status(4).never_says("warning:");
    assert_eq!(server.join().unwrap().1, serde_json::json!({"success": false, "labels": {}}));
}

#[test]
fn a_callback_that_can_not_be_told_is_a_warning() {
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "");
    let (url, server) = self::server("500 Oops");
    project.build(&builder).args(&["--callback-url", &url]).success().says("warning: the callback `").says("500");
    server.join().unwrap();
    let gone = { TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap() };
    let url = format!("http://me:password@{gone}/");
    let outcome = project.build(&builder).args(&["--callback-url", &url]).success();
    outcome.says(&format!("warning: the callback `http://{gone}/` could not be told")).never_says("password");
    project.build(&builder).args(&["--callback-url", "done"]).run().status(2).says("hint: it begins with `http://`");
}

#[test]
fn a_callback_is_told_of_each_build_of_a_watch() {
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "");
    let (url, server) = self::server("200 OK");
    let running = project.watch_as_text(&builder).args(&["--callback-url", &url]).start();
    assert_eq!(server.join().unwrap().1["success"], true);
    // The server has answered its one request and is gone.
    project.write("a", "2");
    running.wait_for_stderr("warning: the callback `");
    running.signal("INT");
    running.end().status(130);
}

// Keeping the image.

#[test]
fn if_changed_keeps_an_image_of_the_same_source_builder_and_options() {
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    let build = || project.build(&builder).arg("--if-changed");
    let first = build().success().says("build started:").says("build ok:");
    let kept = build().success().never_says("build started:").says("minis2i: no build:").says("minis2i: up to date:");
    assert_eq!(kept.stdout, first.stdout);
    assert_eq!(kept.stdout.trim(), project.id().unwrap());
    assert_eq!(build().arg("-q").success().stdout, first.stdout);
    for other in [build().args(&["-e", "X=1"]), project.build(&builder)] {
        assert_ne!(other.success().says("build ok:").stdout, first.stdout);
    }
    project.write("a", "2");
    build().success().says("build ok:");
    assert_eq!(project.image_file("a"), "2");
    assert!(builder.containers_of_builds().is_empty());
}

#[test]
fn what_a_build_prints_went_into_a_log_of_the_engine_too() {
    let builder = Builder::copying().script("save-artifacts", "#!/bin/sh\ntar -C /app -cf - a\n").make();
    let project = Project::new().file("a", "1");
    let logs = |outcome: Outcome| outcome.stderr.lines().filter(|line| line.contains("--log-driver=none")).count();
    assert_eq!(logs(project.build(&builder).arg("--verbose").success()), 1);
    assert_eq!(logs(project.build(&builder).arg("--verbose").success()), 2, "that of `save-artifacts` as well");
    let own = project.build(&builder).arg("--verbose").engine_options(&["--log-opt", "max-size=1m"]);
    assert_eq!(logs(own.success()), 0);
}
