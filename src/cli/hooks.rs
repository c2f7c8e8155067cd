//! The options for hooks of a watch.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::choices::HookBusy;

#[derive(Debug, Args)]
#[command(next_help_heading = "Hooks")]
pub struct HookOptions {
    /// Run this command after each good build
    ///
    /// The tag is on the new image then, and the app of `--run` serves. The command is run by `sh -c` in the current folder, without input, and each line that it prints is shown after `hook | `.
    /// MINIS2I_TAG, MINIS2I_IMAGE (the full id), MINIS2I_BUILD (the number of the build), MINIS2I_STATUS (`ok`),
    /// MINIS2I_SECONDS and MINIS2I_CHANGED (the changed paths in the source, one a line) are set. A command that fails is a
    /// warning.
    #[arg(long, value_name = "CMD", value_parser = NonEmptyStringValueParser::new())]
    pub on_success: Option<String>,

    /// Run this command after each build that failed, or whose app of `--run` did
    ///
    /// As with `--on-success`; MINIS2I_STATUS is `failed`, and MINIS2I_IMAGE is empty unless only the app failed.
    #[arg(long, value_name = "CMD", value_parser = NonEmptyStringValueParser::new())]
    pub on_failure: Option<String>,

    /// What to do when a command is to run while one of an earlier build still runs
    #[arg(long, value_name = "WHAT", default_value = "cancel")]
    pub hook_busy: HookBusy,
}
