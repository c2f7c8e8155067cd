//! `minis2i files`: listing what is sent of a source, and why a path is sent or not. It needs no engine.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use crate::support::exit_status::USAGE;
use crate::support::git::git;
use crate::support::outcome::Outcome;
use crate::support::project::Project;
use crate::support::run::Run;

/// A `minis2i files` of the project with these options, where there is no engine.
fn files(project: &Project, options: &[&str]) -> Run {
    let source = project.path().display().to_string();
    Run::new().arg("files").args(options).arg(source).env("MINIS2I_ENGINE", "no-such-engine")
}

fn lines(outcome: &Outcome) -> Vec<&str> {
    outcome.stdout.lines().collect()
}

#[test]
fn what_is_sent_is_listed_as_rules_and_options_say() {
    let project = Project::new().file(".gitignore", "*.log\ndist/\n").file("a.log", "").file("src/a.py", "");
    project.write("dist/js/a.js", "");
    project.write("b.md", "");
    symlink("src/a.py", project.path().join("link")).unwrap();
    fs::create_dir(project.path().join("empty")).unwrap();
    let listed = files(&project, &[]).success();
    assert_eq!(lines(&listed), [".gitignore", "b.md", "link", "src/a.py"]);
    assert_eq!(listed.stderr, "");
    let given = ["--exclude", "*.md", "--include", "dist/js/*.js"];
    assert_eq!(lines(&files(&project, &given).success()), [".gitignore", "dist/js/a.js", "link", "src/a.py"]);
    let all = ["--no-gitignore", "--json"];
    let json: Vec<String> = serde_json::from_str(&files(&project, &all).success().stdout).unwrap();
    assert_eq!(json, [".gitignore", "a.log", "b.md", "dist/js/a.js", "link", "src/a.py"]);
}

#[test]
fn odd_names_come_byte_for_byte_with_null_and_are_warned_of_without() {
    let project = Project::new().file("plain", "");
    project.write("two\nlines", "");
    fs::write(project.path().join(OsStr::from_bytes(b"\xff")), "").unwrap();
    let listed = files(&project, &[]).success().says("warning: 2 paths are").says("`--null`");
    assert_eq!(lines(&listed), ["plain", "two\\nlines", "\u{fffd}"]);
    let project_with_one = Project::new().file("two\nlines", "");
    let null = files(&project_with_one, &["-0"]).success();
    assert_eq!((null.stdout.as_str(), null.stderr.as_str()), ("two\nlines\0", ""));
}

#[test]
fn why_names_the_rule_with_its_file_and_line() {
    let project = Project::new().file(".gitignore", "\n*.log\n!keep.log\nout/\n").file("kept.log", "").file("a", "");
    git(&project.path(), &["init", "--quiet"]);
    git(&project.path(), &["add", "--force", "kept.log"]);
    symlink("/etc", project.path().join("etc")).unwrap();
    let _socket = UnixListener::bind(project.path().join("sock")).unwrap();
    for (path, expected) in [
        ("a", "a: sent: no rule leaves it out"),
        ("x.log", "x.log: not sent: .gitignore:2: *.log"),
        ("keep.log", "keep.log: sent: .gitignore:3: !keep.log"),
        ("kept.log", "kept.log: sent: git tracks it, in spite of .gitignore:2: *.log"),
        ("out/b/c", "out/b/c: not sent (because of out): .gitignore:4: out/"),
        (".git/config", ".git/config: not sent (because of .git): it is git's own"),
        (".a.swp", ".a.swp: not sent: only editors give such names"),
        ("b.md", "b.md: not sent: `--exclude` names it"),
        ("etc/passwd", "etc/passwd: not sent (because of etc): that is a symlink, and sent as one"),
        ("sock", "sock: not sent: it is a socket, a FIFO or a device"),
    ] {
        let told = files(&project, &["--exclude", "*.md", "--why", path]).success();
        assert_eq!(told.stdout.trim_end(), expected);
    }
    let absolute = project.path().join("x.log").display().to_string();
    let told = &files(&project, &["--json", "--why", &absolute]).success().json()[0];
    let expected = serde_json::json!({
        "path": "x.log", "sent": "no", "why": "rule", "decided_by": "x.log", "file": ".gitignore", "line": 2, "text": "*.log",
    });
    assert_eq!(*told, expected);
}

#[test]
fn a_source_that_is_none_and_a_path_outside_are_errors() {
    let project = Project::new().file("a", "");
    files(&project, &["--why", "../x"]).run().status(USAGE).says("is not in the source").says("hint: ");
    Run::new().args(&["files", "/no/such/folder"]).run().status(USAGE).says("no source folder");
    files(&project, &["--null", "--json"]).run().status(USAGE);
}
