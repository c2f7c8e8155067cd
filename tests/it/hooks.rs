//! Hooks of a watch: the commands of `--on-success` and `--on-failure`.

use std::fs;
use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use crate::support::exit_status::USAGE;
use crate::support::holding_builder::shared_holding_builder;
use crate::support::project::Project;
use crate::support::run::Run;
use crate::support::terminal::Terminal;
use crate::support::wait::{END_TIMEOUT, POLL, wait_for, wait_until};
use crate::support::watch_session::WatchSession;

/// What the hooks printed so far: the number of the build and the text of each line.
fn hook_lines(watch: &WatchSession) -> Vec<(u64, String)> {
    let lines = watch.with_reason("hook-output").into_iter();
    lines.map(|line| (line["build"].as_u64().unwrap(), line["text"].as_str().unwrap().to_owned())).collect()
}

#[track_caller]
fn wait_for_lines(watch: &WatchSession, count: usize) -> Vec<(u64, String)> {
    watch.wait_for(&format!("{count} lines of hooks"), |_| hook_lines(watch).len() >= count);
    hook_lines(watch)
}

/// Whether the process is there whose number is in the file.
fn is_running(file: &Path) -> bool {
    let number: i32 = fs::read_to_string(file).unwrap().trim().parse().unwrap();
    let state = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    // One that its parent has not reaped has ended.
    state.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

/// Waits until the file has a line.
#[track_caller]
fn wait_for_file(file: &Path) {
    let has_line = || fs::read_to_string(file).is_ok_and(|text| text.ends_with('\n'));
    wait_until(POLL, has_line, || format!("{} was never written", file.display()));
}

#[test]
fn hooks_are_told_what_was_built() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1").file("folder/b", "1");
    let command = "echo \"$MINIS2I_TAG $MINIS2I_BUILD $MINIS2I_STATUS [$MINIS2I_IMAGE]\"; \
                   echo $MINIS2I_CHANGED + $MINIS2I_CHANGED_MORE; \
                   case $MINIS2I_SECONDS in *.???) ;; *) echo \"$MINIS2I_SECONDS\";; esac";
    let run = project.watch(&builder).args(&["--on-success", command, "--on-failure", command]);
    let watch = run.start_watch();
    let tag = &project.tag;
    let first = format!("{tag} 1 ok [{}]", project.id().unwrap());
    assert_eq!(wait_for_lines(&watch, 2), [(1, first), (1, "+ 0".to_owned())]);
    project.write("folder/b", "2");
    watch.wait_for_build(2);
    wait_for_lines(&watch, 4);
    project.write("fail", "");
    watch.wait_for_build(3);
    wait_for_lines(&watch, 6);
    // What a build that failed was made of is in no image, so the next one changes it, too.
    project.write("a", "2");
    watch.wait_for_build(4);
    let lines = wait_for_lines(&watch, 8);
    assert_eq!(lines[3], (2, "folder/b + 0".to_owned()));
    assert_eq!(lines[4..6], [(3, format!("{tag} 3 failed []")), (3, "fail + 0".to_owned())]);
    assert_eq!(lines[7], (4, "a fail + 0".to_owned()));
    watch.stop("INT");
}

#[test]
fn hooks_run_where_the_user_is_and_without_input() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let run = project.watch(&builder).current_dir(project.temp_dir()).arg("--on-success").arg("pwd; cat; echo end");
    let watch = run.start_watch();
    let folder = project.temp_dir().canonicalize().unwrap().display().to_string();
    assert_eq!(wait_for_lines(&watch, 2), [(1, folder), (1, "end".to_owned())]);
    watch.stop("INT");
}

#[test]
fn a_hook_that_fails_is_a_warning_after_its_output() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let command = "echo one; echo two >&2; printf three; [ $MINIS2I_BUILD = 1 ] && exit 7; kill -9 $$";
    let watch = project.watch(&builder).args(&["--on-success", command]).start_watch();
    let warning = "the command of `--on-success` for build 1 exited with status 7";
    watch.wait_for_message("warning", warning);
    let all = watch.messages();
    let of_hook = |it: &&Value| it["reason"] == "hook-output" || it["reason"] == "warning";
    let said: Vec<_> = all.iter().filter(of_hook).map(|it| it["text"].as_str().or(it["message"].as_str())).collect();
    assert_eq!(said, [Some("one"), Some("two"), Some("three"), Some(warning)]);
    watch.build_after(|| project.write("a", "2"));
    watch.wait_for_message("warning", "for build 2 was ended by signal 9");
    watch.stop("INT");
}

#[test]
fn a_newer_build_ends_the_hook_that_runs() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let pid = project.temp_dir().join("pid");
    let command = format!(
        "[ $MINIS2I_BUILD = 1 ] || {{ echo next; exit; }}; sh -c 'echo $$ > {pid}; exec sleep 1000' & \
         trap 'echo asked; exit' TERM; while :; do sleep 0.1; done",
        pid = pid.display()
    );
    let watch = project.watch(&builder).args(&["--on-success", &command]).start_watch();
    wait_for_file(&pid);
    watch.build_after(|| project.write("a", "2"));
    watch.wait_for_message("hook-output", "next");
    // The shell itself may say that what it started was ended.
    let lines: Vec<_> = hook_lines(&watch).into_iter().filter(|(_, text)| text != "Terminated").collect();
    assert_eq!(lines, [(1, "asked".to_owned()), (2, "next".to_owned())]);
    assert!(!is_running(&pid), "what the hook started");
    assert_eq!(watch.with_reason("warning"), [Value::Null; 0]);
    watch.stop("INT");
}

#[test]
fn a_hook_that_does_not_heed_term_is_killed() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let command =
        "[ $MINIS2I_BUILD = 1 ] || { echo next; exit; }; trap '' TERM; echo deaf; while :; do sleep 0.1; done";
    let watch = project.watch(&builder).args(&["--on-success", command]).start_watch();
    wait_for_lines(&watch, 1);
    watch.build_after(|| project.write("a", "2"));
    watch.wait_for_message("warning", "for build 1 was asked to end (TERM), did not within 5 s, and was killed");
    assert_eq!(wait_for_lines(&watch, 2)[1], (2, "next".to_owned()));
    watch.stop("INT");
}

#[test]
fn queued_hooks_run_for_each_build_in_turn() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let go = project.temp_dir().join("go");
    let command = format!("echo begin; while [ ! -e {} ]; do sleep 0.05; done; echo end", go.display());
    let run = project.watch(&builder).args(&["--hook-busy", "queue", "--on-success", &command]);
    let watch = run.start_watch();
    wait_for_lines(&watch, 1);
    watch.build_after(|| project.write("a", "2"));
    watch.build_after(|| project.write("a", "3"));
    assert_eq!(hook_lines(&watch).len(), 1);
    fs::write(&go, "").unwrap();
    let lines = wait_for_lines(&watch, 6);
    let expected: Vec<_> = (1..=3).flat_map(|build| [(build, "begin".to_owned()), (build, "end".to_owned())]).collect();
    assert_eq!(lines, expected);
    watch.stop("INT");
}

#[test]
fn the_end_of_the_watch_ends_a_hook_whatever_it_does() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    for deaf in ["", "trap '' TERM INT HUP;"] {
        let pid = project.temp_dir().join("pid");
        let command = format!(
            "{deaf} sh -c 'echo $$ > {pid}; exec sleep 1000'; while :; do sleep 0.1; done",
            pid = pid.display()
        );
        let watch = project.watch(&builder).args(&["--on-success", &command]).start_watch();
        // The second watch finds the image of the first.
        if !deaf.is_empty() {
            watch.build_after(|| project.write("a", "2"));
        }
        wait_for_file(&pid);
        let begin = Instant::now();
        let outcome = watch.stop("INT").status(130);
        assert!(begin.elapsed() < END_TIMEOUT, "{outcome}");
        wait_for("the end of what the hook started", || !is_running(&pid));
        fs::remove_file(&pid).unwrap();
    }
}

#[test]
fn a_hook_that_saves_into_the_source_is_told_of_once_and_the_watch_goes_on() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let command = format!("date +%N >'{}'/stamp", project.path().display());
    let watch = project.watch(&builder).args(&["--on-success", &command]).start_watch_at_once();
    let warning = "the command of `--on-success` changes what is built, and so starts the next build each time: stamp; \
                   have it write elsewhere, or leave that out of the source (`--exclude`, `.s2iignore`)";
    watch.wait_for_message("warning", warning);
    watch.wait_for_build(watch.builds_started() + 3);
    assert_eq!(watch.with_reason("warning").len(), 1, "{watch}");
    let all = watch.messages();
    let told = all.iter().position(|it| it["reason"] == "warning").unwrap();
    let builds = all[..told].iter().filter(|it| it["reason"] == "build-started").count();
    assert_eq!(builds, 3, "the first build, and two that it started: {watch}");
    watch.stop("INT");
}

#[test]
fn a_hook_that_wants_the_terminal_is_killed() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let line = project.watch_line(&builder, "--on-success 'read answer < /dev/tty'");
    let mut terminal = Terminal::start(&line, project.temp_dir());
    terminal.wait_for("wanted to use the terminal and was killed; a hook has no input", 1);
    terminal.press("q");
    terminal.wait_for("minis2i: watch ended:", 1);
}

#[test]
fn lines_of_hooks_are_marked_in_the_text() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let command = "printf 'one\\ntwo'";
    let watch = project.watch_as_text(&builder).args(&["--on-success", command]).start();
    watch.wait_for_stderr("hook | one\nhook | two\n");
    watch.signal("INT");
    watch.end().status(130);
}

#[test]
fn an_empty_hook_is_an_error() {
    let outcome = Run::new().args(&["watch", "--on-success", "", "source", "builder", "app"]).run().status(USAGE);
    outcome.says("--on-success");
}
