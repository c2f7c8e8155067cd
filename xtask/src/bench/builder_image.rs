//! Builders for a bench, made from a text.

use std::io::Write;
use std::process::Stdio;

use anyhow::{Result, ensure};

use crate::process;

/// Builds an image from the text of a Dockerfile that needs no files.
pub fn build(name: &str, text: &str) -> Result<()> {
    let mut line = process::command(&["docker", "build", "--quiet", "--tag", name, "-"]);
    let mut process = line.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    process.stdin.take().expect("stdin is piped").write_all(text.as_bytes())?;
    let output = process.wait_with_output()?;
    ensure!(output.status.success(), "cannot make {name}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
