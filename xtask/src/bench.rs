//! Speed and memory, side by side with the naive way. Limits on wall-clock time live here only, never in tests.

mod bar;
mod baseline_build;
mod build;
mod build_command;
mod builder_image;
mod chart;
mod cli_chain;
mod curve_chart;
mod engine_api;
mod engine_link;
mod engine_objects;
mod large_source;
mod options;
mod phases;
mod run;
mod save;
mod scale;
mod series;
mod start;
mod table;
mod turns;
mod watch;

use anyhow::{Context, Result, bail};

use crate::private_engine::Purpose;
use crate::{engine_choice, signals};
use options::Options;

/// The task: measures one command.
pub fn task(args: &[String]) -> Result<()> {
    let (what, rest) = args.split_first().context(
        "bench what? `cargo xtask bench build`, `... watch`, `... run`, `... remote`, `... scale` or `... start`",
    )?;
    if what == baseline_build::TASK {
        return baseline_build::build(rest);
    }
    let bench = match what.as_str() {
        "build" => build::bench,
        "watch" => watch::bench,
        "run" => run::bench,
        "remote" => watch::remote::bench,
        "scale" => scale::bench,
        // It needs no engine.
        "start" => return start::bench(&Options::parse(what, rest)?),
        _ => bail!("no bench `{what}`; there are `build`, `watch`, `run`, `remote`, `scale` and `start`"),
    };
    let options = Options::parse(what, rest)?;
    signals::catch()?;
    // Where the engine in use hides what is measured, an engine of our own runs this once more.
    if !options.engine_as_is && engine_choice::run_on_private_engine(&["bench", what], rest, Purpose::Realistic)? {
        return Ok(());
    }
    bench(&options)
}
