//! Which files of the source are sent.

use clap::Args;

// Each option has its heading itself: one of the group would also get the options that follow it in a command.
#[derive(Debug, Args)]
pub struct SelectionArgs {
    /// Do not send what this glob matches (gitignore syntax)
    #[arg(long, value_name = "GLOB", help_heading = "What is sent")]
    pub exclude: Vec<String>,

    /// Send what this glob matches, even if it is ignored
    ///
    /// A glob with a slash, such as `dist/*.js`, also finds files inside ignored folders along its path; a glob without
    /// one does not.
    #[arg(long, value_name = "GLOB", help_heading = "What is sent")]
    pub include: Vec<String>,

    /// Send what symlinks point to, instead of the symlinks
    ///
    /// By default, symlinks are sent as symlinks; one that points out of the source then points to a path of the
    /// builder. A symlink that points to nothing, or to a folder that contains it, is still sent as a symlink.
    #[arg(long, help_heading = "What is sent")]
    pub follow_symlinks: bool,

    /// Also send files that git ignores
    #[arg(long, help_heading = "What is sent")]
    pub no_gitignore: bool,
}
