//! Where the crates we use come from, how many versions of one there are, and which compiler they need.
//!
//! Together with the licences this is what can be checked without a network. Known faults of crates are in a database
//! elsewhere: `cargo audit` asks it, and is not run here.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::dist::crates;
use crate::dist::options::this_machine;
use crate::process;

/// The only place that crates come from.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Crates that must not be among them, and why.
const BANNED: [(&str, &str); 3] = [
    ("openssl-sys", "a library of the system, in another version on each"),
    ("native-tls", "the same"),
    ("tokio", "threads carry this program"),
];

/// Fails when a crate in the lock file is from elsewhere, needs a newer compiler than we promise, or is banned, or when the
/// program has two versions of one crate.
///
/// # Errors
/// Then, with the names.
pub fn check(_: &[String]) -> Result<()> {
    let metadata = process::output(&["cargo", "metadata", "--format-version", "1", "--locked"])?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo's metadata is no JSON")?;
    let packages = metadata["packages"].as_array().context("cargo's metadata has no packages")?;
    let promised = packages.iter().find(|package| package["name"] == "minis2i").map(rust_version);
    let promised = promised.flatten().context("the manifest has no `rust-version`")?;
    let mut faults: Vec<String> = packages.iter().flat_map(|package| faults(package, promised)).collect();
    let in_program = crates::crates(&this_machine()?)?;
    let twice = in_program.windows(2).filter(|pair| pair[0].name == pair[1].name);
    faults.extend(
        twice.map(|pair| {
            format!("{}: {} and {} are both in the program", pair[0].name, pair[0].version, pair[1].version)
        }),
    );
    ensure!(faults.is_empty(), "crates that should not be used so:\n  {}", faults.join("\n  "));
    eprintln!("{} crates, all from crates.io and for Rust {}.{} or older", packages.len(), promised.0, promised.1);
    Ok(())
}

fn faults(package: &Value, promised: (u32, u32)) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or("?");
    let mut faults = Vec::new();
    match package["source"].as_str() {
        None | Some(CRATES_IO) => {}
        Some(source) => faults.push(format!("{name}: it comes from {source}")),
    }
    if let Some(needed) = rust_version(package).filter(|needed| *needed > promised) {
        faults.push(format!("{name}: it needs Rust {}.{}", needed.0, needed.1));
    }
    let banned = BANNED.iter().filter(|(banned, _)| *banned == name);
    faults.extend(banned.map(|(_, why)| format!("{name}: {why}")));
    faults
}

/// The oldest compiler for a package, as its manifest says: two numbers, and perhaps a third.
fn rust_version(package: &Value) -> Option<(u32, u32)> {
    let mut numbers = package["rust_version"].as_str()?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{CRATES_IO, faults};

    #[test]
    fn places_versions_and_bans_are_looked_at() {
        let fine = json!({"name": "a", "source": CRATES_IO, "rust_version": "1.89.0"});
        assert!(
            faults(&fine, (1, 89)).is_empty() && faults(&json!({"name": "own", "source": null}), (1, 89)).is_empty()
        );
        for bad in [
            json!({"name": "a", "source": "git+https://host.example/a"}),
            json!({"name": "a", "source": CRATES_IO, "rust_version": "1.90"}),
            json!({"name": "tokio", "source": CRATES_IO}),
        ] {
            assert_eq!(faults(&bad, (1, 89)).len(), 1, "{bad}");
        }
    }
}
