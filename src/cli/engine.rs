//! The options of commands that only ask the engine something.

use std::ffi::OsString;

use clap::Args;

use super::choices::ColorChoice;

/// Options of the commands that only query the engine.
#[derive(Debug, Args)]
pub struct EngineArgs {
    /// The engine's CLI [default: docker, or else podman]
    #[arg(long, env = "MINIS2I_ENGINE", value_name = "PATH")]
    pub engine: Option<OsString>,

    /// Print only errors and the requested output
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,

    /// Show every engine command with its time; `-v` for short
    #[arg(long, help_heading = "Output")]
    pub verbose: bool,

    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto", hide_short_help = true, help_heading = "Output")]
    pub color: ColorChoice,
}
