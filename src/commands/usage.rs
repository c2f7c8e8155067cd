//! `usage`: what a builder's own `usage` script says.

use anyhow::{Result, anyhow};

use super::{Ended, builder, places, print, run_in};
use crate::cli::UsageArgs;
use crate::contract::{Contract, Wishes, join};
use crate::engine::Engine;
use crate::failure::Failure;
use crate::report::{Message, Reporter};

/// Runs the builder's `usage` script and prints what it says.
///
/// # Errors
/// No such builder, no such script, or one that fails.
pub fn usage(args: &UsageArgs, engine: &Engine, reporter: &Reporter) -> Result<()> {
    let image = builder(engine, &args.builder)?;
    let folders = Contract::of(&image, &args.builder, &Wishes::default())?.folders;
    let mut words = String::new();
    for folder in &folders {
        // The script takes ENTRYPOINT's place: one that does not run what it is given would speak in its stead.
        let ended = run_in(engine, &image, &[], &join(folder, "usage"), &[])?;
        if !ended.not_started() {
            return tell(&ended, reporter);
        }
        words = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
    }
    let places = places(&folders);
    Err(Failure::engine(format!("the builder `{}` has no `usage` that runs in {places}", args.builder))
        .because(anyhow!(words))
        .hint("its documentation may help; what it has can be tried with `minis2i build SOURCE BUILDER TAG`")
        .into())
}

fn tell(ended: &Ended, reporter: &Reporter) -> Result<()> {
    print(&ended.stdout)?;
    for line in ended.stderr.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        reporter.tell(&Message::Output(line));
    }
    match ended.status {
        0 => Ok(()),
        status => Err(Failure::engine(format!("the builder's `usage` failed with exit status {status}"))
            .hint("what it printed stands above; the mistake is in the builder's script")
            .into()),
    }
}
