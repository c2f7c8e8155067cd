//! Each configuration is read by a parser of its format, and its command gets the words that were typed.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{output_of, printed_by, snippet_in};
use crate::support::run::Run;

/// Words that mean something in shells, in the formats, or in both.
const HOSTILE: [&str; 12] = [
    "app dir",
    "reg:5000/builder",
    "reg:5000/team/img:dev",
    "--env=A=it's \"$HOME\" `b` %h",
    "--env=B=${workspaceFolder} {{x}} $(date) $$ $ZED_FILE",
    "--env=C=a\\b\\",
    "--env=D=#c # d",
    "--env=E=one\ntwo\ttabs 100% \\n",
    "--env=F=* ? [a] ~ ! & | ; < >",
    "--env=G=\u{fc}\u{202e}\u{200b}",
    "--description==h",
    "--exclude=*.log",
];

/// A folder to call `snippet` in, with a `minis2i` that only writes down with which words it was called.
struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let script = "#!/bin/sh\nprintf '%s\\0' \"$@\" >\"$WORDS\"\n";
        std::fs::write(dir.path().join("minis2i"), script).unwrap();
        assert!(Command::new("chmod").arg("+x").arg(dir.path().join("minis2i")).status().unwrap().success());
        Self { dir }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn snippet(&self, what: &str) -> String {
        self.snippet_of(what, &HOSTILE)
    }

    fn snippet_of(&self, what: &str, words: &[&str]) -> String {
        let words: Vec<&str> = [what].into_iter().chain(words.iter().copied()).collect();
        snippet_in(self.path(), &words)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    /// A command that finds the stand-in.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = format!("{}:{}", self.path().display(), std::env::var("PATH").unwrap());
        command.current_dir(self.path()).env("PATH", path).env("WORDS", self.path().join("words"));
        command.env("EXPECTED_REF", HOSTILE[2]).env("IMAGE", HOSTILE[2]);
        command.env("PUSH_IMAGE", "false").env("BUILD_CONTEXT", self.path());
        command
    }

    /// Checks that a command calls minis2i with the words that were typed.
    #[track_caller]
    fn assert_calls(&self, verb: &str, output: &Output) {
        self.assert_words(&[verb], output);
    }

    /// The same for a command of an editor, which needs two options more.
    #[track_caller]
    fn assert_calls_for_editor(&self, verb: &str, output: &Output) {
        self.assert_words(&[verb, "--map-paths", "--problems"], output);
    }

    #[track_caller]
    fn assert_words(&self, first: &[&str], output: &Output) {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let called = std::fs::read_to_string(self.path().join("words")).unwrap();
        std::fs::remove_file(self.path().join("words")).unwrap();
        let called: Vec<&str> = called.trim_end_matches('\0').split('\0').collect();
        let typed: Vec<&str> = first.iter().copied().chain(HOSTILE).collect();
        assert_eq!(called, typed);
    }

    /// The same for a line of a shell.
    #[track_caller]
    fn assert_line_calls(&self, verb: &str, line: &str) {
        self.assert_calls(verb, &self.command("sh").args(["-e", "-c", line]).output().unwrap());
    }
}

fn yaml(text: &str) -> Value {
    serde_yaml_ng::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

/// All texts in a value.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(items) => items.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn vscode_has_a_background_task_and_a_launch_entry_that_waits_for_it() {
    let place = Place::new();
    let tasks: Value = serde_json::from_str(&place.snippet("vscode")).unwrap();
    let launch: Value = serde_json::from_str(&place.snippet("vscode-launch")).unwrap();
    let task = &tasks["tasks"][0];
    assert_eq!(
        (&tasks["version"], &task["type"], &task["isBackground"]),
        (&json!("2.0.0"), &json!("process"), &json!(true))
    );
    // The editor replaces these itself.
    let replaced = |text: &str| text.contains("${") && !text.starts_with("${workspaceFolder}");
    assert!(!texts(&task["args"]).into_iter().any(replaced), "{task:#}");
    let args: Vec<&str> = texts(&task["args"]);
    let output = place.command(task["command"].as_str().unwrap()).args(args).output().unwrap();
    place.assert_calls_for_editor("watch", &output);
    let entry = &launch["configurations"][0];
    assert_eq!(entry["preLaunchTask"], task["label"]);
    let command = entry["command"].as_str().unwrap();
    assert!(command.starts_with("docker run ") && command.ends_with(HOSTILE[2]), "{command}");
}

#[test]
fn vscode_gets_plain_words_where_they_mean_nothing_to_it() {
    let text =
        Place::new().snippet_of("vscode", &["testapp", "builder", "img", "--env", "A=b c", "--", "--memory", "1g"]);
    let tasks: Value = serde_json::from_str(&text).unwrap();
    let task = &tasks["tasks"][0];
    assert_eq!(task["command"], "minis2i");
    let words = "watch --map-paths --problems testapp builder img --env";
    assert_eq!(texts(&task["args"])[..7].join(" "), words);
    assert_eq!(texts(&task["args"])[7..], ["A=b c", "--", "--memory", "1g"]);
    assert_eq!(task["problemMatcher"]["fileLocation"], json!(["relative", "${workspaceFolder}"]));
    let text = Place::new().snippet_of("vscode", &["/srv/app", "builder", "img", "--problems", "--map-paths"]);
    let tasks: Value = serde_json::from_str(&text).unwrap();
    let task = &tasks["tasks"][0];
    assert_eq!(texts(&task["args"]), ["watch", "/srv/app", "builder", "img", "--problems", "--map-paths"]);
    assert_eq!(task["problemMatcher"]["fileLocation"][0], "autoDetect");
}

#[test]
fn zed_has_a_task_for_each_command_without_a_variable_in_it() {
    let place = Place::new();
    let tasks: Value = serde_json::from_str(&place.snippet("zed")).unwrap();
    let tasks = tasks.as_array().unwrap();
    assert_eq!(tasks.len(), 2);
    for (task, verb) in tasks.iter().zip(["watch", "build"]) {
        let line = task["command"].as_str().unwrap();
        let names = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '{' || c == '_');
        let variables = line.split('$').skip(1).filter(|rest| names(rest));
        assert_eq!(variables.count(), 0, "{line}");
        assert_eq!(task["shell"]["program"], "sh");
        place.assert_calls_for_editor(verb, &place.command("sh").args(["-e", "-c", line]).output().unwrap());
    }
}

#[test]
fn jetbrains_is_xml_with_a_tool_for_each_command() {
    let place = Place::new();
    let text = place.snippet_of("jetbrains", &["testapp", "builder", "img", "--env", "A=b \"c\" <d>&"]);
    let document = roxmltree::Document::parse(&text).unwrap();
    assert_eq!(document.root_element().tag_name().name(), "toolSet");
    let tools: Vec<_> = document.root_element().children().filter(|node| node.has_tag_name("tool")).collect();
    assert_eq!(
        tools.iter().filter_map(|it| it.attribute("name")).collect::<Vec<_>>(),
        ["minis2i watch img", "minis2i build img"]
    );
    let option = |name: &str| {
        let mut options = tools[0].descendants().filter(|node| node.attribute("name") == Some(name));
        options.next().unwrap().attribute("value").unwrap()
    };
    assert_eq!(option("COMMAND"), "minis2i");
    assert_eq!(option("PARAMETERS"), r#"watch --map-paths --problems testapp builder img --env "A=b \"c\" <d>&""#);
    assert_eq!(option("WORKING_DIRECTORY"), "$ProjectFileDir$");
    // All words at once; XML cannot hold some of their characters.
    roxmltree::Document::parse(&place.snippet("jetbrains")).unwrap();
}

#[test]
fn neovim_starts_both_commands_with_the_words_that_were_typed() {
    let place = Place::new();
    place.write("plugin.lua", &place.snippet("neovim"));
    place.write(
        "script.lua",
        "local commands = {}\n\
         package.preload.overseer = function()\n\
           return { register_template = function(it) table.insert(commands, it.builder().cmd) end }\n\
         end\n\
         dofile('plugin.lua')\n\
         io.stdout:write(vim.json.encode(commands))\n\
         vim.cmd('qall!')",
    );
    let mut nvim = place.command("nvim");
    nvim.args(["--headless", "-u", "NONE", "-i", "NONE", "-c", "luafile script.lua"]);
    let Some(printed) = printed_by(&mut nvim) else { return };
    let commands: Value = serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
    for verb in ["watch", "build"] {
        let words: Vec<&str> = ["minis2i", verb, "--map-paths", "--problems"].into_iter().chain(HOSTILE).collect();
        assert!(commands.as_array().unwrap().contains(&json!(words)), "{commands:#}");
    }
}

#[test]
fn make_reads_the_makefile_and_calls_both_commands() {
    let place = Place::new();
    place.write("Makefile", &place.snippet("make"));
    for (target, verb) in [("image", "build"), ("watch", "watch")] {
        let Some(shown) = printed_by(place.command("make").args(["-n", target])) else { return };
        assert_eq!(shown.lines().count(), 1, "{shown}");
        place.assert_line_calls(verb, &shown);
        place.assert_calls(verb, &place.command("make").arg(target).output().unwrap());
    }
}

#[test]
fn just_reads_the_justfile_and_calls_both_commands() {
    let place = Place::new();
    place.write("justfile", &place.snippet("just"));
    for (recipe, verb) in [("image", "build"), ("watch", "watch")] {
        let Some(output) = output_of(place.command("just").arg(recipe)) else { return };
        place.assert_calls(verb, &output);
    }
}

#[test]
fn compose_runs_the_image_and_never_pulls_it() {
    let place = Place::new();
    let text = place.snippet("compose");
    let service = &yaml(&text)["services"]["img"];
    assert_eq!(*service, json!({"image": HOSTILE[2], "pull_policy": "never"}), "{text}");
    let line = text.lines().find_map(|line| line.strip_prefix("#   ")).unwrap();
    place.assert_line_calls("watch", line);
    place.write("compose.yaml", &text);
    let shown = printed_by(place.command("docker-compose").args(["--file", "compose.yaml", "config"]));
    assert!(shown.is_none_or(|shown| yaml(&shown)["services"]["img"]["image"] == HOSTILE[2]));
}

#[test]
fn tilt_builds_what_it_expects_and_watches_what_is_sent() {
    let place = Place::new();
    place.write("Tiltfile", &place.snippet("tilt"));
    let program = "import ast, json, sys\n\
        [statement] = ast.parse(open('Tiltfile').read()).body\n\
        call = statement.value\n\
        assert call.func.id == 'custom_build'\n\
        named = {word.arg: ast.literal_eval(word.value) for word in call.keywords}\n\
        print(json.dumps([[ast.literal_eval(word) for word in call.args], named]))";
    let Some(read) = printed_by(place.command("python3").args(["-c", program])) else { return };
    let read: Value = serde_json::from_str(&read).unwrap();
    assert_eq!(read[0][0], "reg:5000/team/img");
    place.assert_line_calls("build", read[0][1].as_str().unwrap());
    let named = &read[1];
    assert_eq!(
        (&named["deps"], &named["disable_push"], &named["skips_local_docker"]),
        (&json!(["app dir"]), &json!(false), &json!(false))
    );
    assert!(texts(&named["ignore"]).contains(&"**/*.log"), "{named:#}");
}

#[test]
fn skaffold_builds_what_it_expects_and_watches_what_is_sent() {
    let place = Place::new();
    let text = place.snippet("skaffold");
    let file = yaml(&text);
    assert_eq!(file["kind"], "Config");
    let artifact = &file["build"]["artifacts"][0];
    assert_eq!((&artifact["image"], &artifact["context"]), (&json!("reg:5000/team/img"), &json!(".")));
    let command = artifact["custom"]["buildCommand"].as_str().unwrap();
    assert!(!command.contains("{{"), "{command}");
    let output = place.command("sh").args(["-e", "-c", command]).output().unwrap();
    place.assert_words(&["build", "--push=false"], &output);
    let pushed = place.snippet_of("skaffold", &["app dir", "builder", "img", "--push"]);
    assert!(pushed.contains(" --push") && !pushed.contains("PUSH_IMAGE"), "{pushed}");
    let dependencies = &artifact["custom"]["dependencies"];
    assert_eq!(dependencies["paths"], json!(["app dir"]));
    assert!(texts(&dependencies["ignore"]).contains(&"app dir/**/*.log"), "{dependencies:#}");
}

#[test]
fn skaffold_asks_which_files_count_where_the_command_needs_no_quotes() {
    let place = Place::new();
    for file in ["deep/app/a.py", "deep/app/b.log", "deep/app/c.tmp"] {
        std::fs::create_dir_all(place.path().join("deep/app")).unwrap();
        place.write(file, "");
    }
    place.write("deep/app/.s2iignore", "*.tmp\n");
    let file = yaml(&place.snippet_of("skaffold", &["./deep/app/", "builder", "img", "--exclude=*.log"]));
    let artifact = &file["build"]["artifacts"][0];
    assert_eq!(artifact["context"], "deep/app");
    let dependencies = &artifact["custom"]["dependencies"];
    assert_eq!(*dependencies, json!({"command": "minis2i files --json --exclude=*.log ./deep/app"}));
    let words = dependencies["command"].as_str().unwrap().split(' ').skip(1);
    let listed = Run::new().args(&words.collect::<Vec<_>>()).current_dir(place.path()).success().stdout;
    assert_eq!(serde_json::from_str::<Value>(&listed).unwrap(), json!([".s2iignore", "a.py"]));
    // The build itself runs where the words were typed.
    let mut build = place.command("sh");
    build.args(["-e", "-c", artifact["custom"]["buildCommand"].as_str().unwrap()]);
    build.env("BUILD_CONTEXT", place.path().join("deep/app")).env("IMAGE", "img:1");
    place.write("minis2i", "#!/bin/sh\npwd >\"$WORDS\"\n");
    assert!(build.current_dir("/").status().unwrap().success());
    let folder = std::fs::read_to_string(place.path().join("words")).unwrap();
    assert_eq!(folder.trim(), place.path().canonicalize().unwrap().to_str().unwrap());
}

#[test]
fn github_actions_gets_the_builder_and_builds() {
    let place = Place::new();
    let text = place.snippet("github-actions");
    let steps = yaml(&text)["jobs"]["image"]["steps"].clone();
    let lines: Vec<&str> = steps.as_array().unwrap().iter().filter_map(|step| step["run"].as_str()).collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].ends_with("docker pull reg:5000/builder"), "{text}");
    assert!(!lines[1].contains("${{"), "{text}");
    place.assert_line_calls("build", lines[1]);
    let pulls = [&HOSTILE[..], &["--pull-policy", "if-not-present"]].concat();
    assert!(!place.snippet_of("github-actions", &pulls).contains("docker pull"));
}

#[test]
fn systemd_accepts_the_unit() {
    let place = Place::new();
    let text = place.snippet("systemd");
    place.write("minis2i-img.service", &text);
    let unit = place.path().join("minis2i-img.service");
    let Some(output) = output_of(place.command("systemd-analyze").args(["--user", "verify"]).arg(unit)) else { return };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // Other units of the machine may be wrong; complaints about this one name it.
    assert!(!said.contains("minis2i-img.service"), "{said}\n{text}");
    let directory = format!("WorkingDirectory={}\n", place.path().display());
    assert!(text.contains(&directory) && text.contains("ExecStart=/"), "{text}");
}
