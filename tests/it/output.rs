//! What the user sees: text on stderr, the id on stdout, or JSON lines; and the options that decide about it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::builder::Builder;
use crate::support::engine::{BASE, docker, unique};
use crate::support::json_schema::assert_schema;
use crate::support::outcome::Outcome;
use crate::support::project::Project;
use crate::support::run::Run;
use crate::support::stand_in_cli::StandIn;

/// A builder whose `assemble` is this shell text.
fn assembling(text: &str) -> Builder {
    Builder::new().script("assemble", &format!("#!/bin/sh\n{text}\n")).make()
}

/// The lines between the first and the last one, where everything else is output of `assemble`.
fn between(outcome: &Outcome) -> Vec<&str> {
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    let [first, middle @ .., last] = &lines[..] else { panic!("{outcome}") };
    assert!(first.starts_with("minis2i: build started: ") && last.starts_with("minis2i: build "), "{outcome}");
    middle.to_vec()
}

/// Whether a text is such a number: digits, a point, and so many digits.
fn is_decimal(text: &str, digits: usize) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    text.split_once('.').is_some_and(|(whole, rest)| is_number(whole) && is_number(rest) && rest.len() == digits)
}

// The text for people.

#[test]
fn the_first_line_says_what_is_built() {
    let builder = assembling("true");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).success();
    let (tag, source, name) = (&project.tag, project.path(), builder.name());
    let expected = format!("minis2i: build started: {tag} from {} with {name} (clean)", source.display());
    assert_eq!(outcome.stderr.lines().next(), Some(&*expected), "{outcome}");
}

#[test]
fn the_last_line_has_the_id_the_tag_and_the_time_of_each_phase() {
    let builder = assembling("true");
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
    // `clear` is told where it takes long enough to be worth it.
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
    let builder = assembling("echo to stdout; echo to stderr >&2");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).success();
    assert_eq!(outcome.stdout, format!("{}\n", project.id().unwrap()));
}

#[test]
fn both_streams_come_in_their_order() {
    let script = "i=0; while [ $i -lt 500 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done";
    let builder = assembling(script);
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).success();
    let expected: Vec<String> = (0..500).flat_map(|i| [format!("out {i}"), format!("err {i}")]).collect();
    assert_eq!(between(&outcome), expected);
}

#[test]
fn lines_keep_their_white_space() {
    let builder = assembling(r"printf '  two  \n\n\ttab\r\n'");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).success();
    assert!(outcome.stderr.contains("\n  two  \n\n\ttab\r\nminis2i: build ok"), "{outcome}");
}

#[test]
fn a_line_that_comes_in_pieces_is_shown_whole() {
    let builder = assembling("printf one; sleep 0.3; printf two >&2; sleep 0.3; echo three");
    let project = Project::new().file("a", "1");
    assert_eq!(between(&project.build(&builder).success()), ["onetwothree"]);
}

#[test]
fn a_last_line_without_an_end_is_shown() {
    let builder = assembling("echo first; printf last");
    let project = Project::new().file("a", "1");
    assert_eq!(between(&project.build(&builder).success()), ["first", "last"]);
}

#[test]
fn a_last_line_without_an_end_is_shown_of_a_failed_build_too() {
    let builder = assembling("printf last; exit 1");
    let project = Project::new().file("a", "1");
    project.build(&builder).run().status(1).says("\nlast\nminis2i: build failed:");
}

#[test]
fn no_line_of_many_is_lost() {
    let builder = assembling("seq 20000; seq 20001 20010 >&2; exit 3");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).run().status(3);
    let numbers: Vec<String> = (1..=20_010).map(|number| number.to_string()).collect();
    let lines =
        outcome.stderr.lines().filter(|line| line.bytes().all(|byte| byte.is_ascii_digit())).collect::<Vec<_>>();
    assert!(lines.iter().filter(|line| !line.is_empty()).eq(numbers.iter()), "{} lines", lines.len());
}

#[test]
fn bytes_that_are_no_text_come_as_they_are() {
    let builder = assembling(r"printf 'a\377b\n'");
    let project = Project::new().file("a", "1");
    for color in ["always", "never"] {
        let stderr = project.build(&builder).args(&["--color", color]).raw_stderr();
        let found = stderr.split(|byte| *byte == b'\n').any(|line| line == b"a\xffb");
        assert!(found, "{color}: {}", stderr.escape_ascii());
    }
}

#[test]
fn output_comes_as_it_is_made() {
    let builder = assembling("echo early; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo late");
    let project = Project::new().file("a", "1");
    let running = project.build(&builder).start();
    running.wait_for("early\n");
    docker(&["exec", &builder.containers()[0], "touch", "/tmp/go"]);
    running.end().status(0).says("early\nlate\n");
}

#[test]
fn a_script_can_not_speak_for_minis2i() {
    let builder = assembling("printf '\\036token exit 0\\n'; echo 'minis2i: build ok: x'; exit 5");
    let project = Project::new().file("a", "1");
    project.build(&builder).run().status(5).says("token exit 0");
}

// The end.

#[test]
fn the_exit_status_is_that_of_assemble() {
    for status in [1, 7, 125, 255] {
        let builder = assembling(&format!("exit {status}"));
        let project = Project::new().file("a", "1");
        let outcome = project.build(&builder).run().status(status).says(&format!("with exit status {status}"));
        assert_eq!(outcome.stdout, "");
    }
}

#[test]
fn an_assemble_that_was_killed_asks_about_memory() {
    let builder = assembling("kill -9 $$");
    let project = Project::new().file("a", "1");
    project.build(&builder).run().status(137).says("\nhint: ").says("-- --memory SIZE");
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    let builder = assembling("seq 1000; sleep 0.2; seq 1000");
    let project = Project::new().file("a", "1");
    assert_eq!(project.build(&builder).unheard(), Some(0));
    assert!(project.id().is_some());
    assert_eq!(project.build(&builder).args(&["--message-format", "json"]).unheard(), Some(0));
}

// How much is said.

#[test]
fn quiet_prints_the_id_only() {
    let builder = assembling("echo hello; echo oops >&2");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).arg("-q").success();
    assert_eq!((&*outcome.stderr, outcome.stdout.trim()), ("", &*project.id().unwrap()));
}

#[test]
fn quiet_prints_errors() {
    let builder = assembling("echo oops >&2; exit 4");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).arg("--quiet").run().status(4);
    assert_eq!((&*outcome.stderr, &*outcome.stdout), ("error: `assemble` failed with exit status 4\n", ""));
}

/// The engine's commands that `-v` shows, each with its time if it has one.
fn commands(outcome: &Outcome) -> Vec<(&str, Option<&str>)> {
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
    let log = StandIn::new("echo \"$1 $2 $3\" >>$here/log\nexec docker \"$@\"");
    let builder = Builder::copying().script("save-artifacts", "#!/bin/sh\nexec tar -cf - a\n").make();
    let project = Project::new().file("a", "1");
    project.build(&builder).success();
    let outcome = project.build(&builder).arg("--verbose").arg("--engine").arg(log.path()).success();
    let program = log.path();
    let shown = commands(&outcome);
    let mut verbs: Vec<&str> =
        shown.iter().filter_map(|(line, _)| line.strip_prefix(&program)?.split(' ').nth(1)).collect();
    // Cleaning up comes after the end, in a process of its own.
    let called = log.read("log");
    let mut expected: Vec<&str> = called
        .lines()
        .filter(|line| !line.starts_with("rm ") && !is_tidying(line))
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    verbs.sort_unstable();
    expected.sort_unstable();
    assert_eq!(verbs, expected, "{outcome}");
    for (line, time) in &shown {
        match time {
            Some(time) => assert!(is_decimal(time, 3), "{outcome}"),
            // What goes on beside the build is shown when it starts, and its time when it has ended.
            None => assert!(line.contains(" run --name "), "{outcome}"),
        }
    }
    let runs = outcome
        .stderr
        .lines()
        .filter(|line| line.starts_with("# ") && line.contains(" run --name minis2i-") && line.ends_with(" s"));
    assert_eq!(runs.count(), 2, "{outcome}");
}

/// Whether a call is one of the process that cleans up after a build.
fn is_tidying(line: &str) -> bool {
    line.starts_with("image rm ") || line.starts_with("image inspect --format")
}

#[test]
fn a_shown_command_can_be_pasted() {
    let builder = assembling("true");
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

// Colour, and the terminal.

const COLOURED: &str = r"printf '\033[31mred\033[0m\n'";

#[test]
fn colours_pass_where_they_are_wanted() {
    let builder = assembling(COLOURED);
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).args(&["--color", "always"]).success();
    outcome.says("\x1b[31mred\x1b[0m\n").says("\x1b[1m");
}

#[test]
fn there_is_no_escape_and_no_spinner_without_a_terminal() {
    let builder = assembling(COLOURED);
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).success().says("\nred\n");
    assert!(!outcome.stderr.contains(['\x1b', '\r']), "{outcome}");
    outcome.never_says("starting the build container");
}

#[test]
fn colours_are_kept_on_a_terminal() {
    let builder = assembling(COLOURED);
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).on_a_terminal().status(0);
    assert!(outcome.stdout.contains("\x1b[31mred\x1b[0m"), "{outcome}");
}

#[test]
fn no_colour_can_be_asked_for_on_a_terminal() {
    let builder = assembling(COLOURED);
    let project = Project::new().file("a", "1");
    let by_option = project.build(&builder).args(&["--color", "never"]).on_a_terminal().status(0);
    let by_variable = project.build(&builder).env("NO_COLOR", "1").on_a_terminal().status(0);
    for outcome in [by_option, by_variable] {
        // Moving the cursor is no colour.
        let colours = outcome.stdout.split('\x1b').skip(1).filter(|rest| {
            rest.strip_prefix('[')
                .and_then(|rest| rest.find(|c: char| c.is_ascii_alphabetic()).map(|end| &rest[end..=end]))
                == Some("m")
        });
        assert_eq!(colours.count(), 0, "{outcome}");
    }
}

#[test]
fn a_spinner_names_the_phase_on_a_terminal() {
    let builder = assembling("sleep 0.5");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).on_a_terminal().status(0);
    for phase in ["starting the build container", "assembling"] {
        assert!(outcome.stdout.contains(phase), "no `{phase}`\n{outcome}");
    }
}

#[test]
fn the_spinner_is_gone_at_the_end() {
    let builder = assembling("sleep 0.3; exit 9");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).on_a_terminal().status(9);
    let end = &outcome.stdout[outcome.stdout.find("build failed:").unwrap()..];
    assert!(!end.contains("assembling") && !outcome.stdout.contains("\x1b[?25l"), "{outcome}");
}

#[test]
fn an_escape_without_an_end_does_not_swallow_what_follows() {
    let builder = assembling(r"printf '\033]0;title\n'; echo next; printf '\033[\n'; echo last");
    let project = Project::new().file("a", "1");
    project.build(&builder).success().says("\nnext\n").says("\nlast\n").says("\nminis2i: build ok:");
}

// JSON.

#[track_caller]
fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn reasons(objects: &[Value]) -> Vec<&str> {
    objects.iter().map(|object| object["reason"].as_str().unwrap()).collect()
}

#[test]
fn json_tells_a_good_build() {
    let builder = assembling("echo one; printf 'two\\377' >&2");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).args(&["--message-format", "json"]).success();
    let objects = outcome.json();
    assert_eq!(outcome.stderr, "");
    assert_schema(&objects);
    assert_eq!(reasons(&objects), ["build-started", "output", "output", "build-finished"]);
    let [started, one, two, finished] = &objects[..] else { panic!("{outcome}") };
    assert_eq!(started["build"], 1);
    assert_eq!(started["source"], project.path().to_str().unwrap());
    assert_eq!(started["builder"], builder.name());
    assert_eq!(started["tag"], project.tag.as_str());
    for unknown in ["previous", "why"] {
        assert_eq!(started[unknown], Value::Null);
    }
    assert_eq!((&started["changed"], &started["changed_more"]), (&serde_json::json!([]), &0.into()));
    assert_eq!((&one["build"], &one["text"]), (&1.into(), &"one".into()));
    assert_eq!(two["text"], "two\u{fffd}");
    assert_eq!(finished["status"], "ok");
    assert_eq!(finished["image"], project.id().unwrap());
    assert_eq!(finished["assemble_status"], 0);
    assert_eq!((&finished["standby"], &finished["no_standby"]), (&Value::Null, &Value::Null));
    assert!(finished["seconds"].as_f64().unwrap() > 0.0);
    let mut phases = keys(&finished["phases"]);
    // Told where it takes long enough to be worth it.
    phases.remove("clear");
    assert_eq!(phases, ["assemble", "commit", "source", "start"].into());
    assert!(finished["phases"].as_object().unwrap().values().all(Value::is_f64), "{outcome}");
}

#[test]
fn json_tells_a_failed_build() {
    let builder = assembling("exit 7");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).args(&["--message-format", "json"]).run().status(7);
    let objects = outcome.json();
    assert_schema(&objects);
    assert_eq!(reasons(&objects), ["build-started", "build-finished", "error"]);
    let finished = &objects[1];
    assert_eq!((&finished["status"], &finished["image"]), (&"failed".into(), &Value::Null));
    assert_eq!(finished["assemble_status"], 7);
    let expected = serde_json::json!({
        "reason": "error", "message": "`assemble` failed with exit status 7", "causes": [], "hint": null
    });
    assert_eq!(objects[2], expected);
}

#[test]
fn json_tells_a_cancelled_build() {
    let builder = assembling("echo assembling now; exec sleep 300");
    let project = Project::new().file("a", "1");
    let running = project.build(&builder).args(&["--message-format", "json"]).start();
    running.wait_for_stdout("assembling now");
    running.signal("INT");
    let outcome = running.end().status(130);
    let objects = outcome.json();
    assert_schema(&objects);
    assert_eq!(reasons(&objects), ["build-started", "output", "build-finished", "error"]);
    assert_eq!((&objects[2]["status"], &objects[2]["assemble_status"]), (&"cancelled".into(), &Value::Null));
}

#[test]
fn json_tells_notes_warnings_and_engine_calls() {
    let builder = Builder::copying().script("save-artifacts", "#!/bin/sh\nexit 3\n").make();
    let project = Project::new().file("a", "1").file("trash", "2").file(".s2iignore", "trash\n");
    project.build(&builder).success();
    let id = project.id().unwrap();
    let outcome = project.build(&builder).args(&["--message-format", "json", "--verbose"]).success();
    let objects = outcome.json();
    assert_schema(&objects);
    let of = |reason: &str| objects.iter().filter(|object| object["reason"] == reason).collect::<Vec<_>>();
    assert_eq!(of("build-started")[0]["previous"], id);
    assert!(of("note")[0]["message"].as_str().unwrap().contains("trash"), "{outcome}");
    assert!(of("warning")[0]["message"].as_str().unwrap().contains("`save-artifacts` failed"), "{outcome}");
    let calls = of("engine-call");
    assert!(calls.iter().any(|call| call["seconds"].is_f64()), "{outcome}");
    assert!(calls.iter().all(|call| call["command"].as_str().unwrap().starts_with("docker ")), "{outcome}");
    // A call that goes on beside the build is told when it starts, and again with its time when it has ended.
    for started in calls.iter().filter(|call| call["seconds"].is_null()) {
        let ended = calls.iter().filter(|call| call["command"] == started["command"] && call["seconds"].is_f64());
        assert_eq!(ended.count(), 1, "{outcome}");
    }
}

#[test]
fn json_and_quiet_leave_the_result() {
    let builder = assembling("echo hello");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).args(&["--message-format", "json", "--quiet"]).success();
    assert_eq!(reasons(&outcome.json()), ["build-finished"]);
}

// Variables.

/// A builder that keeps what `assemble` sees of the variables A to D.
fn showing() -> Builder {
    assembling("echo \"$A $B $C $D\" >out")
}

#[test]
fn a_variable_is_set_for_assemble_and_the_image() {
    let builder = showing();
    let project = Project::new().file("a", "1");
    project.build(&builder).args(&["-e", "A=a = b", "--env", "B="]).success();
    assert_eq!(project.image().run(&[]), "a = b");
    assert_eq!(project.image().run(&["/bin/sh", "-c", "echo \"$A\""]), "a = b");
}

#[test]
fn a_name_alone_takes_the_value_from_here() {
    let builder = showing();
    let project = Project::new().file("a", "1");
    project.build(&builder).args(&["-e", "A"]).env("A", "from here").success();
    assert_eq!(project.image().run(&[]), "from here");
}

#[test]
fn variables_come_from_the_source_then_files_then_options() {
    let builder = showing();
    let project = Project::new().file(".s2i/environment", "A=source\nB=source\nC=source\nD=source\n");
    let project = project.file("one", "B=one\nC=one\nD=one\n").file("two", "C=two\nD=two\n");
    let path = |name: &str| project.path().join(name).display().to_string();
    let run = project.build(&builder).args(&["-e", "D=before", "-E", &path("one"), "--environment-file", &path("two")]);
    run.args(&["-e", "D=option"]).success();
    assert_eq!(project.image().run(&[]), "source one two option");
}

// Another engine.

#[test]
fn the_engine_can_be_named_by_an_option() {
    let engine = StandIn::new("echo \"$*\" >>$here/log\nexec docker \"$@\"");
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "1");
    let other = StandIn::new("touch $here/called; exit 1");
    project.build(&builder).arg("--engine").arg(engine.path()).env("MINIS2I_ENGINE", other.path()).success();
    assert!(engine.read("log").contains("commit --change"));
    assert!(!other.has("called"));
}

#[test]
fn the_engine_can_be_named_by_a_variable() {
    let engine = StandIn::new("echo \"$*\" >>$here/log\nexec docker \"$@\"");
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "1");
    project.build(&builder).env("MINIS2I_ENGINE", engine.path()).success();
    assert!(engine.read("log").contains("commit --change"));
}

#[test]
fn nothing_but_the_named_engine_is_called() {
    let engine = StandIn::new(&format!("PATH={}\nexec docker \"$@\"", std::env::var("PATH").unwrap()));
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "1");
    let empty = tempfile::tempdir().unwrap();
    project.build(&builder).arg("--engine").arg(engine.path()).env("PATH", empty.path()).success();
    assert_eq!(project.image().run(&[]), "1");
}

// The sample pair.

/// The sample builder of this repository, under a name of its own.
struct Sample(String);

impl Sample {
    fn make() -> Self {
        let name = unique("sample");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("builder");
        let base = format!("BASE={BASE}");
        docker(&["build", "--quiet", "--tag", &name, "--build-arg", &base, folder.to_str().unwrap()]);
        Self(name)
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["image", "rm", "--force", &self.0]).output();
    }
}

#[test]
fn all_forms_of_the_command_work_as_typed() {
    let builder = Sample::make();
    let project = Project::new();
    let lines: [&[&str]; 3] = [
        &["build", "--env", "VAR=hello", "testapp", &builder.0, &project.tag],
        &["--env=VAR=hello", "testapp", &builder.0, &project.tag],
        &["build", "testapp", &builder.0, &project.tag, "--", "--memory", "512m", "--network", "none"],
    ];
    let seen = [
        ["VAR=hello", "no artifacts: copying input.txt"],
        ["VAR=hello", "restoring output.txt from the artifacts"],
        ["VAR=", "restoring output.txt from the artifacts"],
    ];
    for (line, seen) in lines.iter().zip(seen) {
        let outcome = Run::new().args(line).current_dir(Path::new(env!("CARGO_MANIFEST_DIR"))).success();
        assert_eq!(between(&outcome), seen);
        assert_eq!(project.image().run(&[]), "hello from the test app");
    }
}
