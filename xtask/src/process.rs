//! Running other programs: for what they do, or for their output.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// A command that will run in the root of the workspace.
pub fn command(line: &[&str]) -> Command {
    let mut command = Command::new(line[0]);
    command.args(&line[1..]).current_dir(workspace::root());
    command
}

/// Prints the command, runs it with our own streams, and fails when it fails.
pub fn echo_and_run(line: &[&str]) -> Result<()> {
    eprintln!("$ {}", line.join(" "));
    run(&mut command(line))
}

/// Runs a prepared command with our own streams, and fails when it fails.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{command:?} failed: {status}");
    }
    Ok(())
}

/// The trimmed standard output of a command; its standard error is part of the failure.
pub fn output(line: &[&str]) -> Result<String> {
    let output =
        command(line).stdin(Stdio::null()).output().with_context(|| format!("cannot start `{}`", line.join(" ")))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", line.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether a command can be started and succeeds; its output is dropped.
pub fn succeeds(line: &[&str]) -> bool {
    command(line)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
