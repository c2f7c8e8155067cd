//! Whether the commands that the pages show are of a kind that a test runs.
//!
//! Sessions (`console`) and lines that begin with `minis2i` are run by the tests of the program. Here is checked that
//! nothing else looks like a command, and that the project's own tasks exist.

use super::page::Page;

/// Blocks of commands: sessions, and commands of cargo.
const RUN: [&str; 2] = ["console", "sh"];

/// The commands that nothing runs, as messages. `is_task` says whether `cargo xtask` has a task.
pub fn faults(pages: &[Page], is_task: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut faults = Vec::new();
    for page in pages {
        for block in page.blocks() {
            if block.language.is_empty() {
                faults.push(format!("{}: a block without a language: {}", page.name, first_line(&block.text)));
            }
            if !RUN.contains(&block.language.as_str()) && block.text.lines().any(|line| line.starts_with("$ ")) {
                faults.push(format!("{}: no test runs this command: {}", page.name, first_line(&block.text)));
            }
        }
        let tasks = page.text.split("cargo xtask ").skip(1).filter_map(task);
        faults.extend(
            tasks.filter(|task| !is_task(task)).map(|task| format!("{}: there is no task `{task}`", page.name)),
        );
    }
    faults
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The name of the task at the beginning of a text; words in capitals stand for any.
fn task(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(text.len());
    let task = &text[..end];
    (!task.is_empty() && task != task.to_uppercase()).then_some(task)
}

#[cfg(test)]
mod tests {
    use super::super::page::Page;
    use super::faults;

    #[test]
    fn what_no_test_runs_is_named() {
        let text = "```text\n$ minis2i build\n```\n\n```console\n$ minis2i build\n```\n\n```\nx\n```\n\n\
                    `cargo xtask demo`, `cargo xtask TASK`, `cargo xtask dmeo`.\n";
        let pages = [Page { name: "README.md".to_owned(), text: text.to_owned() }];
        assert_eq!(
            faults(&pages, &|task| task == "demo"),
            [
                "README.md: no test runs this command: $ minis2i build",
                "README.md: a block without a language: x",
                "README.md: there is no task `dmeo`",
            ]
        );
    }
}
