//! `usage`: what a builder's own `usage` script says.

use anyhow::{Result, anyhow};

use super::probe::{ProgramOutput, find_builder, in_words, run_in_image};
use crate::cli::commands::UsageArgs;
use crate::contract::image_path::join;
use crate::contract::{Contract, Overrides};
use crate::engine::cli::Engine;
use crate::error::Error;
use crate::report::message::Message;
use crate::report::{Reporter, print_result};

/// Runs the builder's `usage` script and prints what it says.
///
/// # Errors
/// No such builder, no such script, or one that fails.
pub fn usage(args: &UsageArgs, engine: &Engine, reporter: &Reporter) -> Result<()> {
    let image = find_builder(engine, &args.builder)?;
    let folders = Contract::of(&image, &args.builder, &Overrides::default())?.folders;
    let mut words = String::new();
    for folder in &folders {
        // The script takes ENTRYPOINT's place: one that does not run its arguments would print its own text instead.
        let output = run_in_image(engine, &image, &[], &join(folder, "usage"), &[])?;
        if !output.not_started() {
            return show(&output, reporter);
        }
        words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    }
    let places = in_words(&folders);
    Err(Error::engine(format!("the builder `{}` has no `usage` that runs in {places}", args.builder))
        .because(anyhow!(words))
        .hint("its documentation may help; what it has can be tried with `minis2i build SOURCE BUILDER TAG`")
        .into())
}

fn show(output: &ProgramOutput, reporter: &Reporter) -> Result<()> {
    print_result(&output.stdout)?;
    for line in output.stderr.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        reporter.emit(&Message::Output(line));
    }
    match output.status {
        0 => Ok(()),
        status => Err(Error::engine(format!("the builder's `usage` failed with exit status {status}"))
            .hint("what it printed stands above; the mistake is in the builder's script")
            .into()),
    }
}
