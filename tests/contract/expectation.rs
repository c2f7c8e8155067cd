//! What must be true after the last build of a case, as data, and checking it.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::build::CaseContext;
use crate::support::archive::{Entry, entries};
use crate::support::containers::remove_container;
use crate::support::image::{archive_of, find_image};
use crate::support::outcome::Outcome;

/// What must be true after the last build.
pub enum Expect {
    InStderr(&'static str),
    NotInStderr(&'static str),
    /// The text is in stderr exactly so many times.
    InStderrTimes(&'static str, usize),
    /// The lines that `assemble` printed.
    AssemblePrints(&'static [&'static str]),
    /// All that is below a folder of the image: `f 644 0:0 PATH = CONTENT`, `d 755 0:0 PATH`, `l 0:0 PATH -> TARGET`.
    Tree(&'static str, &'static [&'static str]),
    /// One line of what `Tree` lists.
    TreeHas(&'static str, &'static str),
    NoPath(&'static str),
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
    ImagePrints(&'static str),
    /// Bytes that neither a layer nor the configuration nor the history of the image has.
    NoBytes(&'static str),
    HasBytes(&'static str),
    /// How many layers it has more than the builder.
    AddedLayers(usize),
    /// How many containers were started, of a build with `--verbose`.
    ContainersStarted(usize),
}

/// The image that came out. What was asked of the engine once is kept.
pub struct BuiltImage<'a> {
    context: &'a CaseContext,
    inspected: OnceCell<Value>,
    builder: OnceCell<Value>,
    container: OnceCell<String>,
}

impl<'a> BuiltImage<'a> {
    pub fn new(context: &'a CaseContext) -> Self {
        Self { context, inspected: OnceCell::new(), builder: OnceCell::new(), container: OnceCell::new() }
    }

    pub fn inspected(&self) -> &Value {
        self.inspected.get_or_init(|| inspect(&self.context.project.tag))
    }

    fn builder(&self) -> &Value {
        self.builder.get_or_init(|| inspect(self.context.builder.name()))
    }

    fn config(&self, field: &str) -> &Value {
        &self.inspected()["Config"][field]
    }

    pub fn check(&self, expect: &Expect, outcome: &Outcome) {
        match *expect {
            Expect::InStderr(text) => assert!(outcome.stderr.contains(text), "`{text}` is missing\n{outcome}"),
            Expect::NotInStderr(text) => assert!(!outcome.stderr.contains(text), "`{text}` is there\n{outcome}"),
            Expect::InStderrTimes(text, times) => {
                assert_eq!(outcome.stderr.matches(text).count(), times, "`{text}`\n{outcome}");
            }
            Expect::AssemblePrints(lines) => assert_eq!(outcome.assemble_output(), lines, "{outcome}"),
            Expect::Tree(folder, lines) => assert_eq!(self.tree(folder), lines, "{folder}\n{outcome}"),
            Expect::TreeHas(folder, line) => {
                let tree = self.tree(folder);
                assert!(
                    tree.iter().any(|known| known == line),
                    "`{line}` is missing in {folder}: {tree:#?}\n{outcome}"
                );
            }
            Expect::NoPath(path) => assert_eq!(self.files(path), None, "{path} is there\n{outcome}"),
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
                assert_eq!(label, Some(&*self.context.filled(value)), "{name}\n{outcome}");
            }
            Expect::NoLabel(name) => assert_eq!(self.config("Labels")[name], Value::Null, "{name}\n{outcome}"),
            Expect::ImagePrints(text) => assert_eq!(self.context.project.image().run(&[]), text, "{outcome}"),
            Expect::HasBytes(text) => {
                assert!(self.context.project.image().has_bytes(text), "`{text}` is not in the image\n{outcome}")
            }
            Expect::NoBytes(text) => {
                assert!(!self.context.project.image().has_bytes(text), "`{text}` is in the image\n{outcome}")
            }
            Expect::AddedLayers(more) => {
                let layers = |image: &Value| image["RootFS"]["Layers"].as_array().unwrap().len();
                assert_eq!(layers(self.inspected()), layers(self.builder()) + more, "{outcome}");
            }
            Expect::ContainersStarted(count) => assert_eq!(outcome.containers_started(), count, "{outcome}"),
        }
    }

    /// What there is below a path of the image.
    fn files(&self, path: &str) -> Option<BTreeMap<Vec<u8>, Entry>> {
        let container = self.container.get_or_init(|| self.context.project.image().container());
        let answer = archive_of(container, path);
        if answer.is_success() {
            return Some(entries(&answer.body));
        }
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        None
    }

    fn tree(&self, folder: &str) -> Vec<String> {
        let files = self.files(folder).unwrap_or_else(|| panic!("the image has no {folder}"));
        files.iter().map(|(path, entry)| line(&String::from_utf8_lossy(path), entry)).collect()
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

impl Drop for BuiltImage<'_> {
    fn drop(&mut self) {
        if let Some(container) = self.container.get() {
            remove_container(container);
        }
    }
}

fn inspect(image: &str) -> Value {
    find_image(image).unwrap_or_else(|| panic!("there is no image {image}"))
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
