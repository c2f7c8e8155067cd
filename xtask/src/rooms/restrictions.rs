//! What only some places may do: start programs, print, exit, read the environment.

use super::fault::Fault;
use super::mentions::{Kind, Mention};
use super::modules::Modules;
use super::plan::{Allowance, RESTRICTIONS, Restriction};
use super::source_file::{FullPath, SourceFile};

/// All that is done where it may not be done.
pub fn violations(files: &[SourceFile], modules: &Modules) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in files {
        let mentions = file.full_mentions(modules);
        for restriction in &RESTRICTIONS {
            let found = mentions.iter().filter(|(mention, path)| is_restricted(restriction, mention, path));
            faults.extend(check(restriction, file.name, found.map(|(mention, _)| *mention)));
        }
    }
    faults
}

/// The faults among what one file does of what is restricted.
fn check<'a>(restriction: &Restriction, file: &str, found: impl Iterator<Item = &'a Mention<'a>>) -> Vec<Fault> {
    let allowance = restriction.allowed.iter().find(|allowance| is_in(file, allowance));
    let fault = |mention: &Mention, more: &str| {
        Fault::new(file, mention.line, format!("`{}`: {}{more}", written(mention), restriction.rule))
    };
    match allowance {
        None => found.map(|mention| fault(mention, "")).collect(),
        Some(Allowance { at_most: None, .. }) => Vec::new(),
        Some(Allowance { at_most: Some(most), why, .. }) => {
            let done = found.filter(|mention| mention.kind != Kind::Import);
            done.skip(*most).map(|mention| fault(mention, &format!("; here {most} time(s) only ({why})"))).collect()
        }
    }
}

fn is_restricted(restriction: &Restriction, mention: &Mention, path: &FullPath) -> bool {
    let last = mention.path.last().copied().unwrap_or_default();
    match (mention.kind, path) {
        (Kind::Method, _) => restriction.methods.contains(&last),
        (Kind::Macro, _) => restriction.macros.contains(&last),
        (Kind::Import | Kind::Path, FullPath::Outside(path)) => {
            restriction.paths.iter().any(|restricted| covers(restricted, path))
        }
        (Kind::Import | Kind::Path, FullPath::Inside(_)) => false,
    }
}

/// Whether a path names what is restricted, something in it, or everything beside it.
fn covers(restricted: &str, path: &[String]) -> bool {
    let restricted: Vec<&str> = restricted.split("::").collect();
    let is_same = |(one, other): (&&str, &String)| other == one;
    let beside = &restricted[..restricted.len() - 1];
    let all_beside = path.len() == restricted.len() && path.last().is_some_and(|last| last == "*");
    let within = path.len() >= restricted.len() && restricted.iter().zip(path).all(is_same);
    within || (all_beside && beside.iter().zip(path).all(is_same))
}

/// Whether the file is the place, or lies in the room that is.
fn is_in(file: &str, allowance: &Allowance) -> bool {
    let rest = file.strip_prefix(allowance.place);
    rest.is_some_and(|rest| rest.is_empty() || rest == ".rs" || rest.starts_with('/'))
}

/// As it stands in the file.
fn written(mention: &Mention) -> String {
    let path = mention.path.join("::");
    match mention.kind {
        Kind::Import => format!("use {path}"),
        Kind::Path => path,
        Kind::Macro => format!("{path}!"),
        Kind::Method => format!(".{path}()"),
    }
}
