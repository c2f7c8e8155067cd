//! What to build, and how: the arguments that `build`, `watch` and `rebuild` share.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::options::{ContainerArgs, PullArgs, RepositoryArgs, RuntimeArgs, S2iCompatArgs, SecretArgs};

/// What to build, and how.
#[derive(Debug, Args)]
pub struct JobArgs {
    /// The folder with the source, or the URL of a git repository
    pub source: PathBuf,

    /// The builder image, by name or id
    pub builder: String,

    /// The name of the image to make
    ///
    /// It moves to the new image only when `assemble` succeeded; otherwise it stays where it was.
    pub tag: String,

    /// Set a variable for `assemble` and the image
    ///
    /// NAME alone takes the value from the environment. The last one wins; `-e` wins over `-E`, which wins over the
    /// file `.s2i/environment` in the source.
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    pub env: Vec<String>,

    /// Read variables from a file of NAME=VALUE lines
    #[arg(short = 'E', long, value_name = "FILE")]
    pub environment_file: Vec<PathBuf>,

    /// Leave out what this glob names, in gitignore's language
    #[arg(long, value_name = "GLOB", help_heading = "What is sent")]
    pub exclude: Vec<String>,

    /// Send what this glob names though an ignore file hides it
    ///
    /// A glob with a slash, such as `dist/*.js`, is also looked for inside ignored folders on its way; one without
    /// is not.
    #[arg(long, value_name = "GLOB", help_heading = "What is sent")]
    pub include: Vec<String>,

    /// Send what links point to instead of the links
    ///
    /// Links are sent as links otherwise, and one that points out of the source points into the builder there. A link
    /// that leads back to a folder it lies in, or to nothing, stays a link.
    #[arg(long, help_heading = "What is sent")]
    pub follow_symlinks: bool,

    /// Send files that git would ignore, too
    #[arg(long, help_heading = "What is sent")]
    pub no_gitignore: bool,

    /// Bind-mount the source read-only instead of sending it
    ///
    /// For trees too large to send. Builders that move or change their source can not work with it.
    #[arg(long, help_heading = "What is sent")]
    pub mount: bool,

    /// Keep the source in memory while `assemble` runs, not in the container's own layer
    ///
    /// Tens of thousands of files come and go much faster there. For builders that read their source, or move files out
    /// of it; not for those that rename or remove the folder itself. Nothing of it gets into the image but the folder.
    #[arg(long, conflicts_with_all = ["mount", "keep_source"], help_heading = "What is sent")]
    pub source_in_memory: bool,

    /// Keep what `assemble` left of the source in the image
    #[arg(long)]
    pub keep_source: bool,

    /// Take the scripts from this place first
    ///
    /// `image:///FOLDER` is a folder of the builder image, `file:///FOLDER` or a path one of this machine; scripts from
    /// `http://` and `https://` are fetched, once in a run. Each of `assemble`, `run` and `save-artifacts` that is not
    /// there comes from `.s2i/bin` in the source, or else from where the builder's label says. With `image://` those
    /// of the source are not used. Scripts from outside the image become part of the new one.
    #[arg(short, long, value_name = "URL", alias = "scripts", help_heading = "Scripts, place and user")]
    pub scripts_url: Option<String>,

    /// Look for scripts in this folder of the image when its label does not have them
    ///
    /// `image:///FOLDER`. Only after `--scripts-url`, the source and the builder's label; without it, and without a
    /// label, the usual folders `/usr/libexec/s2i` and `/usr/local/s2i` are tried.
    #[arg(long, value_name = "URL", help_heading = "Scripts, place and user")]
    pub image_scripts_url: Option<String>,

    /// Put the source below this folder of the image: into DIR/src
    ///
    /// It wins over the builder's label; `/tmp` if there is none either. The folder has to be there, and the user who
    /// runs `assemble` must be allowed to write to it.
    #[arg(
        short,
        long,
        value_name = "DIR",
        alias = "location",
        short_alias = 'l',
        help_heading = "Scripts, place and user"
    )]
    pub destination: Option<String>,

    /// Run `assemble` and `save-artifacts` as this user of the image
    ///
    /// It wins over the builder's label. The new image keeps the builder's USER.
    #[arg(long, value_name = "USER", help_heading = "Scripts, place and user")]
    pub assemble_user: Option<String>,

    /// Refuse builders that would run as a user outside these ranges
    ///
    /// Such as `1-` (anybody but root) or `1000-2000,3000`. A user given by name, or not at all, is refused, too, since
    /// nobody knows who that is before it runs.
    #[arg(
        short = 'u',
        long,
        value_name = "RANGES",
        allow_hyphen_values = true,
        help_heading = "Scripts, place and user"
    )]
    pub allowed_uids: Option<String>,

    /// Start from nothing: take over no artifacts of the previous image
    #[arg(long)]
    pub no_incremental: bool,

    /// Tell this address how the build ended
    ///
    /// It gets a POST with `{"success":true,"labels":{...}}`, the labels being those of the new image. A server that does
    /// not take it is worth a warning.
    #[arg(long, value_name = "URL")]
    pub callback_url: Option<String>,

    /// The engine's CLI: docker, or one that takes the same commands
    #[arg(long, env = "MINIS2I_ENGINE", value_name = "PATH", default_value = "docker")]
    pub engine: OsString,

    #[command(flatten)]
    pub repository: RepositoryArgs,

    #[command(flatten)]
    pub containers: ContainerArgs,

    #[command(flatten)]
    pub secrets: SecretArgs,

    #[command(flatten)]
    pub images: PullArgs,

    #[command(flatten)]
    pub runtime: RuntimeArgs,

    #[command(flatten)]
    pub s2i_compat: S2iCompatArgs,

    /// Options for `docker run`, for both containers of a build
    #[arg(last = true, value_name = "RUN_OPTION")]
    pub run_options: Vec<String>,
}
