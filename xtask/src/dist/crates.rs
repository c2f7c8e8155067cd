//! The crates that are in the program: which, under which licence, and where their sources lie.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process;

/// A crate whose code is in the program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Crate {
    pub name: String,
    pub version: String,
    /// The expression of its manifest, as SPDX has it.
    pub licence: String,
    pub repository: Option<String>,
    pub description: Option<String>,
    /// The SHA-256 sum of its archive, from the lock file; none for crates of the workspace.
    pub checksum: Option<String>,
    /// Where its sources are on this machine.
    pub folder: PathBuf,
    /// The names and versions of the crates that it uses and that are in the program, sorted.
    pub uses: Vec<(String, String)>,
}

/// All of them, sorted by name and version; minis2i itself is one.
///
/// # Errors
/// When cargo cannot say.
pub fn crates(target: &str) -> Result<Vec<Crate>> {
    let metadata =
        process::output(&["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target])?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo's metadata is no JSON")?;
    let tree = process::output(&[
        "cargo",
        "tree",
        "--locked",
        "--package",
        "minis2i",
        "--edges",
        "normal,no-proc-macro",
        "--target",
        target,
        "--prefix",
        "none",
        "--no-dedupe",
        "--format",
        "{p}",
    ])?;
    let lock =
        std::fs::read_to_string(crate::workspace::root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
    select(&metadata, &named(&tree), &checksums(&lock))
}

/// A crate's name and version.
type Id = (String, String);

/// The crates that `cargo tree` lists, one a line, such as `clap v4.6.9` or `minis2i v0.2.0 (/home/me/minis2i)`.
fn named(tree: &str) -> BTreeSet<Id> {
    let id = |line: &str| {
        let mut words = line.split(' ');
        Some((words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned()))
    };
    tree.lines().filter_map(id).collect()
}

/// The checksums in a lock file.
fn checksums(lock: &str) -> BTreeMap<Id, String> {
    let value = |block: &str, key: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
        line.and_then(|line| line.strip_suffix('"')).map(str::to_owned)
    };
    let entry = |block| Some(((value(block, "name")?, value(block, "version")?), value(block, "checksum")?));
    lock.split("[[package]]").filter_map(entry).collect()
}

fn select(metadata: &Value, wanted: &BTreeSet<Id>, checksums: &BTreeMap<Id, String>) -> Result<Vec<Crate>> {
    let packages = metadata["packages"].as_array().context("cargo's metadata has no packages")?;
    let nodes = metadata["resolve"]["nodes"].as_array().context("cargo's metadata has no graph")?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let id_of = |package: &Value| Some((text(&package["name"])?, text(&package["version"])?));
    let ids: BTreeMap<&str, Id> =
        packages.iter().filter_map(|package| Some((package["id"].as_str()?, id_of(package)?))).collect();
    let mut found = Vec::new();
    for package in packages {
        let Some(id) = id_of(package).filter(|id| wanted.contains(id)) else { continue };
        let node = nodes.iter().find(|node| node["id"] == package["id"]);
        let mut uses: Vec<Id> = node
            .and_then(|node| node["deps"].as_array())
            .into_iter()
            .flatten()
            .filter(|dep| {
                dep["dep_kinds"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
            })
            .filter_map(|dep| ids.get(dep["pkg"].as_str()?).filter(|id| wanted.contains(*id)).cloned())
            .collect();
        uses.sort();
        let manifest = PathBuf::from(package["manifest_path"].as_str().context("a crate has no manifest")?);
        found.push(Crate {
            licence: text(&package["license"]).with_context(|| format!("{} names no licence", id.0))?,
            repository: text(&package["repository"]),
            description: text(&package["description"]).map(|text| one_line(&text)),
            checksum: checksums.get(&id).cloned(),
            folder: manifest.parent().context("a manifest is in no folder")?.to_owned(),
            uses,
            name: id.0,
            version: id.1,
        });
    }
    found.sort();
    if found.len() != wanted.len() {
        bail!("of {} crates, cargo's metadata has {}", wanted.len(), found.len());
    }
    Ok(found)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::{checksums, named, select};

    #[test]
    fn what_is_not_in_the_program_is_left_out() {
        let package = |name: &str| {
            json!({"name": name, "version": "1.0.0", "id": format!("id {name}"), "license": "MIT",
                   "manifest_path": format!("/x/{name}/Cargo.toml")})
        };
        let edge = |name: &str, kind| json!({"pkg": format!("id {name}"), "dep_kinds": [{"kind": kind}]});
        let metadata = json!({
            "packages": [package("top"), package("part"), package("test-only")],
            "resolve": {"nodes": [{"id": "id top", "deps": [edge("part", None), edge("test-only", Some("dev"))]}]},
        });
        let wanted = named("top v1.0.0 (/x/top)\npart v1.0.0\npart v1.0.0\n");
        let found = select(&metadata, &wanted, &BTreeMap::new()).unwrap();
        let names: Vec<_> = found.iter().map(|it| (it.name.as_str(), it.uses.len())).collect();
        assert_eq!(names, [("part", 0), ("top", 1)]);
    }

    #[test]
    fn checksums_are_those_of_the_lock_file() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"5f0c\"\n\n[[package]]\nname = \"own\"\n\
                    version = \"0.2.0\"\n";
        let expected = BTreeMap::from([(("a".to_owned(), "1.0.0".to_owned()), "5f0c".to_owned())]);
        assert_eq!(checksums(lock), expected);
    }
}
