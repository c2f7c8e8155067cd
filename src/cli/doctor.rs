//! The arguments of `doctor`.

use clap::Args;

use super::engine::EngineArgs;

#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Measure a commit upon this image, instead of an empty one
    pub image: Option<String>,

    /// Print a JSON array
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub engine: EngineArgs,
}
