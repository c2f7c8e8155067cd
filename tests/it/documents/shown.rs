//! What a document shows: commands, and the lines that they print; and what stands for what in a test.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

use crate::support::builder::Builder;
use crate::support::engine::unique_name;
use crate::support::image::remove_with_results;

/// A command, and the lines that are shown below it.
#[derive(Debug, Default)]
pub struct Step {
    pub command: String,
    pub shown: Vec<String>,
}

/// The blocks of sessions in a document.
pub fn sessions(text: &str) -> Vec<Vec<Step>> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line != "```console" {
            continue;
        }
        let mut steps: Vec<Step> = Vec::new();
        for line in lines.by_ref().take_while(|line| *line != "```") {
            match line.strip_prefix("$ ") {
                Some(command) => steps.push(Step { command: command.to_owned(), shown: Vec::new() }),
                None => steps.last_mut().expect("a session begins with a command").shown.push(line.to_owned()),
            }
        }
        blocks.push(steps);
    }
    blocks
}

/// The names of images in a document, with those that only this test uses; and ports, with free ones. Images of the test
/// are removed at the end.
pub struct Names {
    words: BTreeMap<String, String>,
    borrowed: Option<String>,
    /// What images are built on with `docker build`.
    base: Option<Builder>,
}

/// The names for these commands. `web_builder` is an image that is there already.
pub fn names(commands: &[&str], web_builder: Option<&str>) -> Names {
    let mut words = BTreeMap::new();
    for word in commands.iter().flat_map(|command| command.split(|c| !is_word(c))) {
        let name = match word {
            "web-builder" => web_builder.unwrap().to_owned(),
            "builder" => unique_name("documents"),
            word if word.ends_with("img") => unique_name("documents"),
            "8080" | "8081" => free_port(),
            _ => continue,
        };
        words.entry(word.to_owned()).or_insert(name);
    }
    let base = words.contains_key("builder").then(Builder::base_of_one_test);
    Names { words, borrowed: web_builder.map(str::to_owned), base }
}

fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_./".contains(c)
}

impl Names {
    /// A command of a document as it is typed here. The port of an app inside its container, which is the second one of
    /// `8080:8080`, stays.
    pub fn typed(&self, command: &str) -> String {
        let mut typed = String::new();
        let mut rest = command;
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|c| is_word(c) != is_word(first)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            let is_inside = typed.ends_with(':') && typed.trim_end_matches(':').ends_with(|c: char| c.is_ascii_digit());
            let is_address = typed.ends_with("127.0.0.1:");
            match self.words.get(word) {
                Some(name) if !is_inside || is_address => typed.push_str(name),
                _ => typed.push_str(word),
            }
            rest = after;
        }
        match &self.base {
            Some(base) => typed.replace("docker build ", &format!("docker build --build-arg BASE={} ", base.name())),
            None => typed,
        }
    }

    /// What was printed, with the names of the document.
    pub fn read(&self, output: &str) -> String {
        let mut names: Vec<_> = self.words.iter().collect();
        // A name may begin with another one.
        names.sort_by_key(|(_, name)| std::cmp::Reverse(name.len()));
        names.into_iter().fold(output.to_owned(), |output, (word, name)| output.replace(name.as_str(), word))
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        let images = self.words.values().filter(|name| self.borrowed.as_ref() != Some(name));
        for image in images {
            remove_with_results(image);
        }
    }
}

/// A folder with the sample pair in it; the builder's under the name of its image, too.
pub fn folder(root: &Path, names: &Names) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (part, files) in [("testapp", &["input.txt"][..]), ("builder", &BUILDER)] {
        for file in files {
            let to = folder.path().join(part).join(file);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(root.join(part).join(file), to).unwrap();
        }
    }
    if let Some(name) = names.words.get("builder") {
        symlink("builder", folder.path().join(name)).unwrap();
    }
    folder
}

const BUILDER: [&str; 5] = ["Dockerfile", "s2i/bin/assemble", "s2i/bin/run", "s2i/bin/save-artifacts", "s2i/bin/usage"];

/// A line without what is another one each time: ids, times and the list of phases.
pub fn shape(line: &str) -> String {
    let is_end = ["minis2i: build ok:", "minis2i: build failed:"].iter().any(|begin| line.starts_with(begin));
    let line = if is_end { line.split(" (").next().unwrap_or(line) } else { line };
    let words = line.trim_end_matches("...").split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '.'));
    let shape = words.map(|word| {
        let end = word.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(word.len());
        let (word, rest) = word.split_at(end);
        let is_id = word.len() >= 12 && word.chars().all(|c| c.is_ascii_hexdigit());
        let is_time = word.contains('.') && word.parse::<f64>().is_ok();
        format!(
            "{}{rest}",
            if is_id {
                "ID"
            } else if is_time {
                "TIME"
            } else {
                word
            }
        )
    });
    shape.collect()
}

#[test]
fn ids_times_and_phases_do_not_count() {
    let line = "minis2i: build ok: img is 276d1b882ac4, 0.41 s (start 0.30)";
    assert_eq!(shape(line), "minis2i: build ok: img is ID, TIME s");
    assert_eq!(shape("sha256:276d1b882ac4..."), "sha256:ID");
    assert_eq!(shape("127.0.0.1 hello"), "127.0.0.1 hello");
}

#[test]
fn names_and_ports_are_replaced_as_whole_words() {
    let words = [("img", "a-1"), ("builder", "a-12"), ("8080", "4711")];
    let words = words.map(|(word, name)| (word.to_owned(), name.to_owned())).into();
    let names = Names { words, borrowed: None, base: None };
    assert_eq!(
        names.typed("minis2i watch -p 8080:8080 builder/x builder img &"),
        "minis2i watch -p 4711:8080 builder/x a-12 a-1 &"
    );
    assert_eq!(names.typed("curl http://127.0.0.1:8080"), "curl http://127.0.0.1:4711");
    assert_eq!(names.read("a-12 makes a-1"), "builder makes img");
}
