//! A case as data, and the one way to run it.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use filetime::FileTime;
use serde_json::Value;

use crate::support::archive::{Entry, entries};
use crate::support::base_image::Base;
use crate::support::builder::{Builder, shared};
use crate::support::engine::{docker, try_docker};
use crate::support::outcome::Outcome;
use crate::support::project::Project;

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

pub const CASE: Case = Case { row: "", builder: PROBE, source: &[], before: &[], build: BUILD, status: 0, expect: &[] };

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
    Somewhere(&'static str),
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
        let mut setting = Setting { builder: self.builder.made(), project: Project::new() };
        fs::create_dir_all(setting.project.path()).unwrap();
        fs::set_permissions(setting.project.path(), Permissions::from_mode(0o755)).unwrap();
        plant(&setting.project.path(), self.source);
        for build in self.before {
            setting.run(build).status(0);
        }
        let tag = setting.project.tag.clone();
        let before = if self.status == 0 { None } else { setting.project.id() };
        let outcome = setting.run(&self.build).status(self.status);
        if self.status != 0 {
            setting.project.tag = tag;
            assert_eq!(setting.project.id(), before, "the tag moved\n{outcome}");
        }
        let result = Made::new(&setting);
        assert!(self.status != 0 || result.inspected()["Id"] == outcome.stdout.trim(), "{outcome}");
        for expect in self.expect {
            result.check(expect, &outcome);
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
    builder: Arc<Builder>,
    project: Project,
}

impl Setting {
    fn run(&mut self, build: &Build) -> Outcome {
        plant(&self.project.path(), build.change);
        self.project.tag = format!("{}{}", self.name(), build.tag);
        let mut run = self.project.build(&self.builder).current_dir(self.project.locks());
        for option in build.options {
            run = run.arg(self.filled(option));
        }
        if !build.options.contains(&"--network") {
            // Containers start in half the time without one.
            run = run.args(&["--network", "none"]);
        }
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
}

/// The image that came out, looked at once.
struct Made<'a> {
    setting: &'a Setting,
    inspected: OnceCell<Value>,
    builder: OnceCell<Value>,
    container: OnceCell<String>,
}

impl<'a> Made<'a> {
    fn new(setting: &'a Setting) -> Self {
        Self { setting, inspected: OnceCell::new(), builder: OnceCell::new(), container: OnceCell::new() }
    }

    fn inspected(&self) -> &Value {
        self.inspected.get_or_init(|| inspect(&self.setting.project.tag))
    }

    fn builder(&self) -> &Value {
        self.builder.get_or_init(|| inspect(self.setting.builder.name()))
    }

    fn config(&self, field: &str) -> &Value {
        &self.inspected()["Config"][field]
    }

    fn check(&self, expect: &Expect, outcome: &Outcome) {
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
                assert!(
                    tree.iter().any(|known| known == line),
                    "`{line}` is missing in {folder}: {tree:#?}\n{outcome}"
                );
            }
            Expect::Lacks(path) => assert_eq!(self.files(path), None, "{path} is there\n{outcome}"),
            Expect::Time(folder, path, seconds) => {
                let time = &self.files(folder).unwrap()[path.as_bytes()].mtime;
                assert_eq!(time.split('.').next(), Some(&*seconds.to_string()), "{folder}/{path}\n{outcome}");
            }
            Expect::Config(field, json) => {
                let expected: Value = serde_json::from_str(json).unwrap();
                assert_eq!(*self.config(field), expected, "{field}\n{outcome}");
            }
            Expect::Inherited(fields) => {
                for field in fields {
                    assert_eq!(*self.config(field), self.builder()["Config"][field], "{field}\n{outcome}");
                }
            }
            Expect::Env(expected) => {
                let expected: Vec<_> = expected.iter().map(|(name, value)| format!("{name}={value}")).collect();
                assert_eq!(self.own_variables(), expected, "{outcome}");
            }
            Expect::Label(name, value) => {
                let label = self.config("Labels")[name].as_str();
                assert_eq!(label, Some(&*self.setting.filled(value)), "{name}\n{outcome}");
            }
            Expect::NoLabel(name) => assert_eq!(self.config("Labels")[name], Value::Null, "{name}\n{outcome}"),
            Expect::Runs(text) => assert_eq!(self.setting.project.image().run(&[]), text, "{outcome}"),
            Expect::Somewhere(text) => assert!(self.has_bytes(text), "`{text}` is not in the image\n{outcome}"),
            Expect::Nowhere(text) => assert!(!self.has_bytes(text), "`{text}` is in the image\n{outcome}"),
            Expect::Layers(more) => {
                let layers = |image: &Value| image["RootFS"]["Layers"].as_array().unwrap().len();
                assert_eq!(layers(self.inspected()), layers(self.builder()) + more, "{outcome}");
            }
            Expect::Started(count) => {
                let runs = outcome.stderr.lines().filter(|line| line.starts_with("$ docker run ")).count();
                assert_eq!(runs, count, "{outcome}");
            }
        }
    }

    /// What there is below a path of the image.
    fn files(&self, path: &str) -> Option<BTreeMap<Vec<u8>, Entry>> {
        let image = &self.setting.project.tag;
        let container = self.container.get_or_init(|| docker(&["create", "--network", "none", image, "/none"]));
        let output = try_docker(&["cp", &format!("{container}:{path}"), "-"]);
        if output.status.success() {
            return Some(entries(&output.stdout));
        }
        let words = String::from_utf8_lossy(&output.stderr);
        let missing = words.contains("Could not find") || words.to_lowercase().contains("no such file");
        assert!(missing, "{path}: {words}");
        None
    }

    fn tree(&self, folder: &str) -> Vec<String> {
        let files = self.files(folder).unwrap_or_else(|| panic!("the image has no {folder}"));
        files.iter().map(|(path, entry)| line(&String::from_utf8_lossy(path), entry)).collect()
    }

    fn has_bytes(&self, text: &str) -> bool {
        let saved = try_docker(&["save", &self.setting.project.tag]);
        assert!(saved.status.success());
        saved.stdout.windows(text.len()).any(|window| window == text.as_bytes())
    }

    /// The variables of the image that are not the builder's; none may be there twice.
    fn own_variables<'b>(&'b self) -> Vec<&'b str> {
        let list = |image: &'b Value| image["Config"]["Env"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let names: BTreeSet<_> = list(self.inspected()).map(|pair| pair.split('=').next()).collect();
        assert_eq!(names.len(), list(self.inspected()).count(), "a variable is there twice");
        let before: BTreeSet<_> = list(self.builder()).collect();
        let orders = |pair: &&str| pair.starts_with("ASSEMBLE=") || pair.starts_with("SAVE=");
        let mut own: Vec<_> = list(self.inspected()).filter(|pair| !before.contains(pair) && !orders(pair)).collect();
        own.sort_unstable();
        own
    }
}

impl Drop for Made<'_> {
    fn drop(&mut self) {
        if let Some(container) = self.container.get() {
            try_docker(&["rm", "-fv", container]);
        }
    }
}

fn inspect(image: &str) -> Value {
    let images: Value = serde_json::from_str(&docker(&["image", "inspect", image])).unwrap();
    images[0].clone()
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
