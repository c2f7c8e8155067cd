//! What a build prints as text, and how much of it: its lines, the output of `assemble`, the exit status.

use std::process::Command;

use crate::support::builder::Builder;
use crate::support::engine::docker;
use crate::support::outcome::Outcome;
use crate::support::project::Project;
use crate::support::stand_in_cli::StandInCli;

/// Whether a text is a number with so many digits after the point.
fn is_decimal(text: &str, digits: usize) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    text.split_once('.').is_some_and(|(whole, rest)| is_number(whole) && is_number(rest) && rest.len() == digits)
}

#[test]
fn the_first_line_says_what_is_built() {
    let builder = Builder::assembling("true");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).success();
    let (tag, source, name) = (&project.tag, project.path(), builder.name());
    let expected = format!("minis2i: build started: {tag} from {} with {name} (clean)", source.display());
    assert_eq!(outcome.stderr.lines().next(), Some(&*expected), "{outcome}");
}

#[test]
fn the_last_line_has_the_id_the_tag_and_the_time_of_each_phase() {
    let builder = Builder::assembling("true");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).success();
    let id = project.id().unwrap();
    let short = &id.strip_prefix("sha256:").unwrap()[..12];
    let beginning = format!("minis2i: build ok: {} is {short}, ", project.tag);
    let rest = outcome.stderr.lines().last().unwrap().strip_prefix(&beginning);
    let rest = rest.unwrap_or_else(|| panic!("`{beginning}` is missing\n{outcome}"));
    let (total, phases) = rest.strip_suffix(')').unwrap().split_once(" s (").unwrap();
    assert!(is_decimal(total, 2), "{outcome}");
    let (names, times): (Vec<_>, Vec<_>) = phases.split(", ").map(|phase| phase.split_once(' ').unwrap()).unzip();
    // `clear` is listed only when it takes long enough to matter.
    let names: Vec<_> = names.into_iter().filter(|name| *name != "clear").collect();
    assert_eq!(names, ["start", "source", "assemble", "commit"]);
    assert!(times.iter().all(|time| is_decimal(time, 2)), "{outcome}");
}

#[test]
fn an_incremental_build_says_so_and_has_the_phase() {
    let builder = Builder::new()
        .script("assemble", "#!/bin/sh\ntouch /app/out\n")
        .script("save-artifacts", "#!/bin/sh\necho saving >&2\nexec tar -cf - out\n")
        .make();
    let project = Project::new().file("a", "1");
    project.build(&builder).success();
    let id = project.id().unwrap();
    let outcome = project.build(&builder).success().says("\nsaving\n").says(", artifacts 0.");
    outcome.says(&format!("(incremental, on the artifacts of {})\n", &id["sha256:".len()..][..12]));
}

#[test]
fn stdout_has_the_id_and_nothing_else() {
    let builder = Builder::assembling("echo to stdout; echo to stderr >&2");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).success();
    assert_eq!(outcome.stdout, format!("{}\n", project.id().unwrap()));
}

#[test]
fn both_streams_come_in_their_order() {
    let script = "i=0; while [ $i -lt 500 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done";
    let builder = Builder::assembling(script);
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).success();
    let expected: Vec<String> = (0..500).flat_map(|i| [format!("out {i}"), format!("err {i}")]).collect();
    assert_eq!(outcome.middle_lines(), expected);
}

#[test]
fn lines_keep_their_white_space() {
    let builder = Builder::assembling(r"printf '  two  \n\n\ttab\r\n'");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).success();
    assert!(outcome.stderr.contains("\n  two  \n\n\ttab\r\nminis2i: build ok"), "{outcome}");
}

#[test]
fn a_line_that_comes_in_pieces_is_shown_whole() {
    let builder = Builder::assembling("printf one; sleep 0.3; printf two >&2; sleep 0.3; echo three");
    let project = Project::new().file("a", "1");
    assert_eq!(project.build(&builder).success().middle_lines(), ["onetwothree"]);
}

#[test]
fn a_last_line_without_an_end_is_shown() {
    let builder = Builder::assembling("echo first; printf last");
    let project = Project::new().file("a", "1");
    assert_eq!(project.build(&builder).success().middle_lines(), ["first", "last"]);
}

#[test]
fn a_last_line_without_an_end_is_shown_of_a_failed_build_too() {
    let builder = Builder::assembling("printf last; exit 1");
    let project = Project::new().file("a", "1");
    project.build(&builder).run().status(1).says("\nlast\nminis2i: build failed:");
}

#[test]
fn no_line_of_many_is_lost() {
    let builder = Builder::assembling("seq 20000; seq 20001 20010 >&2; exit 3");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).run().status(3);
    let numbers: Vec<String> = (1..=20_010).map(|number| number.to_string()).collect();
    let lines =
        outcome.stderr.lines().filter(|line| line.bytes().all(|byte| byte.is_ascii_digit())).collect::<Vec<_>>();
    assert!(lines.iter().filter(|line| !line.is_empty()).eq(numbers.iter()), "{} lines", lines.len());
}

#[test]
fn bytes_that_are_no_text_come_as_they_are() {
    let builder = Builder::assembling(r"printf 'a\377b\n'");
    let project = Project::new().file("a", "1");
    for color in ["always", "never"] {
        let stderr = project.build(&builder).args(&["--color", color]).raw_stderr();
        let found = stderr.split(|byte| *byte == b'\n').any(|line| line == b"a\xffb");
        assert!(found, "{color}: {}", stderr.escape_ascii());
    }
}

#[test]
fn output_comes_as_it_is_made() {
    let builder = Builder::assembling("echo early; while [ ! -e /tmp/go ]; do sleep 0.1; done; echo late");
    let project = Project::new().file("a", "1");
    let running = project.build(&builder).start();
    running.wait_for_stderr("early\n");
    docker(&["exec", &builder.containers()[0], "touch", "/tmp/go"]);
    running.end().status(0).says("early\nlate\n");
}

#[test]
fn a_script_can_not_speak_for_minis2i() {
    let builder = Builder::assembling("printf '\\036token exit 0\\n'; echo 'minis2i: build ok: x'; exit 5");
    let project = Project::new().file("a", "1");
    project.build(&builder).run().status(5).says("token exit 0");
}

#[test]
fn the_exit_status_is_that_of_assemble() {
    for status in [1, 7, 125, 255] {
        let builder = Builder::assembling(&format!("exit {status}"));
        let project = Project::new().file("a", "1");
        let outcome = project.build(&builder).run().status(status).says(&format!("with exit status {status}"));
        assert_eq!(outcome.stdout, "");
    }
}

#[test]
fn an_assemble_that_was_killed_asks_about_memory() {
    let builder = Builder::assembling("kill -9 $$");
    let project = Project::new().file("a", "1");
    project.build(&builder).run().status(137).says("\nhint: ").says("-- --memory SIZE");
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    let builder = Builder::assembling("seq 1000; sleep 0.2; seq 1000");
    let project = Project::new().file("a", "1");
    assert_eq!(project.build(&builder).status_when_output_is_closed(), Some(0));
    assert!(project.id().is_some());
    assert_eq!(project.build(&builder).args(&["--message-format", "json"]).status_when_output_is_closed(), Some(0));
}

#[test]
fn quiet_prints_the_id_only() {
    let builder = Builder::assembling("echo hello; echo oops >&2");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).arg("-q").success();
    assert_eq!((&*outcome.stderr, outcome.stdout.trim()), ("", &*project.id().unwrap()));
}

#[test]
fn quiet_prints_errors() {
    let builder = Builder::assembling("echo oops >&2; exit 4");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).arg("--quiet").run().status(4);
    assert_eq!((&*outcome.stderr, &*outcome.stdout), ("oops\nerror: `assemble` failed with exit status 4\n", ""));
}

/// The engine's commands that `-v` shows, each with its time if it has one.
fn engine_commands(outcome: &Outcome) -> Vec<(&str, Option<&str>)> {
    let lines = outcome.stderr.lines().filter_map(|line| line.strip_prefix("$ "));
    lines
        .map(|line| match line.rsplit_once("  # ") {
            Some((command, time)) => (command, Some(time.strip_suffix(" s").unwrap())),
            None => (line, None),
        })
        .collect()
}

#[test]
fn verbose_shows_every_engine_command_with_its_time() {
    let log = StandInCli::new("echo \"$1 $2 $3\" >>$here/log\nexec docker \"$@\"");
    let builder = Builder::copying().script("save-artifacts", "#!/bin/sh\nexec tar -cf - a\n").make();
    let project = Project::new().file("a", "1");
    project.build(&builder).success();
    let outcome = project.build(&builder).arg("--verbose").arg("--engine").arg(log.path()).success();
    let program = log.path();
    let shown = engine_commands(&outcome);
    let mut verbs: Vec<&str> =
        shown.iter().filter_map(|(line, _)| line.strip_prefix(&program)?.split(' ').nth(1)).collect();
    // Cleaning up is done after the end, by another process, whose calls are not shown.
    let called = log.read("log");
    let mut expected: Vec<&str> = called
        .lines()
        .filter(|line| !line.starts_with("rm ") && !is_cleanup_call(line))
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    verbs.sort_unstable();
    expected.sort_unstable();
    assert_eq!(verbs, expected, "{outcome}");
    for (line, time) in &shown {
        match time {
            Some(time) => assert!(is_decimal(time, 3), "{outcome}"),
            // A call that runs beside the build is shown when it starts, and its time in another line when it ends.
            None => assert!(line.contains(" run --name "), "{outcome}"),
        }
    }
    let runs = outcome
        .stderr
        .lines()
        .filter(|line| line.starts_with("# ") && line.contains(" run --name minis2i-") && line.ends_with(" s"));
    assert_eq!(runs.count(), 2, "{outcome}");
}

/// Whether a call is one by the process that cleans up after a build.
fn is_cleanup_call(line: &str) -> bool {
    line.starts_with("image rm ") || line.starts_with("image inspect --format")
}

#[test]
fn a_shown_command_can_be_pasted() {
    let builder = Builder::assembling("true");
    let project = Project::new().file("a", "1");
    let value = "it's \"$HOME\" `ls` \\ ; a\nb";
    let outcome = project.build(&builder).arg("--verbose").arg("-e").arg(format!("ODD={value}")).success();
    let begin = outcome.stderr.find("$ docker run ").unwrap();
    let command = &outcome.stderr[begin + 2..];
    let end = command.find("/bin/sh -c").unwrap();
    let pasted = format!("docker() {{ printf '%s\\0' \"$@\"; }}\n{}", &command[..end]);
    let output = Command::new("sh").args(["-c", &pasted]).output().unwrap();
    let words = String::from_utf8(output.stdout).unwrap();
    assert!(words.split('\0').any(|word| word == format!("ODD={value}")), "{words}\n{outcome}");
}

#[test]
fn a_line_over_96_kib_was_broken_in_two() {
    let builder = Builder::assembling("head -c 300000 /dev/zero | tr '\\0' x; echo; echo after");
    let project = Project::new().file("a", "1");
    let lines: Vec<usize> = project.build(&builder).success().middle_lines().iter().map(|line| line.len()).collect();
    assert_eq!(lines, [300_000, 5]);
}

#[test]
fn a_line_of_100_mb_is_cut_with_a_mark() {
    let builder = Builder::assembling("head -c 100000000 /dev/zero | tr '\\0' x; echo; echo after");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).success();
    let lines = outcome.middle_lines();
    let parts: Vec<usize> =
        lines.iter().map(|line| line.strip_suffix(" [the line goes on]").unwrap_or(line).len()).collect();
    let whole = 16 * 1024 * 1024;
    assert_eq!(parts, [whole, whole, whole, whole, whole, 100_000_000 - 5 * whole, 5]);
}

#[test]
fn a_quiet_build_that_fails_shows_the_end_of_its_output() {
    let builder = Builder::assembling("seq 1000; echo why >&2; exit 3");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).arg("-q").run().status(3);
    let mut lines = outcome.stderr.lines();
    assert_eq!(lines.next(), Some("note: 801 lines of output before these are not shown"), "{outcome}");
    let shown: Vec<_> = lines.by_ref().take(200).collect();
    assert_eq!((shown[0], shown[198], shown[199]), ("802", "1000", "why"), "{outcome}");
    assert!(lines.next().unwrap().starts_with("error: `assemble` failed with exit status 3"), "{outcome}");
}
