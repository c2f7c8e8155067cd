//! The arguments of `wait`, but for those about its messages.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;

use super::time::waiting_time;

#[derive(Debug, Args)]
pub struct WaitOptions {
    /// The tag of a running `minis2i watch` on the same engine
    ///
    /// The watch looks at the whole source when it is asked, so a save that was made just before counts.
    pub tag: String,

    /// Give the image this name, too
    #[arg(long = "tag", value_name = "REF")]
    pub references: Vec<String>,

    /// Give up after this time, such as 30s or 5m
    #[arg(long, value_name = "TIME", value_parser = waiting_time)]
    pub timeout: Option<Duration>,

    /// The engine's CLI [default: docker, or else podman]
    #[arg(long, env = "MINIS2I_ENGINE", value_name = "PATH")]
    pub engine: Option<OsString>,
}
