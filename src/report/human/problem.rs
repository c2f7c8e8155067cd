//! A problem as a line of text: for editors, or for GitHub Actions.

use crate::report::escape::on_one_line;
use crate::report::message::{Problem, ProblemStyle};

/// The line for a problem, with its end.
pub fn problem_line(problem: &Problem, style: &ProblemStyle) -> String {
    let (path, message) = (on_one_line(&problem.path), on_one_line(&problem.message));
    match style {
        ProblemStyle::Line => {
            // A name such as `minis2i: build ok: x` may not begin the line.
            let here = if path.contains(": ") && !path.starts_with('/') { "./" } else { "" };
            let column = problem.column.unwrap_or(1);
            format!("{here}{path}:{}:{column}: error: {message}\n", problem.line)
        }
        ProblemStyle::GithubActions { folder } => {
            let file = property(&without_dots(&format!("{folder}{path}")));
            let column = problem.column.map(|column| format!(",col={column}")).unwrap_or_default();
            format!("::error file={file},line={}{column}::{}\n", problem.line, data(&message))
        }
    }
}

/// The message of a command of GitHub Actions. There are no line ends in it.
fn data(text: &str) -> String {
    text.replace('%', "%25")
}

/// The value of a property of such a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A path without `.` and without each `..` that follows a folder.
fn without_dots(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match (part, parts.last()) {
            (".", _) => {}
            ("..", Some(last)) if !matches!(*last, ".." | "") => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::{Problem, ProblemStyle, problem_line};

    fn problem(path: &str, column: Option<u64>, message: &str) -> Problem {
        Problem { path: path.to_owned(), line: 12, column, message: message.to_owned() }
    }

    #[test]
    fn a_line_has_always_a_column() {
        let line = |path, column, message| problem_line(&problem(path, column, message), &ProblemStyle::Line);
        assert_eq!(line("app/a.c", Some(5), "x"), "app/a.c:12:5: error: x\n");
        assert_eq!(line("app/a.py", None, "E: y"), "app/a.py:12:1: error: E: y\n");
        assert_eq!(line("a\nb", None, "c\u{1b}[1m\n"), "a\\nb:12:1: error: c\\u{1b}[1m\\n\n");
        assert_eq!(line("minis2i: build ok: x", None, "y"), "./minis2i: build ok: x:12:1: error: y\n");
    }

    #[test]
    fn github_actions_gets_a_command_whose_values_cannot_end_it() {
        let style = |folder: &str| ProblemStyle::GithubActions { folder: folder.to_owned() };
        let line = |path, folder| problem_line(&problem(path, Some(5), "100%, a: b::c"), &style(folder));
        assert_eq!(line("app/a.c", ""), "::error file=app/a.c,line=12,col=5::100%25, a: b::c\n");
        assert_eq!(line("a,b:c%.c", ""), "::error file=a%2Cb%3Ac%25.c,line=12,col=5::100%25, a: b::c\n");
        assert!(line("../lib/a.c", "x/y/").starts_with("::error file=x/lib/a.c,"));
        assert!(line("../../../a.c", "x/").starts_with("::error file=../../a.c,"));
        let unknown = problem_line(&problem("a.py", None, "x"), &style(""));
        assert_eq!(unknown, "::error file=a.py,line=12::x\n");
    }
}
