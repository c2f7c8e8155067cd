//! The errors in the source that the output of a failed build names, for editors and for GitHub Actions.

use serde_json::json;

use crate::support::builder::Builder;
use crate::support::json_messages::assert_schema;
use crate::support::project::Project;
use crate::support::run::Run;

/// What node printed about an error, see `tests/output_samples/record.sh`.
const NODE: &str = include_str!("../../output_samples/node-app.txt");

/// What Python printed.
const PYTHON: &str = include_str!("../../output_samples/python-syntax.txt");

/// A source with the files that these outputs name, and an output.
fn project(said: &str) -> Project {
    let project = Project::new().file("app.js", "1").file("lib/prices.js", "2").file("broken.py", "3");
    project.file("uses_broken.py", "4").file("said", said)
}

/// A builder whose `assemble` prints `said` and ends with this status.
fn failing_builder(status: i32) -> Builder {
    Builder::assembling(&format!("cat /tmp/src/said >&2; exit {status}"))
}

/// A build by a user in the folder above the source.
fn build(project: &Project, builder: &Builder) -> Run {
    project.build(builder).current_dir(project.temp_dir()).source("source").arg("--problems")
}

const NODE_PROBLEM: &str =
    "source/lib/prices.js:2:17: error: TypeError: Cannot read properties of null (reading 'map')";
const PYTHON_PROBLEM: &str = "source/broken.py:1:1: error: SyntaxError: '(' was never closed";

#[test]
fn problems_come_after_the_output_and_before_the_end() {
    let builder = failing_builder(3);
    let both = format!("{NODE}{PYTHON}");
    // What is said twice is told once.
    let project = project(&format!("{both}{both}"));
    let outcome = build(&project, &builder).run().status(3);
    outcome.says(&format!("was never closed\n{NODE_PROBLEM}\n{PYTHON_PROBLEM}\nminis2i: build failed: "));
    let without = project.build(&builder).run().status(3);
    without.says("was never closed\nminis2i: build failed: ");
}

#[test]
fn a_good_build_has_no_problems() {
    let builder = failing_builder(0);
    let project = project(NODE);
    build(&project, &builder).success().never_says(": error: ");
}

#[test]
fn many_problems_are_counted() {
    let builder = failing_builder(1);
    let project = project(&(1..=53).map(|line| format!("/app/app.js:{line}:2: error: x\n")).collect::<String>());
    let outcome = build(&project, &builder).run().status(1);
    outcome
        .says("\nsource/app.js:50:2: error: x\nnote: 3 more errors in the source are in the output above\nminis2i: ");
}

#[test]
fn quiet_shows_the_output_first() {
    let builder = failing_builder(1);
    let project = project(PYTHON);
    let outcome = build(&project, &builder).arg("--quiet").run().status(1);
    outcome.says(&format!("never closed\n{PYTHON_PROBLEM}\nerror: `assemble` failed with exit status 1"));
}

#[test]
fn json_has_problems_as_objects() {
    let builder = failing_builder(1);
    let project = project(&format!("{NODE}{PYTHON}"));
    let outcome = build(&project, &builder).args(&["--message-format", "json"]).run().status(1);
    let objects = outcome.json();
    assert_schema(&objects);
    let [.., first, second, finished, _] = &objects[..] else { panic!("{outcome}") };
    let message = "TypeError: Cannot read properties of null (reading 'map')";
    let expected = json!({
        "reason": "problem", "build": 1, "path": "source/lib/prices.js", "line": 2, "column": 17, "message": message
    });
    assert_eq!(*first, expected);
    assert_eq!((&second["path"], &second["column"]), (&"source/broken.py".into(), &json!(null)));
    assert_eq!(finished["reason"], "build-finished");
}

#[test]
fn github_actions_gets_commands() {
    let builder = failing_builder(1);
    let project = project(&format!("/app/app.js:1:2: error: 100%, a::b\n{PYTHON}"));
    let actions = |run: Run| run.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", project.temp_dir());
    let outcome = actions(build(&project, &builder)).run().status(1);
    let python = "line=1::SyntaxError: '(' was never closed\nminis2i: build failed: ";
    outcome
        .says("\n::error file=source/app.js,line=1,col=2::100%25, a::b\n")
        .says(&format!("\n::error file=source/broken.py,{python}"));
    let inside = actions(build(&project, &builder).source(".")).current_dir(&project.path()).run().status(1);
    inside.says(&format!("\n::error file=source/broken.py,{python}"));
}

#[test]
fn a_watch_tells_the_problems_of_each_build() {
    let builder = Builder::assembling("cat /tmp/src/said; grep -q Error /tmp/src/said && exit 1; exit 0");
    let project = project("all is well\n");
    let watch = project.watch(&builder).arg("--problems").start_watch();
    project.write("said", PYTHON);
    watch.wait_for_build(2);
    assert_eq!(watch.with_reason("problem").len(), 1, "{watch}");
    assert_eq!(watch.with_reason("problem")[0]["build"], 2);
    watch.standby_after(|| project.write("said", "all is well again\n"));
    assert_eq!(watch.with_reason("problem").len(), 1, "{watch}");
    watch.stop("INT");
}
