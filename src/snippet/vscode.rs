//! Visual Studio Code: `tasks.json` with a watch as a background task, and `launch.json` with the app.

use serde::Serialize;
use serde_json::{Value, json};

use super::problems::ProblemLines;
use super::{Request, Verb, shell};
use crate::report::human;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    label: String,
    r#type: &'static str,
    command: String,
    args: Vec<String>,
    options: Value,
    is_background: bool,
    group: &'static str,
    presentation: Value,
    run_options: Value,
    problem_matcher: Matcher,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Matcher {
    owner: &'static str,
    source: &'static str,
    severity: &'static str,
    file_location: Value,
    pattern: Pattern,
    background: Background,
}

#[derive(Serialize)]
struct Pattern {
    regexp: String,
    file: u8,
    line: u8,
    column: u8,
    message: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Background {
    active_on_start: bool,
    begins_pattern: String,
    ends_pattern: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Launch {
    name: String,
    r#type: &'static str,
    request: &'static str,
    command: String,
    cwd: &'static str,
    pre_launch_task: String,
}

/// A `tasks.json` with the watch as a background task.
pub fn tasks(request: &Request) -> String {
    let mut words = request.command_for_editor(Verb::Watch);
    // The editor replaces `${...}` in arguments and has no escape for it.
    if words.iter().any(|word| word.contains("${")) {
        words = shell::program(words);
    }
    let args = words.split_off(1);
    let task = Task {
        label: label(request),
        r#type: "process",
        command: words.remove(0),
        args,
        options: json!({"cwd": "${workspaceFolder}"}),
        is_background: true,
        group: "build",
        presentation: json!({"panel": "dedicated", "reveal": "silent"}),
        run_options: json!({"instanceLimit": 1}),
        problem_matcher: matcher(request),
    };
    pretty(&Tasks { version: "2.0.0", tasks: [task] })
}

#[derive(Serialize)]
struct Tasks {
    version: &'static str,
    tasks: [Task; 1],
}

#[derive(Serialize)]
struct Launches {
    version: &'static str,
    configurations: [Launch; 1],
}

/// A `launch.json` that runs the image once the watch has built it.
pub fn launch(request: &Request) -> String {
    let run = [request.engine(), "run", "--rm", "--interactive", "--tty", "--publish-all", &request.tag];
    let launch = Launch {
        name: format!("minis2i run {}", request.tag),
        // The editor has this type without an extension: it runs a command in a terminal.
        r#type: "node-terminal",
        request: "launch",
        command: shell::line(&run.map(str::to_owned)),
        cwd: "${workspaceFolder}",
        pre_launch_task: label(request),
    };
    pretty(&Launches { version: "0.2.0", configurations: [launch] })
}

fn label(request: &Request) -> String {
    format!("minis2i watch {}", request.tag)
}

/// What finds the problems, and knows when a build begins and ends.
fn matcher(request: &Request) -> Matcher {
    let lines = ProblemLines::of(request);
    // In this mode, an absolute path is one, too.
    let location = if lines.absolute { "autoDetect" } else { "relative" };
    let ends = [human::OK, human::FAILED, human::CANCELLED, human::SKIPPED].join("|");
    Matcher {
        owner: "minis2i",
        source: "minis2i",
        severity: "error",
        file_location: json!([location, "${workspaceFolder}"]),
        pattern: Pattern { regexp: lines.expression(), file: 1, line: 2, column: 3, message: 4 },
        background: Background {
            active_on_start: true,
            begins_pattern: format!("^{}", human::STARTED),
            ends_pattern: format!("^(?:{ends})"),
        },
    }
}

fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("it has only texts as keys") + "\n"
}
