//! The command `usage`: prints the output of a builder's `usage` script.

use anyhow::{Result, anyhow};

use super::probe::{ProgramOutput, find_builder, folder_list, run_in_image};
use crate::cli::commands::UsageArgs;
use crate::contract::image_path::join;
use crate::contract::{Contract, Overrides};
use crate::engine::cli::Engine;
use crate::error::Error;
use crate::report::Reporter;
use crate::report::message::{Message, OutputLine};

/// Runs the builder's `usage` script and prints its output.
///
/// # Errors
/// If there is no such builder, it has no `usage` script that can be run, or the script fails.
pub fn usage(args: &UsageArgs, engine: &Engine, reporter: &Reporter) -> Result<()> {
    let image = find_builder(engine, &args.builder)?;
    let folders = Contract::of(&image, &args.builder, &Overrides::default())?.folders;
    let mut stderr = String::new();
    for folder in &folders {
        // The script replaces the ENTRYPOINT: an ENTRYPOINT that does not run its arguments would print something else.
        let output = run_in_image(engine, reporter, &image, &[], &join(folder, "usage"), &[], |text| {
            reporter.print_result(text);
        })?;
        if !output.not_started() {
            return print_usage(&output, reporter);
        }
        stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    }
    let searched = folder_list(&folders);
    Err(Error::engine(format!("the builder `{}` has no runnable `usage` in {searched}", args.builder))
        .because(anyhow!(stderr))
        .hint("see the builder's documentation, or try it: `minis2i build SOURCE BUILDER TAG`")
        .into())
}

fn print_usage(output: &ProgramOutput, reporter: &Reporter) -> Result<()> {
    for line in output.stderr.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        reporter.emit(&Message::Output(OutputLine { text: line, more: false, paths: &[] }));
    }
    match output.status {
        0 => Ok(()),
        status => Err(Error::engine(format!("the builder's `usage` failed with exit status {status}"))
            .hint("its output is above; the error is in the builder's script")
            .into()),
    }
}
