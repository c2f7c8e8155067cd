//! The command `wait`: waits until the tag of a running watch is up to date.

use std::time::Instant;

use anyhow::Result;

use crate::cancel::Ending;
use crate::cli::wait::WaitOptions;
use crate::engine::cli::Engine;
use crate::engine::image::says_missing;
use crate::engine::reference::full_name;
use crate::error::Error;
use crate::report::Reporter;
use crate::report::message::{Message, UpToDate};
use crate::settings::engine::{engine_program, spelling};
use crate::settings::engine_choice::choose;
use crate::settings::folders;
use crate::settings::image_name::check_tag;
use crate::signals;
use crate::watch::wait_client::{self, Connection, Wanted};

/// How often an image is asked for that is gone before it has its names: the watch removes an image when the next one has the
/// tag, which takes as long as a build.
const ATTEMPTS: u32 = 5;

/// Waits until the tag is up to date, and gives the image the names that are asked for.
///
/// # Errors
/// If there is no such watch, its newest build failed, it cannot go on or ends, the time is over, the run is interrupted, or
/// the engine cannot give the image a name.
pub fn wait(args: &WaitOptions, reporter: &Reporter) -> Result<()> {
    check_names(args)?;
    let deadline = args.timeout.and_then(|time| Instant::now().checked_add(time));
    let (ending, connection) = (Ending::default(), Connection::default());
    let (waiting, open) = (reporter.clone(), connection.clone());
    signals::end_on_signal(ending.clone(), move |why| {
        waiting.stop_waiting(why);
        open.end();
    })?;
    let calls = reporter.clone();
    let program = choose(args.engine.clone(), reporter)?;
    let engine = Engine::new(engine_program(&program), ending, move |call| calls.emit(&Message::Call(call)));
    let spelling = spelling(&program);
    let wanted =
        Wanted { tag: &args.tag, folders: &folders::of_runs(), spelling: &spelling, engine: &engine, deadline };
    for _ in 0..ATTEMPTS {
        reporter.phase("waiting for the watch");
        let image = wait_client::ask(&wanted, &connection)?;
        if give_names(&engine, &image, &args.references)? {
            reporter.emit(&Message::UpToDate(&UpToDate {
                tag: args.tag.clone(),
                image,
                references: args.references.clone(),
            }));
            return Ok(());
        }
    }
    Err(Error::engine(format!("each image of `{}` was replaced before it could get another name", args.tag))
        .hint("wait until the source is quiet, or keep older images: `minis2i watch --keep 1`")
        .into())
}

fn check_names(args: &WaitOptions) -> Result<()> {
    check_tag(&args.tag)?;
    for reference in &args.references {
        check_tag(reference)?;
        if full_name(reference) == full_name(&args.tag) {
            return Err(Error::usage(format!("`{reference}` is the tag of the watch, which gives it to its images"))
                .hint("leave out `--tag`, or give another name")
                .into());
        }
    }
    Ok(())
}

/// Gives an image these names; whether it was still there.
fn give_names(engine: &Engine, image: &str, references: &[String]) -> Result<bool> {
    for reference in references {
        let args = ["tag", image, reference];
        let output = engine.call(&args)?;
        if !output.success {
            return if says_missing(&output.stderr) { Ok(false) } else { Err(engine.failed(&args, &output.stderr)) };
        }
    }
    Ok(true)
}
