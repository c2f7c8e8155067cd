//! The option for the page of timings.

use std::path::PathBuf;

use clap::Args;

/// The name of a page that no other name was given for. In a source it is no save, and is not sent.
pub const TIMINGS_PAGE: &str = "minis2i-timings.html";

#[derive(Debug, Args)]
#[command(next_help_heading = "Watching")]
pub struct TimingsArgs {
    /// Write a page about all builds at the end
    ///
    /// It shows how long each phase took, and what started it. It is one HTML file that needs no network; the key `t` writes it as well. An existing file is replaced only if it is
    /// such a page. In SOURCE, FILE has to have the name minis2i-timings.html, or be ignored.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = TIMINGS_PAGE)]
    pub timings: Option<PathBuf>,
}
