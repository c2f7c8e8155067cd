//! The documentation: its pages are in `docs/`, in the layout of mdBook, and this makes the book of them.
//!
//! `mdbook build docs` makes it as well, with search. It is not needed here: as a crate it is 130 more crates and over a
//! minute of compiling, and it would not check the links.

mod anchor;
mod book;
mod commands;
mod links;
mod page;
mod systems;
mod tables;

use std::fs;

use anyhow::{Context, Result, anyhow, ensure};

use crate::{process, rooms, workspace};
use page::{PAGES, Page};

/// Texts outside the book whose links are checked, too.
const BESIDE_THE_BOOK: [&str; 4] = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];

/// The file with the list of the tasks. It is read as text, since the list names this task, too.
const TASKS: &str = "xtask/src/main.rs";

/// Writes the page of all options and the tables again, checks everything, and makes the book in `target/book`.
pub fn docs(_: &[String]) -> Result<()> {
    let mut options = process::command(&["cargo", "test", "--quiet", "--bin", "minis2i", "options_page"]);
    process::run(options.env("MINIS2I_WRITE_OPTIONS_PAGE", "1"))?;
    let tables = workspace::root().join(tables::PAGE);
    fs::write(&tables, with_tables(&fs::read_to_string(&tables)?)?)?;
    check()?;
    let folder = workspace::root().join("target/book");
    book::write(&read_pages()?, &folder)?;
    eprintln!("the book is {}", folder.join("index.html").display());
    Ok(())
}

/// Fails when a link leads nowhere, a page is not in the table of contents, a task that is named does not exist, or a table
/// is not what it would be.
pub fn check() -> Result<()> {
    let pages = read_pages()?;
    let root = workspace::root();
    let mut faults = links::faults(&pages, &|path| root.join(path).exists());
    faults.extend(links::faults_of_contents(&pages));
    let tasks = fs::read_to_string(root.join(TASKS))?;
    faults.extend(commands::faults(&pages, &|task| tasks.contains(&format!("\"{task}\","))));
    faults.extend(systems::faults(&rooms::read_files("src")?));
    let tables = pages.iter().find(|page| page.name == tables::PAGE).context("CONTRIBUTING.md is missing")?;
    if with_tables(&tables.text)? != tables.text {
        faults.push(format!("{}: its tables are old; `cargo xtask docs` writes them", tables::PAGE));
    }
    for fault in &faults {
        eprintln!("{fault}");
    }
    ensure!(faults.is_empty(), "{} faults in the documentation", faults.len());
    eprintln!("{} pages, all links lead somewhere", pages.len());
    Ok(())
}

/// The page with the tables as they should be.
fn with_tables(page: &str) -> Result<String> {
    tables::filled_in(page).map_err(|name| anyhow!("{} has no place for the table `{name}`", tables::PAGE))
}

/// All pages, in the order of their names.
fn read_pages() -> Result<Vec<Page>> {
    let root = workspace::root();
    let mut names: Vec<String> = BESIDE_THE_BOOK.map(str::to_owned).into();
    for entry in fs::read_dir(root.join(PAGES))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            names.push(format!("{PAGES}/{name}"));
        }
    }
    names.sort();
    names.into_iter().map(|name| Ok(Page { text: fs::read_to_string(root.join(&name))?, name })).collect()
}
