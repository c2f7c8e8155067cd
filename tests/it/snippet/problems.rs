//! What editors find in the output of builds that were made by the binary: when one begins and ends, and the problems.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::vscode_matcher::{Found, Matchers, Problem};
use super::{path_with_binary, printed_by, snippet_in};
use crate::support::builder::Builder;
use crate::support::project::Project;
use crate::support::wait::wait_for;

/// The output of compilers and interpreters as they printed it.
const PROBLEMS: &str = include_str!("problems.txt");

/// The places in [`PROBLEMS`], as they should be shown: file, line, column, severity, message.
const PLACES: [(&str, u32, Option<u32>, &str, &str); 13] = [
    ("lib/helper.py", 2, None, "error", "KeyError: 'key'"),
    ("parse.py", 3, None, "error", "json.loads(\"{\")"),
    ("bad.py", 1, None, "error", "SyntaxError: invalid syntax"),
    ("lib/b.js", 2, None, "error", "TypeError: no value"),
    ("s.js", 1, None, "error", "SyntaxError: Unexpected token ';'"),
    ("p.php", 5, None, "warning", "Undefined variable $undefined"),
    ("p.php", 3, None, "error", "Uncaught Exception: broken"),
    ("q.php", 2, None, "error", "syntax error, unexpected token \";\""),
    ("src/main/java/A.java", 2, Some(20), "ERROR", "incompatible types: java.lang.String cannot be converted to int"),
    ("m.c", 2, Some(10), "error", "'x' undeclared (first use in this function)"),
    ("m.c", 2, Some(10), "note", "each undeclared identifier is reported only once for each function it appears in"),
    ("A.java", 2, None, "error", "incompatible types: String cannot be converted to int"),
    ("./main.go", 4, Some(2), "error", "undefined: y"),
];

/// A builder that prints the file `problems.txt` of the source, and then fails or waits if the source has such a file.
fn printing_builder() -> Builder {
    Builder::assembling(
        "cd /tmp/src; cp a /app/out; cat problems.txt 2>/dev/null\n\
         if [ -e hold ]; then echo holding; sleep 300; fi; [ ! -e fail ]",
    )
}

fn matchers(builder: &Builder, project: &Project, folder: &Path, source: &str) -> Matchers {
    let text = snippet_in(folder, &["vscode", source, builder.name(), &project.tag]);
    let tasks: Value = serde_json::from_str(&text).unwrap();
    Matchers::of(&tasks["tasks"][0])
}

fn expected(folder: &str) -> Vec<Problem> {
    let places = PLACES.iter();
    let problem = |(file, line, column, severity, message): &(&str, _, _, &str, &str)| {
        (folder.to_owned(), (*file).to_owned(), *line, *column, (*severity).to_owned(), (*message).to_owned())
    };
    places.map(problem).collect()
}

#[test]
fn vscode_pairs_begin_and_end_of_good_failing_and_cancelled_builds_and_finds_the_problems() {
    let builder = printing_builder();
    let project = Project::new().file("a", "1");
    let matchers = matchers(&builder, &project, project.temp_dir(), "source");
    assert_eq!(matchers.owners().into_iter().collect::<Vec<_>>(), ["minis2i"]);

    let good = project.build(&builder).success();
    assert_eq!(matchers.found(&good.stderr), [Found::Begin, Found::End], "{good}");

    project.write("problems.txt", PROBLEMS);
    project.write("fail", "");
    let failed = project.build(&builder).run().status(1);
    let problems = expected("${workspaceFolder}/source").into_iter().map(Found::Problem);
    let all: Vec<_> = [Found::Begin].into_iter().chain(problems).chain([Found::End]).collect();
    assert_eq!(matchers.found(&failed.stderr), all, "{failed}");

    project.write("hold", "");
    let running = project.build(&builder).start();
    running.wait_for_stderr("holding");
    running.signal("INT");
    let cancelled = running.end().status(130);
    assert_eq!(matchers.found(&cancelled.stderr), all, "{cancelled}");
}

#[test]
fn vscode_sees_an_end_for_each_begin_of_a_watch_and_for_a_save_that_needs_no_build() {
    let builder = printing_builder();
    let project = Project::new().file("a", "1").file("hold", "");
    let matchers = matchers(&builder, &project, project.temp_dir(), "source");
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
    let found = matchers.found(&ended.stderr);
    let pairs = found.windows(2).filter(|two| *two == [Found::Begin, Found::End]).count();
    let begins = found.iter().filter(|it| **it == Found::Begin).count();
    // What is not a pair is the end for a save without a build.
    assert!((pairs, begins) == (3, 3) && found.len() > 6, "{found:?}\n{ended}");
}

#[test]
fn neovim_fills_its_quickfix_list_with_the_same_places() {
    let builder = printing_builder();
    let project = Project::new().file("a", "1").file("problems.txt", PROBLEMS).file("fail", "");
    // The editor takes a name for one in the folder of the source only if there is such a file.
    PLACES.iter().for_each(|(file, ..)| project.write(file, ""));
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
          vim.fn.setqflist({}, " ", { lines = vim.fn.readfile("source/problems.txt"), efm = task.components[1].errorformat })
          result.overseer = places()
          result.folder = task.components[1].relative_file_root
        end
        io.stdout:write(vim.json.encode(result))
        vim.cmd("qall!")
    "#;
    std::fs::write(project.temp_dir().join("script.lua"), script).unwrap();
    let mut nvim = Command::new("nvim");
    nvim.args(["--headless", "-u", "NONE", "-i", "NONE", "-c", "luafile script.lua"]);
    nvim.current_dir(project.temp_dir()).env("PATH", path_with_binary()).env("TMPDIR", project.temp_dir());
    let Some(text) = printed_by(&mut nvim) else { return };
    let result: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    wait_for("nothing left", || builder.containers_of_builds().is_empty());
    let names = result["names"].as_array().unwrap();
    assert!(names.contains(&format!("minis2i watch {}", project.tag).into()), "{result:#}");
    assert_eq!(result["folder"], "source");
    // overseer.nvim puts that folder before the names; the stand-in does not.
    for (found, folder) in [("command", "source"), ("overseer", "")] {
        let folder = project.temp_dir().join(folder);
        let found = result[found].as_array().unwrap();
        for (file, line, column, ..) in PLACES {
            let path = folder.join(file.trim_start_matches("./"));
            let place = found.iter().find(|item| item[0] == path.to_str().unwrap() && item[1] == line);
            let place = place.unwrap_or_else(|| panic!("{file}:{line} is missing in {result:#}"));
            assert!(column.is_none_or(|column| place[2] == column), "{place}");
        }
        assert!(found.iter().all(|item| !item[0].as_str().unwrap().starts_with("/usr")), "{result:#}");
    }
}
