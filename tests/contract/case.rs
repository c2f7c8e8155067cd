//! A case as data, and the one way to run it.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use filetime::FileTime;
use serde_json::Value;

use crate::support::{Base, Builder, Entry, Outcome, Project, docker, shared};

/// Makes a test of each case.
macro_rules! cases {
    ($($name:ident { $($fields:tt)* })*) => {
        $(
            #[test]
            fn $name() {
                const CASE: $crate::case::Case = $crate::case::Case { $($fields)* ..$crate::case::CASE };
                CASE.check();
            }
        )*
    };
}

/// A builder, a source, builds, and what comes of the last one.
pub struct Case {
    /// The row of the contract.
    pub row: &'static str,
    pub builder: Shape,
    pub source: &'static [Item],
    /// Builds before, which must succeed.
    pub before: &'static [Build],
    pub build: Build,
    /// The exit status. After any but 0 the tag must be where it was.
    pub status: i32,
    pub expect: &'static [Expect],
}

pub const CASE: Case =
    Case { row: "", builder: PROBE, source: &[], before: &[], build: BUILD, status: 0, expect: &[] };

/// A builder image. Those of the same name are the same one.
#[derive(Clone, Copy)]
pub struct Shape {
    pub name: &'static str,
    /// A command that is run in the base first.
    pub base: &'static str,
    /// The folder of its scripts, or nothing for a builder without any. `assemble` evaluates the variable `ASSEMBLE`,
    /// `save-artifacts` evaluates `SAVE`, and `run` prints `/app/out`.
    pub scripts: &'static str,
    /// The instruction that names the folder.
    pub label: &'static str,
    pub files: &'static [(&'static str, u32, &'static str)],
    /// The user of the image as USER has it, and as numbers; `/app` is his.
    pub user: Option<(&'static str, u64, u64)>,
    pub changes: &'static [&'static str],
    /// Instructions that a commit does not take.
    pub dockerfile: &'static str,
}

/// A builder of root with all it needs.
pub const PROBE: Shape = Shape {
    name: "probe",
    base: "",
    scripts: "usr/libexec/s2i",
    label: "LABEL io.openshift.s2i.scripts-url=image:///usr/libexec/s2i",
    files: &[],
    user: None,
    changes: &[],
    dockerfile: "",
};

/// The same for a user without an account.
pub const NUMERIC: Shape = Shape { name: "numeric", user: Some(("1234", 1234, 0)), ..PROBE };

/// The scripts of a builder.
const SCRIPTS: [(&str, &str); 3] = [
    ("assemble", "#!/bin/sh\nset -e\necho '--- said'\neval \"$ASSEMBLE\"\necho '--- end'\n"),
    ("save-artifacts", "#!/bin/sh\neval \"$SAVE\"\n"),
    ("run", "#!/bin/sh\nexec cat /app/out\n"),
];

/// Something in the source, or beside it where the path begins with `../`. Modes are 644 and 755 unless said otherwise.
pub enum Item {
    File(&'static str, &'static str),
    Bytes(&'static str, fn() -> Vec<u8>),
    Folder(&'static str),
    Link(&'static str, &'static str),
    HardLink(&'static str, &'static str),
    Fifo(&'static str),
    Socket(&'static str),
    /// An empty file of this size, all hole.
    Hole(&'static str, u64),
    Mode(&'static str, u32),
    /// The time of the last change, in seconds.
    Time(&'static str, i64),
}

/// One build. It runs in the folder that the source lies in; in texts `{source}`, `{tag}`, `{name}` (the tag
/// without what is added to it), `{builder}` and `{id}` (the builder's) stand for what they say.
pub struct Build {
    /// What happens to the source before.
    pub change: &'static [Item],
    pub options: &'static [&'static str],
    pub typed_source: &'static str,
    pub typed_builder: &'static str,
    /// What is added to the tag.
    pub tag: &'static str,
    pub assemble: &'static str,
    pub save: &'static str,
}

pub const BUILD: Build = Build {
    change: &[],
    options: &[],
    typed_source: "{source}",
    typed_builder: "{builder}",
    tag: "",
    assemble: "",
    save: "",
};

/// What is to be true after the last build.
pub enum Expect {
    Says(&'static str),
    NeverSays(&'static str),
    /// So many times.
    SaysTimes(&'static str, usize),
    /// The lines that `assemble` printed.
    Said(&'static [&'static str]),
    /// All that is below a folder of the image: `f 644 0:0 PATH = CONTENT`, `d 755 0:0 PATH`, `l 0:0 PATH -> TARGET`.
    Tree(&'static str, &'static [&'static str]),
    /// Something there as in a tree, among others.
    Among(&'static str, &'static str),
    Lacks(&'static str),
    /// A file's time of the last change, by folder and path.
    Time(&'static str, &'static str, i64),
    /// A field of the configuration, as JSON.
    Config(&'static str, &'static str),
    /// Fields of the configuration that are the builder's.
    Inherited(&'static [&'static str]),
    /// The variables of the image that are not the builder's.
    Env(&'static [(&'static str, &'static str)]),
    Label(&'static str, &'static str),
    NoLabel(&'static str),
    /// What the image prints when it runs.
    Runs(&'static str),
    /// Bytes that neither a layer nor the configuration nor the history of the image has.
    Nowhere(&'static str),
    /// How many layers it has more than the builder.
    Layers(usize),
    /// How many containers were started, of a build with `--verbose`.
    Started(usize),
}

impl Case {
    /// Runs it.
    pub fn check(&self) {
        // Shown when the case fails.
        println!("the contract's row {}", self.row);
        let builder = self.builder.made();
        let mut setting = Setting { project: Project::new(), builder };
        fs::create_dir_all(setting.project.path()).unwrap();
        fs::set_permissions(setting.project.path(), Permissions::from_mode(0o755)).unwrap();
        plant(&setting.project.path(), self.source);
        for build in self.before {
            setting.run(build).status(0);
        }
        let untouched = setting.project.tag.clone();
        let before = setting.project.id();
        let outcome = setting.run(&self.build).status(self.status);
        if self.status == 0 {
            assert_eq!(setting.project.id().as_deref(), Some(outcome.stdout.trim()), "{outcome}");
        } else {
            setting.project.tag = untouched;
            assert_eq!(setting.project.id(), before, "the tag moved\n{outcome}");
        }
        for expect in self.expect {
            setting.check(expect, &outcome);
        }
    }
}

impl Shape {
    fn made(&self) -> Arc<Builder> {
        shared(self.name, || {
            let mut builder = Builder::bare().change("WORKDIR /app");
            let base = (!self.base.is_empty()).then(|| Base::after(self.base));
            if let Some(base) = &base {
                builder = builder.base(base.name());
            }
            if !self.scripts.is_empty() {
                for (name, text) in SCRIPTS {
                    builder = builder.file(&format!("{}/{name}", self.scripts), 0o755, text);
                }
            }
            for (path, mode, text) in self.files {
                builder = builder.file(path, *mode, text);
            }
            if let Some((user, uid, gid)) = self.user {
                builder = builder.user(user, uid, gid);
            }
            for change in [self.label].iter().chain(self.changes).filter(|change| !change.is_empty()) {
                builder = builder.change(change);
            }
            let builder = builder.make();
            if self.dockerfile.is_empty() { builder } else { builder.build_on(self.dockerfile) }
        })
    }
}

/// Puts things where they belong.
fn plant(source: &Path, items: &[Item]) {
    let place = |path: &str| {
        let place = source.join(path);
        let mut folder = source.to_owned();
        for part in Path::new(path).parent().unwrap() {
            folder.push(part);
            if !folder.exists() {
                fs::create_dir(&folder).unwrap();
                fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
            }
        }
        place
    };
    let mode = |path: &str, mode: u32| fs::set_permissions(source.join(path), Permissions::from_mode(mode)).unwrap();
    for item in items {
        match *item {
            Item::File(path, text) => {
                fs::write(place(path), text).unwrap();
                mode(path, 0o644);
            }
            Item::Bytes(path, content) => {
                fs::write(place(path), content()).unwrap();
                mode(path, 0o644);
            }
            Item::Folder(path) => {
                fs::create_dir(place(path)).unwrap();
                mode(path, 0o755);
            }
            Item::Link(path, target) => symlink(target, place(path)).unwrap(),
            Item::HardLink(path, first) => fs::hard_link(source.join(first), place(path)).unwrap(),
            Item::Fifo(path) => {
                assert!(Command::new("mkfifo").arg(place(path)).status().unwrap().success());
            }
            Item::Socket(path) => drop(UnixListener::bind(place(path)).unwrap()),
            Item::Hole(path, size) => {
                File::create(place(path)).unwrap().set_len(size).unwrap();
                mode(path, 0o644);
            }
            Item::Mode(path, bits) => mode(path, bits),
            Item::Time(path, seconds) => {
                let time = FileTime::from_unix_time(seconds, 0);
                filetime::set_symlink_file_times(source.join(path), time, time).unwrap();
            }
        }
    }
}

/// What a case runs with.
struct Setting {
    project: Project,
    builder: Arc<Builder>,
}

impl Setting {
    fn run(&mut self, build: &Build) -> Outcome {
        plant(&self.project.path(), build.change);
        self.project.tag = format!("{}{}", self.name(), build.tag);
        let options: Vec<String> = build.options.iter().map(|option| self.filled(option)).collect();
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let mut run = self.project.build(&self.builder).current_dir(self.project.locks()).args(&options);
        run = run.source(&self.filled(build.typed_source)).builder(&self.filled(build.typed_builder));
        if !build.assemble.is_empty() {
            run = run.assemble(build.assemble);
        }
        if !build.save.is_empty() {
            run = run.save(build.save);
        }
        run.run()
    }

    /// The tag without what a build adds to it.
    fn name(&self) -> &str {
        self.project.tag.split([':', '@']).next().unwrap()
    }

    fn filled(&self, text: &str) -> String {
        let text = if text.contains("{id}") { text.replace("{id}", &self.builder.id()) } else { text.to_owned() };
        text.replace("{source}", &self.project.path().display().to_string())
            .replace("{tag}", &self.project.tag)
            .replace("{name}", self.name())
            .replace("{builder}", self.builder.name())
    }

    fn check(&self, expect: &Expect, outcome: &Outcome) {
        let image = self.project.image();
        match *expect {
            Expect::Says(text) => assert!(outcome.stderr.contains(text), "`{text}` is missing\n{outcome}"),
            Expect::NeverSays(text) => assert!(!outcome.stderr.contains(text), "`{text}` is there\n{outcome}"),
            Expect::SaysTimes(text, times) => {
                assert_eq!(outcome.stderr.matches(text).count(), times, "`{text}`\n{outcome}");
            }
            Expect::Said(lines) => assert_eq!(outcome.said(), lines, "{outcome}"),
            Expect::Tree(folder, lines) => assert_eq!(self.tree(folder), lines, "{folder}\n{outcome}"),
            Expect::Among(folder, line) => {
                let tree = self.tree(folder);
                assert!(tree.iter().any(|known| known == line), "`{line}` is missing in {folder}: {tree:#?}\n{outcome}");
            }
            Expect::Lacks(path) => assert!(!image.has(path), "{path} is there\n{outcome}"),
            Expect::Time(folder, path, seconds) => {
                let time = &image.files(folder)[path.as_bytes()].mtime;
                assert_eq!(time.split('.').next(), Some(&*seconds.to_string()), "{folder}/{path}\n{outcome}");
            }
            Expect::Config(field, json) => {
                let expected: Value = serde_json::from_str(json).unwrap();
                assert_eq!(image.config()[field], expected, "{field}\n{outcome}");
            }
            Expect::Inherited(fields) => {
                let (before, after) = (config(self.builder.name()), image.config());
                for field in fields {
                    assert_eq!(after[field], before[field], "{field}\n{outcome}");
                }
            }
            Expect::Env(expected) => {
                let expected: Vec<_> = expected.iter().map(|(name, value)| format!("{name}={value}")).collect();
                assert_eq!(self.own_variables(), expected, "{outcome}");
            }
            Expect::Label(name, value) => assert_eq!(image.label(name), Some(self.filled(value)), "{name}\n{outcome}"),
            Expect::NoLabel(name) => assert_eq!(image.label(name), None, "{name}\n{outcome}"),
            Expect::Runs(text) => assert_eq!(image.run(&[]), text, "{outcome}"),
            Expect::Nowhere(text) => {
                let saved = Command::new("docker").args(["save", &self.project.tag]).output().unwrap();
                assert!(saved.status.success());
                let found = saved.stdout.windows(text.len()).any(|window| window == text.as_bytes());
                assert!(!found, "`{text}` is in the image\n{outcome}");
            }
            Expect::Layers(more) => {
                assert_eq!(layers(&self.project.tag), layers(self.builder.name()) + more, "{outcome}");
            }
            Expect::Started(count) => {
                let runs = outcome.stderr.lines().filter(|line| line.starts_with("$ docker run ")).count();
                assert_eq!(runs, count, "{outcome}");
            }
        }
    }

    fn tree(&self, folder: &str) -> Vec<String> {
        let files = self.project.image().files(folder);
        files.iter().map(|(path, entry)| line(&String::from_utf8_lossy(path), entry)).collect()
    }

    /// The variables of the image that are not the builder's; none may be there twice.
    fn own_variables(&self) -> Vec<String> {
        let list = |config: &Value| -> Vec<String> {
            let list = config["Env"].as_array().into_iter().flatten();
            list.map(|pair| pair.as_str().unwrap().to_owned()).collect()
        };
        let (before, after) = (list(&config(self.builder.name())), list(&self.project.image().config()));
        let names: BTreeSet<_> = after.iter().map(|pair| pair.split('=').next().unwrap()).collect();
        assert_eq!(names.len(), after.len(), "a variable is there twice: {after:?}");
        let ours = |pair: &String| ["ASSEMBLE=", "SAVE="].iter().any(|name| pair.starts_with(name));
        let mut own: Vec<_> = after.iter().filter(|pair| !before.contains(pair) && !ours(pair)).cloned().collect();
        own.sort();
        own
    }
}

/// An entry of a file system in one line.
fn line(path: &str, entry: &Entry) -> String {
    let path = if path.is_empty() { "." } else { path };
    let (uid, gid) = entry.owner;
    let link = String::from_utf8_lossy(&entry.link);
    match entry.kind {
        'l' => format!("l {uid}:{gid} {path} -> {link}"),
        'd' => format!("d {:o} {uid}:{gid} {path}", entry.mode),
        kind => {
            let content = String::from_utf8_lossy(&entry.content).escape_debug().to_string();
            format!("{kind} {:o} {uid}:{gid} {path} = {content}", entry.mode)
        }
    }
}

fn config(image: &str) -> Value {
    serde_json::from_str(&docker(&["image", "inspect", "--format", "{{json .Config}}", image])).unwrap()
}

fn layers(image: &str) -> usize {
    docker(&["image", "inspect", "--format", "{{len .RootFS.Layers}}", image]).parse().unwrap()
}
