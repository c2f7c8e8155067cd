//! What the documents show as typed is typed here: the sessions (`console`) of the README and of each page in `docs/`, in
//! their order, each document in a folder of its own with the sample pair in it.

mod session;
mod shown;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::app::fixtures::shared_web_builder;
use crate::support::builder::Builder;
use session::Session;
use shown::{Step, sessions};

/// Types all sessions of a document.
fn works_as_typed(document: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join(document)).unwrap();
    let web_builder: Option<Arc<Builder>> = text.contains("web-builder").then(shared_web_builder);
    let blocks = sessions(&text);
    let commands: Vec<&str> = blocks.iter().flatten().map(|step| step.command.as_str()).collect();
    let names = shown::names(&commands, web_builder.as_ref().map(|builder| builder.name()));
    let folder = shown::folder(root, &names);
    for block in &blocks {
        let mut session = Session::start(folder.path(), &names);
        block.iter().for_each(|step: &Step| session.type_and_compare(step));
        session.end();
    }
}

#[test]
fn the_readme() {
    works_as_typed("README.md");
}

#[test]
fn the_guide() {
    works_as_typed("docs/guide.md");
}

#[test]
fn the_page_about_the_desk() {
    works_as_typed("docs/desk.md");
}

#[test]
fn the_page_about_several_apps() {
    works_as_typed("docs/several-apps.md");
}

#[test]
fn the_page_about_the_source() {
    works_as_typed("docs/source.md");
}

#[test]
fn the_page_about_the_builder() {
    works_as_typed("docs/builder.md");
}

#[test]
fn the_page_about_engines() {
    works_as_typed("docs/engines.md");
}

#[test]
fn the_other_pages_have_no_sessions() {
    let typed = ["guide.md", "desk.md", "several-apps.md", "source.md", "builder.md", "engines.md"];
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name.ends_with(".md") && !typed.contains(&name.as_str()) {
            assert!(sessions(&fs::read_to_string(entry.path()).unwrap()).is_empty(), "{name} has a session");
        }
    }
}
