//! The architecture of the program and of these tasks, checked on their text.
//!
//! `plan` says what is allowed; the other files find out what is done. What is looked at are the words of the code:
//! imports, paths, macros and methods. Nothing is compiled, so a name that a macro makes up is not seen.

mod arrows;
mod circles;
mod direction;
mod documentation;
mod fault;
mod lexer;
mod mentions;
mod modules;
pub mod plan;
mod restrictions;
mod sizes;
mod source_file;
mod test_code;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::workspace;
use fault::Fault;
use modules::Modules;
use source_file::SourceFile;

/// The task: prints what is against the plan.
///
/// # Errors
/// When something is, or when the sources can not be read.
pub fn rooms(_: &[String]) -> Result<()> {
    let (program, tasks) = (read_files("src")?, read_files("xtask/src")?);
    let mut faults = check_program(&program);
    faults.extend(check_tasks(&tasks));
    faults.extend([program, tasks].iter().flat_map(documentation::missing));
    for fault in &faults {
        eprintln!("{fault}");
    }
    match faults.len() {
        0 => Ok(()),
        count => bail!("{count} faults in the plan of the rooms, which is xtask/src/rooms/plan.rs"),
    }
}

/// Texts by the names of their files, such as `src/engine/cli.rs`.
pub type Texts = BTreeMap<String, String>;

/// What is wrong in `src`.
fn check_program(texts: &Texts) -> Vec<Fault> {
    let Crate { files, modules } = Crate::read("src", texts);
    let arrows = arrows::arrows(&files, &modules);
    let mut faults = direction::unknown_rooms(files.iter().map(|file| file.name));
    faults.extend(direction::wrong_arrows(&arrows));
    faults.extend(circles::circles(&arrows, direction::room_of));
    faults.extend(restrictions::violations(&files, &modules));
    faults.extend(sizes::too_long(&files));
    faults.extend(sizes::too_long_texts(texts.iter().filter(|(name, _)| !name.ends_with(".rs"))));
    faults.sort();
    faults.dedup();
    faults
}

/// What is wrong in `xtask/src`, all of which counts as one room: circles and lengths.
fn check_tasks(texts: &Texts) -> Vec<Fault> {
    let Crate { files, modules } = Crate::read("xtask/src", texts);
    let mut faults = circles::circles(&arrows::arrows(&files, &modules), |_| "xtask");
    faults.extend(sizes::too_long(&files));
    faults.sort();
    faults
}

/// The files of a crate, without those for tests only.
struct Crate<'a> {
    files: Vec<SourceFile<'a>>,
    modules: Modules,
}

impl<'a> Crate<'a> {
    fn read(root: &str, texts: &'a Texts) -> Self {
        let rust = texts.iter().filter(|(name, _)| name.ends_with(".rs") && !test_code::is_test_file(name));
        let mut files: Vec<_> = rust.map(|(name, text)| SourceFile::read(root, name, text)).collect();
        let tests: HashSet<_> = files.iter().flat_map(SourceFile::test_modules).collect();
        let mut modules = Modules::new(root, files.iter().map(|file| file.name));
        modules.remove(&tests);
        files.retain(|file| modules.has(&modules::module_of(root, file.name)));
        Self { files, modules }
    }
}

/// All text files below a folder of the workspace.
pub fn read_files(folder: &str) -> Result<Texts> {
    let mut texts = Texts::new();
    collect(&workspace::root(), Path::new(folder), &mut texts)?;
    Ok(texts)
}

fn collect(root: &Path, folder: &Path, texts: &mut Texts) -> Result<()> {
    let list = fs::read_dir(root.join(folder)).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in list {
        let entry = entry?;
        let name = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            collect(root, &name, texts)?;
        } else {
            let text = fs::read_to_string(entry.path()).with_context(|| format!("cannot read {}", name.display()))?;
            texts.insert(name.display().to_string(), text);
        }
    }
    Ok(())
}
