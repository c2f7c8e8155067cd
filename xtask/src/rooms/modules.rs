//! The tree of modules of one crate: which file is which module.

use std::collections::{BTreeMap, HashSet};

/// The modules of a crate that have a file.
pub struct Modules {
    files: BTreeMap<Vec<String>, String>,
}

impl Modules {
    /// From the names of files such as `src/engine/cli.rs`; `root` is the crate's folder: `src`.
    pub fn new<'a>(root: &str, files: impl IntoIterator<Item = &'a str>) -> Self {
        Self { files: files.into_iter().map(|file| (module_of(root, file), file.to_owned())).collect() }
    }

    pub fn has(&self, module: &[String]) -> bool {
        self.files.contains_key(module)
    }

    /// The file of the deepest module on a path, which may end in something that the module holds.
    pub fn file_on(&self, path: &[String]) -> &str {
        let deepest = (0..=path.len()).rev().find_map(|length| self.files.get(&path[..length]));
        deepest.map_or("", String::as_str)
    }

    /// Takes out modules that are there for tests only, with all below them.
    pub fn remove(&mut self, tests: &HashSet<Vec<String>>) {
        self.files.retain(|module, _| (1..=module.len()).all(|length| !tests.contains(&module[..length])));
    }
}

/// The path of a file's module: `[engine, cli]` for `src/engine/cli.rs`.
pub fn module_of(root: &str, file: &str) -> Vec<String> {
    let inside = file.strip_prefix(root).unwrap_or(file).trim_start_matches('/').trim_end_matches(".rs");
    let mut module: Vec<String> = inside.split('/').map(str::to_owned).collect();
    if module == ["main"] || module == ["lib"] || module.last().is_some_and(|name| name == "mod") {
        module.pop();
    }
    module
}

#[cfg(test)]
mod tests {
    use super::{Modules, module_of};

    #[test]
    fn a_path_leads_to_the_deepest_file() {
        let modules = Modules::new("src", ["src/main.rs", "src/a.rs", "src/a/b.rs"]);
        let file = |path: &str| modules.file_on(&path.split("::").map(str::to_owned).collect::<Vec<_>>()).to_owned();
        assert_eq!(file("a::b::C::new"), "src/a/b.rs");
        assert_eq!(file("a::C"), "src/a.rs");
        assert_eq!(file("C"), "src/main.rs");
    }

    #[test]
    fn folders_may_have_their_module_inside() {
        assert_eq!(module_of("xtask/src", "xtask/src/a/mod.rs"), ["a"]);
    }
}
