//! Notifications of the desktop, through the terminal.

use std::fs;

use crate::support::builder::Builder;
use crate::support::holding_builder::shared_holding_builder;
use crate::support::project::Project;
use crate::support::terminal::Terminal;
use crate::support::wait::wait_for;

const FAILED: &str = ": the build failed: `assemble` failed with exit status 9\u{7}\u{7}";
const AGAIN: &str = ": the build succeeds again\u{7}\u{7}";

/// The shell line of a watch on a terminal that is known to have `OSC 9`.
fn line(project: &Project, builder: &Builder, options: &str, variables: &str) -> String {
    let watch = project.watch_line(builder, &format!("--notify {options}"));
    format!("env -u TMUX -u VTE_VERSION TERM_PROGRAM=WezTerm {variables} {watch}")
}

/// Has a watch fail twice and succeed twice; `ended` waits until so many builds have ended.
fn fail_and_succeed(project: &Project, ended: impl Fn(usize)) {
    ended(1);
    project.write("fail", "1");
    ended(2);
    project.write("fail", "2");
    ended(3);
    fs::remove_file(project.path().join("fail")).unwrap();
    project.write("a", "2");
    ended(4);
    project.write("a", "3");
    ended(5);
}

#[test]
fn the_terminal_is_told_of_failures_and_of_the_first_success() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    for options in ["", "--quiet"] {
        project.write("a", options);
        let mut terminal = Terminal::start(&line(&project, &builder, options, ""), project.temp_dir());
        let tag = &project.tag;
        let told = |text: &str| format!("\u{1b}]9;minis2i: {tag}{text}");
        if options.is_empty() {
            terminal.wait_for("minis2i: build ok:", 1);
        } else {
            terminal.wait_for("sha256:", 1);
        }
        project.write("fail", "1");
        terminal.wait_for(&told(FAILED), 1);
        project.write("fail", "2");
        terminal.wait_for(&told(FAILED), 2);
        fs::remove_file(project.path().join("fail")).unwrap();
        project.write("a", "2");
        terminal.wait_for(&told(AGAIN), 1);
        terminal.press("q");
        if options.is_empty() {
            terminal.wait_for("minis2i: watch ended:", 1);
        }
        assert_eq!(terminal.shown().matches("\u{1b}]9;").count(), 3, "{}", terminal.shown());
    }
}

#[test]
fn nothing_of_it_is_in_streams_that_lead_elsewhere() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let (out, err) = (project.temp_dir().join("out"), project.temp_dir().join("err"));
    let to = format!("--message-format json >'{}' 2>'{}'", out.display(), err.display());
    let terminal = Terminal::start(&format!("{} {to}", line(&project, &builder, "", "")), project.temp_dir());
    let read = || fs::read_to_string(&out).unwrap_or_default();
    let ended = |count| {
        wait_for("the end of a build", || read().matches(r#""build-finished""#).count() >= count);
    };
    fail_and_succeed(&project, ended);
    terminal.wait_for(FAILED, 2);
    terminal.wait_for(AGAIN, 1);
    assert!(!read().contains(['\u{1b}', '\u{7}']), "{}", read());
    assert_eq!(fs::read_to_string(&err).unwrap(), "");
    assert!(!terminal.shown().contains("build-finished"), "{}", terminal.shown());
}

#[test]
fn tmux_is_asked_to_pass_it_on() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1").file("fail", "");
    let mut terminal = Terminal::start(&line(&project, &builder, "", "TMUX=/tmp/tmux,1,0"), project.temp_dir());
    terminal.wait_for(&format!("\u{1b}Ptmux;\u{1b}\u{1b}]9;minis2i: {}: the build failed", project.tag), 1);
    terminal.wait_for("exit status 9\u{7}\u{1b}\\\u{1b}Ptmux;\u{1b}\u{1b}]777;notify;minis2i;", 1);
    terminal.press("q");
    terminal.wait_for("minis2i: watch ended:", 1);
}

#[test]
fn a_watch_without_a_terminal_says_so() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = line(&project, &builder, "--message-format json", "");
    let terminal = Terminal::start(&format!("setsid --wait {watch} </dev/null 2>&1 | cat"), project.temp_dir());
    terminal.wait_for("`--notify` has no terminal; start the watch on one, or use `--on-failure` to tell you", 1);
    terminal.wait_for("build-finished", 1);
}
