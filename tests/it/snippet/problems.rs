//! What editors find in the output of builds that were made by the binary: when one begins and ends, and the problems.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::vscode_matcher::{Found, Matcher};
use super::{path_with_binary, printed_by, snippet_in};
use crate::support::builder::Builder;
use crate::support::project::Project;
use crate::support::run::Run;
use crate::support::wait::wait_for;

/// The output of compilers and interpreters as they printed it.
const PROBLEMS: &str = include_str!("problems.txt");

/// The places in [`PROBLEMS`]: file, line, column, message.
const PLACES: [(&str, u32, u32, &str); 11] = [
    ("lib/helper.py", 2, 1, "KeyError: 'key'"),
    (
        "parse.py",
        3,
        1,
        "json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
    ),
    ("bad.py", 1, 1, "SyntaxError: invalid syntax"),
    ("lib/b.js", 2, 9, "TypeError: no value"),
    ("s.js", 1, 9, "SyntaxError: Unexpected token ';'"),
    ("p.php", 3, 1, "Fatal error: Uncaught Exception: broken"),
    ("q.php", 2, 1, "Parse error: syntax error, unexpected token \";\""),
    ("src/main/java/A.java", 2, 20, "incompatible types: java.lang.String cannot be converted to int"),
    ("m.c", 2, 10, "'x' undeclared (first use in this function)"),
    ("A.java", 2, 20, "incompatible types: String cannot be converted to int"),
    ("main.go", 4, 2, "undefined: y"),
];

/// A builder that prints the file `problems.txt` of the source, and then fails or waits if the source has such a file.
fn printing_builder() -> Builder {
    Builder::assembling(
        "cd /tmp/src; cp a /app/out; cat problems.txt 2>/dev/null\n\
         if [ -e hold ]; then echo holding; sleep 300; fi; [ ! -e fail ]",
    )
}

/// A source with the files of [`PLACES`].
fn project() -> Project {
    PLACES.iter().fold(Project::new().file("a", "1"), |project, (file, ..)| project.file(file, ""))
}

/// The matcher of the configuration for this source, and the words of its command after the name of the program.
fn matcher(builder: &Builder, project: &Project, source: &str) -> (Matcher, Vec<String>) {
    let text = snippet_in(project.temp_dir(), &["vscode", source, builder.name(), &project.tag]);
    let tasks: Value = serde_json::from_str(&text).unwrap();
    let task = &tasks["tasks"][0];
    let words = task["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect();
    (Matcher::of(task), words)
}

/// The command of the configuration as a build, from the folder of the configuration.
fn build(project: &Project, builder: &Builder, words: &[String]) -> Run {
    assert_eq!(words[..3], ["watch", "--map-paths", "--problems"]);
    project.build(builder).current_dir(project.temp_dir()).source(&words[3]).args(&["--map-paths", "--problems"])
}

fn places(folder: &str) -> Vec<Found> {
    let found = |(file, line, column, message): &(&str, u32, u32, &str)| {
        Found::Problem((format!("{folder}{file}"), *line, *column, (*message).to_owned()))
    };
    PLACES.iter().map(found).collect()
}

#[test]
fn vscode_pairs_begin_and_end_of_good_failing_and_cancelled_builds_and_finds_the_problems() {
    let builder = printing_builder();
    let project = project();
    let (matcher, words) = matcher(&builder, &project, "source");
    let build = || build(&project, &builder, &words);
    let good = build().success();
    assert_eq!(matcher.found(&good.stderr), [Found::Begin, Found::End], "{good}");

    project.write("problems.txt", PROBLEMS);
    project.write("fail", "");
    let failed = build().run().status(1);
    let problems: HashSet<_> = matcher.found(&failed.stderr).into_iter().collect();
    let expected: HashSet<_> = places("source/").into_iter().chain([Found::Begin, Found::End]).collect();
    assert_eq!(problems, expected, "{failed}");
    assert_eq!(matcher.found(&failed.stderr).last(), Some(&Found::End), "{failed}");

    project.write("hold", "");
    let running = build().start();
    running.wait_for_stderr("holding");
    running.signal("INT");
    let cancelled = running.end().status(130);
    let found = matcher.found(&cancelled.stderr);
    assert_eq!((found.first(), found.last()), (Some(&Found::Begin), Some(&Found::End)), "{cancelled}");
}

#[test]
fn vscode_finds_the_problems_of_a_source_that_it_is_opened_in_or_that_is_elsewhere() {
    let builder = printing_builder();
    let project = project().file("problems.txt", PROBLEMS).file("fail", "");
    let absolute = project.path().display().to_string();
    let places_of = [(project.path(), ".", String::new()), (PathBuf::from("/usr"), &*absolute, format!("{absolute}/"))];
    for (folder, source, prefix) in places_of {
        let text = snippet_in(&folder, &["vscode", source, builder.name(), &project.tag]);
        let tasks: Value = serde_json::from_str(&text).unwrap();
        let run = project.build(&builder).current_dir(&folder).source(source).args(&["--map-paths", "--problems"]);
        let failed = run.run().status(1);
        let found: HashSet<_> = Matcher::of(&tasks["tasks"][0]).found(&failed.stderr).into_iter().collect();
        assert!(places(&prefix).into_iter().all(|place| found.contains(&place)), "{found:#?}\n{failed}");
    }
}

#[test]
fn vscode_sees_an_end_for_each_begin_of_a_watch_and_for_a_save_that_needs_no_build() {
    let builder = printing_builder();
    let project = Project::new().file("a", "1").file("hold", "");
    let (matcher, _) = matcher(&builder, &project, "source");
    let watch = project.watch_as_text(&builder).arg("--on-busy").arg("restart").start();
    watch.wait_for_stderr("holding");
    std::fs::remove_file(project.path().join("hold")).unwrap();
    watch.wait_for_stderr("minis2i: build ok:");
    project.write("fail", "");
    watch.wait_for_stderr("minis2i: build failed:");
    project.write("fail", "");
    watch.wait_for_stderr("minis2i: no build:");
    watch.signal("INT");
    let ended = watch.end().status(130);
    let found = matcher.found(&ended.stderr);
    let pairs = found.windows(2).filter(|two| *two == [Found::Begin, Found::End]).count();
    let begins = found.iter().filter(|it| **it == Found::Begin).count();
    // What is not a pair is the end for a save without a build.
    assert!((pairs, begins) == (3, 3) && found.len() > 6, "{found:?}\n{ended}");
}

#[test]
fn neovim_fills_its_quickfix_list_with_the_same_places() {
    let builder = printing_builder();
    let project = project().file("problems.txt", PROBLEMS).file("fail", "");
    let plugin = snippet_in(project.temp_dir(), &["neovim", "source", builder.name(), &project.tag]);
    std::fs::write(project.temp_dir().join("plugin.lua"), plugin).unwrap();
    // The plugin is read with a stand-in for overseer.nvim, whose component is then given what the command printed.
    let script = r#"
        package.preload.overseer = function()
          return { register_template = function(template) templates = templates or {}; templates[template.name] = template end }
        end
        dofile("plugin.lua")
        local places = function()
          local found = {}
          for _, item in ipairs(vim.fn.getqflist()) do
            if item.valid == 1 then
              table.insert(found, { vim.fn.fnamemodify(vim.fn.bufname(item.bufnr), ":p"), item.lnum, item.col, item.type, item.text })
            end
          end
          return found
        end
        vim.cmd("Minis2iBuild")
        assert(vim.wait(120000, function() return vim.fn.getqflist({ title = 0 }).title:match("^minis2i build") end, 20))
        local result = { command = places(), names = vim.tbl_keys(templates) }
        for _, template in pairs(templates) do
          local task = template.builder()
          result.task = task.cmd
          vim.fn.setqflist({}, " ", { lines = vim.fn.readfile("lines.txt"), efm = task.components[1].errorformat })
          result.overseer = places()
        end
        io.stdout:write(vim.json.encode(result))
        vim.cmd("qall!")
    "#;
    std::fs::write(project.temp_dir().join("script.lua"), script).unwrap();
    let lines =
        PLACES.iter().map(|(file, line, column, message)| format!("source/{file}:{line}:{column}: error: {message}\n"));
    let other = "minis2i: build started: x\nm.c:2:10: error: a name of the container\n".to_owned();
    std::fs::write(project.temp_dir().join("lines.txt"), [other].into_iter().chain(lines).collect::<String>()).unwrap();
    let mut nvim = Command::new("nvim");
    nvim.args(["--headless", "-u", "NONE", "-i", "NONE", "-c", "luafile script.lua"]);
    nvim.current_dir(project.temp_dir()).env("PATH", path_with_binary()).env("TMPDIR", project.temp_dir());
    let Some(text) = printed_by(&mut nvim) else { return };
    let result: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    wait_for("nothing left", || builder.containers_of_builds().is_empty());
    let names = result["names"].as_array().unwrap();
    assert!(names.contains(&format!("minis2i watch {}", project.tag).into()), "{result:#}");
    for which in ["command", "overseer"] {
        let found = result[which].as_array().unwrap();
        let expected: Vec<Value> = PLACES
            .iter()
            .map(|(file, line, column, message)| {
                let path = project.path().join(file).display().to_string();
                json!([path, line, column, "e", message])
            })
            .collect();
        assert!(expected.iter().all(|place| found.contains(place)) && found.len() == expected.len(), "{result:#}");
    }
}
