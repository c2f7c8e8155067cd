//! Under which licences the crates we use may be used.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::process;

/// Licences that ask for no more than to be named.
const ALLOWED: [&str; 9] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "Unlicense",
    "Zlib",
];

/// Also allowed: the character tables of Unicode, and Mozilla's list of certificate authorities.
const ALLOWED_FOR_DATA: [&str; 2] = ["Unicode-3.0", "CDLA-Permissive-2.0"];

/// Fails when a crate in the lock file has no allowed licence. Works without a network once all crates of the lock
/// file, those for other systems too, were fetched; a fresh machine fetches them here.
pub fn check(_: &[String]) -> Result<()> {
    let metadata = process::output(&["cargo", "metadata", "--format-version", "1", "--locked"])?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo's metadata is no JSON")?;
    let packages = metadata["packages"].as_array().context("cargo's metadata has no packages")?;
    let bad: Vec<String> = packages.iter().filter_map(objection).collect();
    ensure!(bad.is_empty(), "crates with a licence that was not looked at yet:\n  {}", bad.join("\n  "));
    eprintln!("{} crates, all under licences that are fine", packages.len());
    Ok(())
}

fn objection(package: &Value) -> Option<String> {
    let name = package["name"].as_str().unwrap_or("?");
    match package["license"].as_str() {
        Some(licence) if is_met(licence) => None,
        licence => Some(format!("{name}: {}", licence.unwrap_or("none given"))),
    }
}

/// Whether an expression such as `(MIT OR Apache-2.0) AND Unicode-3.0` can be met: all of its `AND` parts, each by one
/// of its `OR` parts.
fn is_met(expression: &str) -> bool {
    let flat = expression.replace(['(', ')'], "").replace('/', " OR ");
    let is_allowed = |licence: &str| ALLOWED.contains(&licence.trim()) || ALLOWED_FOR_DATA.contains(&licence.trim());
    flat.split(" AND ").all(|part| part.split(" OR ").any(is_allowed))
}

#[cfg(test)]
mod tests {
    use super::is_met;

    #[test]
    fn every_part_must_be_met_by_one_choice() {
        assert!(is_met("MIT OR GPL-3.0") && is_met("MIT/Apache-2.0") && is_met("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(!is_met("GPL-3.0") && !is_met("MIT AND GPL-3.0"));
    }
}
