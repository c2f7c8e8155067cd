//! The book: one HTML file a page, without scripts, and the pictures beside them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use pulldown_cmark::{CowStr, Event, Tag, html};

use super::links::CONTENTS;
use super::page::{PAGES, Page};
use crate::workspace;

const STYLE: &str = include_str!("book.css");

/// Writes the pages of the book to a folder, which is made anew.
pub fn write(pages: &[Page], folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).context("cannot remove the old book")?;
    }
    fs::create_dir_all(folder)?;
    let contents = pages.iter().find(|page| page.name == CONTENTS).context("there is no docs/SUMMARY.md")?;
    let first = contents.targets().into_iter().next().context("the table of contents is empty")?;
    let contents = rendered(contents);
    let prefix = format!("{PAGES}/");
    for page in pages.iter().filter(|page| page.name != CONTENTS) {
        let Some(name) = page.name.strip_prefix(&prefix) else { continue };
        let document = document(page, &contents);
        fs::write(folder.join(name).with_extension("html"), &document)?;
        if name == first {
            fs::write(folder.join("index.html"), &document)?;
        }
    }
    copy_pictures(folder)
}

fn copy_pictures(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(workspace::root().join(PAGES))? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|extension| extension == "svg") {
            fs::copy(entry.path(), folder.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// The whole file of a page.
fn document(page: &Page, contents: &str) -> String {
    let title = page.text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or(&page.name);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title} - minis2i</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<nav>\n{contents}</nav>\n<main>\n{}</main>\n</body>\n</html>\n",
        rendered(page)
    )
}

/// A page as HTML: headings with their names, links to the other files of the book.
fn rendered(page: &Page) -> String {
    let mut anchors = page.anchors().into_iter();
    let events = page.events().map(|event| match event {
        Event::Start(Tag::Heading { level, classes, attrs, .. }) => {
            Event::Start(Tag::Heading { level, id: anchors.next().map(CowStr::from), classes, attrs })
        }
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: in_book(&dest_url).into(), title, id })
        }
        event => event,
    });
    let mut text = String::new();
    html::push_html(&mut text, events);
    text
}

/// A link to a page in Markdown, as one to its HTML file.
fn in_book(target: &str) -> String {
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let path = match path.strip_suffix(".md") {
        Some(stem) if !path.contains("://") => format!("{stem}.html"),
        _ => path.to_owned(),
    };
    anchor.map_or(path.clone(), |anchor| format!("{path}#{anchor}"))
}

#[cfg(test)]
mod tests {
    use super::super::page::Page;
    use super::document;

    #[test]
    fn a_page_has_its_title_its_headings_by_name_and_links_inside_the_book() {
        let text = "# A page\n\n## Two words\n\n[b](b.md#c) [out](https://example.com/x.md)\n";
        let page = Page { name: "docs/a.md".to_owned(), text: text.to_owned() };
        let document = document(&page, "");
        for part in ["<title>A page - minis2i</title>", "<h2 id=\"two-words\">", "\"b.html#c\"", "/x.md\""] {
            assert!(document.contains(part), "{part}\n{document}");
        }
    }
}
