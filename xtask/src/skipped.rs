//! Which tests were skipped, and why: each says so in a file, so that none is skipped silently.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anyhow::Result;

use crate::workspace;

/// The variable that names the file.
pub const VARIABLE: &str = "MINIS2I_SKIPPED_TESTS";

/// The file, without lines.
///
/// # Errors
/// When it cannot be written.
pub fn new_file() -> Result<PathBuf> {
    let path = workspace::root().join("target/skipped-tests");
    fs::write(&path, "")?;
    // Tests may run as another user.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666))?;
    Ok(path)
}

/// Prints how many tests were skipped for which reason. Each line of `text` is `TEST: REASON`.
pub fn report(text: &str) {
    for (reason, tests) in by_reason(text) {
        eprintln!("skipped {} tests, since {reason}: {}", tests.len(), tests.join(", "));
    }
}

fn by_reason(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (test, reason) in text.lines().filter_map(|line| line.split_once(": ")) {
        reasons.entry(reason).or_default().push(test);
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::by_reason;

    #[test]
    fn tests_are_counted_by_their_reasons() {
        let reasons = by_reason("push::a: no registry\nb: no browser\npush::c: no registry\n");
        assert_eq!(reasons["no registry"], ["push::a", "push::c"]);
        assert_eq!(reasons["no browser"], ["b"]);
    }
}
