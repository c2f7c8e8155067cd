//! The arguments of `files`.

use std::path::PathBuf;

use clap::Args;

use super::selection::SelectionArgs;

#[derive(Debug, Args)]
pub struct FilesArgs {
    /// The folder with the source
    pub source: PathBuf,

    /// Print a JSON array; with `--why`, an object
    #[arg(long)]
    pub json: bool,

    /// End each path with a NUL byte instead of a line feed, and print it byte for byte
    #[arg(short = '0', long, conflicts_with_all = ["json", "why"])]
    pub null: bool,

    /// Say whether this path is sent, and which rule decides that
    ///
    /// PATH is relative to SOURCE, or to the current folder, or absolute. It need not exist.
    #[arg(long, value_name = "PATH")]
    pub why: Option<PathBuf>,

    #[command(flatten)]
    pub selection: SelectionArgs,
}
