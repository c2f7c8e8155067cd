//! What comes with the program: manual pages, completions, documentation and licences.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::file::File;
use super::program::Program;
use crate::{process, workspace};

/// The shells that the program has completions for: the name that it knows, and that of the file in an archive.
const SHELLS: [(&str, &str); 5] = [
    ("bash", "minis2i.bash"),
    ("zsh", "_minis2i"),
    ("fish", "minis2i.fish"),
    ("elvish", "minis2i.elv"),
    ("powershell", "_minis2i.ps1"),
];

/// The kinds of files in `docs` that are documentation.
const DOCUMENTS: [&str; 3] = ["md", "json", "svg"];

/// The manual pages, by their file names, sorted.
///
/// # Errors
/// When the program does not write them.
pub fn man_pages(program: &Program) -> Result<Vec<File>> {
    let folder = tempfile::tempdir()?;
    process::output(&[text(&program.runnable)?, "man-pages", text(folder.path())?])?;
    let mut pages = files_in(folder.path(), "")?;
    pages.sort_by(|a, b| a.path.cmp(&b.path));
    ensure!(!pages.is_empty(), "the program wrote no manual pages");
    Ok(pages)
}

/// The completions for each shell.
///
/// # Errors
/// When the program does not print them.
pub fn completions(program: &Program) -> Result<Vec<File>> {
    let script = |(shell, file): (&str, &str)| {
        let script = process::output(&[text(&program.runnable)?, "completion", shell])?;
        Ok(File::data(file, script + "\n"))
    };
    SHELLS.into_iter().map(script).collect()
}

/// A file in the root of the workspace.
///
/// # Errors
/// When it cannot be read.
pub fn of_workspace(name: &str) -> Result<File> {
    let content = fs::read(workspace::root().join(name)).with_context(|| format!("cannot read `{name}`"))?;
    Ok(File::data(name, content))
}

/// The documentation in `docs`.
///
/// # Errors
/// When it cannot be read.
pub fn docs() -> Result<Vec<File>> {
    let mut docs = files_in(&workspace::root().join("docs"), "docs/")?;
    docs.retain(|file| DOCUMENTS.iter().any(|kind| file.path.ends_with(&format!(".{kind}"))));
    Ok(docs)
}

/// All files below a folder, with `prefix` before their paths.
fn files_in(folder: &Path, prefix: &str) -> Result<Vec<File>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list `{}`", folder.display()))? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            files.extend(files_in(&entry.path(), &format!("{name}/"))?);
        } else {
            files.push(File::data(name, fs::read(entry.path())?));
        }
    }
    Ok(files)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("`{}` is not UTF-8 text", path.display()))
}
