//! Which file uses which.

use super::mentions::Kind;
use super::modules::Modules;
use super::source_file::{FullPath, SourceFile};

/// One file uses something that another one holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    pub from: String,
    pub line: usize,
    pub to: String,
}

/// All arrows between different files, each at every line where it begins.
pub fn arrows(files: &[SourceFile], modules: &Modules) -> Vec<Arrow> {
    let mut arrows: Vec<Arrow> = files.iter().flat_map(|file| arrows_from(file, modules)).collect();
    arrows.sort();
    arrows.dedup();
    arrows
}

fn arrows_from(file: &SourceFile, modules: &Modules) -> Vec<Arrow> {
    let mut arrows = Vec::new();
    for (mention, path) in file.full_mentions(modules) {
        // A name alone is one that the file defines or imports, and the import is mentioned, too.
        let is_name = mention.kind != Kind::Import && mention.path.len() == 1;
        if let FullPath::Inside(path) = path
            && !is_name
        {
            let to = modules.file_on(&path);
            if to != file.name && !to.is_empty() {
                arrows.push(Arrow { from: file.name.to_owned(), line: mention.line, to: to.to_owned() });
            }
        }
    }
    arrows
}
