//! Colours and the spinner, on a terminal and elsewhere.

use crate::support::builder::Builder;
use crate::support::exit_status::ENGINE;
use crate::support::project::Project;
use crate::support::run::Run;
use crate::support::stand_in_cli::StandInCli;

const COLOURED: &str = r"printf '\033[31mred\033[0m\n'";

#[test]
fn colours_pass_where_they_are_wanted() {
    let builder = Builder::assembling(COLOURED);
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).args(&["--color", "always"]).success();
    outcome.says("\x1b[31mred\x1b[0m\n").says("\x1b[1m");
}

#[test]
fn there_is_no_escape_and_no_spinner_without_a_terminal() {
    let builder = Builder::assembling(COLOURED);
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).success().says("\nred\n");
    assert!(!outcome.stderr.contains(['\x1b', '\r']), "{outcome}");
    outcome.never_says("starting the build container");
}

#[test]
fn colours_are_kept_on_a_terminal() {
    let builder = Builder::assembling(COLOURED);
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).on_a_terminal().status(0);
    assert!(outcome.stdout.contains("\x1b[31mred\x1b[0m"), "{outcome}");
}

#[test]
fn no_colour_can_be_asked_for_on_a_terminal() {
    let builder = Builder::assembling(COLOURED);
    let project = Project::new().file("a", "1");
    let by_option = project.build(&builder).args(&["--color", "never"]).on_a_terminal().status(0);
    let by_variable = project.build(&builder).env("NO_COLOR", "1").on_a_terminal().status(0);
    for outcome in [by_option, by_variable] {
        // Sequences that move the cursor are allowed; those of colours end in `m`.
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
    let builder = Builder::assembling("sleep 0.5");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).on_a_terminal().status(0);
    for phase in ["starting the build container", "assembling"] {
        assert!(outcome.stdout.contains(phase), "no `{phase}`\n{outcome}");
    }
}

#[test]
fn the_spinner_is_gone_at_the_end() {
    let builder = Builder::assembling("sleep 0.3; exit 9");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).on_a_terminal().status(9);
    let end = &outcome.stdout[outcome.stdout.find("build failed:").unwrap()..];
    assert!(!end.contains("assembling") && !outcome.stdout.contains("\x1b[?25l"), "{outcome}");
}

#[test]
fn an_escape_without_an_end_does_not_swallow_what_follows() {
    let builder = Builder::assembling(r"printf '\033]0;title\n'; echo next; printf '\033[\n'; echo last");
    let project = Project::new().file("a", "1");
    project.build(&builder).success().says("\nnext\n").says("\nlast\n").says("\nminis2i: build ok:");
}

/// A CLI that asks for a password on the terminal before it carries out this call, or every one.
fn asking_cli(call: &str) -> StandInCli {
    let ask = "echo 'Password:' >/dev/tty; read answer </dev/tty";
    StandInCli::new(&format!("case $1 in {call}) {ask} ;; esac\nexec docker \"$@\""))
}

#[test]
fn a_cli_that_asked_on_the_terminal_hung_behind_the_spinner() {
    // At the first call, which is waited for, and at one that goes on beside others.
    for call in ["*", "run"] {
        let engine = asking_cli(call);
        let builder = Builder::assembling("true");
        let project = Project::new().file("a", "1");
        let run = project.build(&builder).args(&["--engine", &engine.path()]);
        let outcome = run.on_a_terminal().status(ENGINE);
        assert!(outcome.stdout.contains("asks something on the terminal, and waits for an answer"), "{outcome}");
        assert!(outcome.stdout.contains("log in first"), "{outcome}");
    }
}

#[test]
fn a_call_that_hangs_is_named_after_a_while() {
    let engine = StandInCli::new("case $1 in images) sleep 11 ;; esac\nexec docker \"$@\"");
    let builder = Builder::assembling("true");
    let project = Project::new().file("a", "1");
    let outcome = project.build(&builder).args(&["--engine", &engine.path()]).success();
    outcome.says(&format!("note: `{} images --quiet` has not answered for 10 s; if it waits for a", engine.path()));
}

#[test]
fn the_spinner_was_drawn_over_the_question_of_git() {
    let git =
        StandInCli::git("if [ $1 = clone ]; then printf 'Password: ' >/dev/tty; read answer </dev/tty; fi; exit 1");
    let run = Run::new().args(&["build", "ssh://localhost/missing", "builder", "app"]).env("PATH", git.search_path());
    let shown = run.on_a_terminal().stdout;
    let (_, asked) = shown.split_once("cloning").unwrap();
    let (question, _) = asked.split_once("error:").unwrap();
    assert!(question.contains("\nPassword: ") && !question.contains("\u{1b}[2K"), "{shown:?}");
}
