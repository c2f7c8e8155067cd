//! The program itself, as the tasks run it.

use anyhow::Result;

use crate::process;

/// Builds minis2i, for release or as the tests do; returns its path below the root of the workspace.
///
/// # Errors
/// When it does not compile.
pub fn build(debug: bool) -> Result<&'static str> {
    let mut line = vec!["cargo", "build", "--quiet"];
    line.extend((!debug).then_some("--release"));
    line.extend(["--package", "minis2i"]);
    process::echo_and_run(&line)?;
    Ok(if debug { "target/debug/minis2i" } else { "target/release/minis2i" })
}
