//! Zed: `tasks.json` with a task for each command.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Request, shell};

#[derive(Serialize)]
struct Task {
    label: String,
    command: String,
    cwd: &'static str,
    use_new_terminal: bool,
    allow_concurrent_runs: bool,
    reveal: &'static str,
    hide: &'static str,
    shell: Value,
}

/// A `tasks.json`.
pub fn tasks(request: &Request) -> String {
    let tasks: Vec<Task> = request
        .verbs
        .iter()
        .map(|verb| Task {
            label: format!("minis2i {} {}", verb.name(), request.tag),
            // The editor joins command and arguments into a line for the shell without quoting them, and replaces
            // variables in it.
            command: shell::line_without_variables(&request.command_for_editor(*verb)),
            cwd: "$ZED_WORKTREE_ROOT",
            use_new_terminal: false,
            allow_concurrent_runs: false,
            reveal: "no_focus",
            hide: "never",
            // The user's own shell may have another syntax.
            shell: json!({"program": "sh"}),
        })
        .collect();
    serde_json::to_string_pretty(&tasks).expect("it has only texts as keys") + "\n"
}
