//! Visual Studio Code: `tasks.json` with a watch as a background task, and `launch.json` with the app.

use serde::Serialize;
use serde_json::{Value, json};

use super::problems::{Files, SHAPES};
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
    problem_matcher: Vec<Matcher>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Matcher {
    owner: &'static str,
    source: &'static str,
    severity: &'static str,
    file_location: Value,
    pattern: Vec<Pattern>,
    #[serde(skip_serializing_if = "Option::is_none")]
    background: Option<Background>,
}

#[derive(Serialize)]
struct Pattern {
    regexp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<usize>,
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
        problem_matcher: matchers(request),
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

fn matchers(request: &Request) -> Vec<Matcher> {
    let files = Files::of(request);
    let mut matchers: Vec<Matcher> = SHAPES
        .iter()
        .map(|shape| Matcher {
            // With one owner, a build that begins removes the problems of all matchers.
            owner: "minis2i",
            source: shape.name,
            severity: shape.severity,
            file_location: location(&files.base),
            pattern: shape.lines.iter().map(|line| pattern(&files, line)).collect(),
            background: None,
        })
        .collect();
    // One matcher says when a build begins and ends, for all of them.
    let ends = [human::OK, human::FAILED, human::CANCELLED, human::SKIPPED].join("|");
    matchers[0].background = Some(Background {
        active_on_start: true,
        begins_pattern: format!("^{}", human::STARTED),
        ends_pattern: format!("^(?:{ends})"),
    });
    matchers
}

fn pattern(files: &Files, line: &str) -> Pattern {
    let found = files.numbered(line);
    Pattern {
        regexp: found.expression,
        file: found.file,
        line: found.line,
        column: found.column,
        severity: found.severity,
        message: found.message,
    }
}

/// Where names of files are relative to.
fn location(base: &str) -> Value {
    let folder = match base {
        // A name that the editor would replace cannot be written.
        base if base.is_empty() || base.contains("${") => "${workspaceFolder}".to_owned(),
        base if base.starts_with('/') => base.to_owned(),
        base => format!("${{workspaceFolder}}/{base}"),
    };
    json!(["relative", folder])
}

fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("it has only texts as keys") + "\n"
}
