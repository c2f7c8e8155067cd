//! Whether the links inside the project lead somewhere. Those to elsewhere are not asked.

use super::page::{PAGES, Page};

/// The table of contents of the book.
pub const CONTENTS: &str = "docs/SUMMARY.md";

/// The links that lead nowhere, as messages. `exists` says whether there is a file or folder, from the root of the
/// project on.
pub fn faults(pages: &[Page], exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut faults = Vec::new();
    for page in pages {
        for target in page.targets().iter().filter(|target| is_inside(target)) {
            if let Some(fault) = fault(page, target, pages, exists) {
                faults.push(format!("{}: {target}: {fault}", page.name));
            }
        }
    }
    faults
}

fn is_inside(target: &str) -> bool {
    !target.contains("://") && !target.starts_with("mailto:")
}

fn fault(page: &Page, target: &str, pages: &[Page], exists: &dyn Fn(&str) -> bool) -> Option<&'static str> {
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() { page.name.clone() } else { resolved(&page.name, path)? };
    let folder = format!("{PAGES}/");
    if page.name.starts_with(&folder) && !path.starts_with(&folder) {
        return Some("it leads out of the book");
    }
    if !exists(&path) {
        return Some("there is no such file");
    }
    if anchor.is_empty() {
        return None;
    }
    let has = pages.iter().any(|page| page.name == path && page.anchors().iter().any(|name| name == anchor));
    (!has).then_some("there is no such heading")
}

/// A path from the folder of a page on, as one from the root of the project on; `None` above the root.
fn resolved(page: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Pages of the book that are not in its table of contents.
pub fn faults_of_contents(pages: &[Page]) -> Vec<String> {
    let contents = pages.iter().find(|page| page.name == CONTENTS);
    let listed = contents.map(Page::targets).unwrap_or_default();
    let prefix = format!("{PAGES}/");
    let names = pages.iter().filter(|page| page.name != CONTENTS).filter_map(|page| page.name.strip_prefix(&prefix));
    names
        .filter(|name| !listed.iter().any(|target| target == name))
        .map(|name| format!("{CONTENTS}: {name} is missing"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::page::Page;
    use super::{faults, faults_of_contents};

    fn pages(pages: &[(&str, &str)]) -> Vec<Page> {
        pages.iter().map(|(name, text)| Page { name: (*name).to_owned(), text: (*text).to_owned() }).collect()
    }

    #[test]
    fn files_and_headings_that_are_missing_are_named() {
        let readme = "[a](docs/a.md) [b](docs/b.md) [c](docs/a.md#two-words) [d](docs/a.md#three) [e](#top) \
                      [f](https://example.com/x) ![g](docs/g.svg)\n\n# Top\n";
        let pages = pages(&[("README.md", readme), ("docs/a.md", "# Two `words`\n[out](../README.md) [up](../../x)")]);
        let exists = |path: &str| ["README.md", "docs/a.md"].contains(&path);
        assert_eq!(
            faults(&pages, &exists),
            [
                "README.md: docs/b.md: there is no such file",
                "README.md: docs/a.md#three: there is no such heading",
                "README.md: docs/g.svg: there is no such file",
                "docs/a.md: ../README.md: it leads out of the book",
            ]
        );
    }

    #[test]
    fn each_page_of_the_book_is_in_its_contents() {
        let pages =
            pages(&[("README.md", ""), ("docs/SUMMARY.md", "- [A](a.md)"), ("docs/a.md", ""), ("docs/b.md", "")]);
        assert_eq!(faults_of_contents(&pages), ["docs/SUMMARY.md: b.md is missing"]);
    }
}
