//! What to build, and how: the arguments that `build`, `watch` and `rebuild` share.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::cache::CacheArgs;
use super::choices::SourceInChoice;
use super::options::{ContainerArgs, PullArgs, RepositoryArgs, RuntimeArgs, S2iCompatArgs, SecretArgs};
use super::output_paths::OutputPathArgs;
use super::selection::SelectionArgs;

/// What to build, and how.
#[derive(Debug, Args)]
// Without this, the first options would get the heading of what comes before them in a command.
#[command(next_help_heading = None)]
pub struct JobArgs {
    /// The folder with the source, or the URL of a git repository
    pub source: PathBuf,

    /// The builder image, by name or id
    pub builder: String,

    /// The name of the new image
    ///
    /// The tag moves to the new image only if `assemble` succeeds; otherwise it stays where it is.
    pub tag: String,

    /// Set a variable for `assemble` and the image
    ///
    /// NAME alone takes the value from the environment. If a variable is set twice, the last one wins; `-e` wins over
    /// `-E`, which wins over the file `.s2i/environment` in the source.
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    pub env: Vec<String>,

    /// Read variables from a file of NAME=VALUE lines
    #[arg(short = 'E', long, value_name = "FILE")]
    pub environment_file: Vec<PathBuf>,

    #[command(flatten)]
    pub selection: SelectionArgs,

    /// Bind-mount the source read-only instead of sending it
    ///
    /// For trees that are too large to send. It does not work with builders that move or change their source.
    #[arg(long, help_heading = "What is sent")]
    pub mount: bool,

    /// Where the source is while `assemble` runs [default: auto for `watch`, layer for others]
    ///
    /// Tens of thousands of files are written much faster in memory, and need not be removed before the commit. It works with
    /// builders that read their source or move files out of it, not with those that rename or remove the folder itself. With
    /// `auto`, the first build has it in the layer; later ones have it in memory if the removal took long and the folder
    /// stayed in place. An `assemble` that fails there is run again with the source in the layer. Of a source in memory, only
    /// the empty folder gets into the image.
    #[arg(long, value_name = "WHERE", conflicts_with = "mount", help_heading = "What is sent")]
    pub source_in: Option<SourceInChoice>,

    /// The same as `--source-in memory`
    #[arg(
        long,
        hide = true,
        conflicts_with_all = ["mount", "keep_source", "source_in"],
        help_heading = "What is sent"
    )]
    pub source_in_memory: bool,

    /// Keep in the image what `assemble` leaves of the source
    #[arg(long)]
    pub keep_source: bool,

    /// Look for the scripts at this URL or path first
    ///
    /// `image:///FOLDER` is a folder of the builder image; `file:///FOLDER` or a path is a folder of this machine;
    /// scripts at `http://` and `https://` are downloaded, once per run. If `assemble`, `run` or `save-artifacts` is
    /// missing there, it is taken from `.s2i/bin` in the source, or else from the place that the builder's label names.
    /// With `image://`, the scripts in the source are not used. Scripts from outside the image become part of the new
    /// image.
    #[arg(short, long, value_name = "URL", alias = "scripts", help_heading = "Scripts, place and user")]
    pub scripts_url: Option<String>,

    /// Look for scripts in this folder of the image last
    ///
    /// Written as `image:///FOLDER`. It is used for scripts that neither `--scripts-url`, nor the source, nor the
    /// builder's label provides. Without this option and without a label, the usual folders `/usr/libexec/s2i` and
    /// `/usr/local/s2i` are tried.
    #[arg(long, value_name = "URL", help_heading = "Scripts, place and user")]
    pub image_scripts_url: Option<String>,

    /// Put the source into DIR/src, where DIR is a folder of the image
    ///
    /// It wins over the builder's label. Without either, it is `/tmp`. The folder must exist, and the user who runs
    /// `assemble` must be allowed to write to it.
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
    /// Examples are `1-` (any user but root) and `1000-2000,3000`. A user that is given by name, or not given at all,
    /// is refused too, because its numeric id is not known before the container runs.
    #[arg(
        short = 'u',
        long,
        value_name = "RANGES",
        allow_hyphen_values = true,
        help_heading = "Scripts, place and user"
    )]
    pub allowed_uids: Option<String>,

    /// Build without the previous image's artifacts
    #[arg(long)]
    pub no_incremental: bool,

    /// Report to this URL how the build ended
    ///
    /// It is sent a POST request with `{"success":true,"labels":{...}}`; the labels are those of the new image. If the
    /// server does not accept the request, a warning is printed.
    #[arg(long, value_name = "URL")]
    pub callback_url: Option<String>,

    /// The engine's CLI [default: docker, or else podman]
    #[arg(long, env = "MINIS2I_ENGINE", value_name = "PATH")]
    pub engine: Option<OsString>,

    #[command(flatten)]
    pub repository: RepositoryArgs,

    #[command(flatten)]
    pub containers: ContainerArgs,

    #[command(flatten)]
    pub secrets: SecretArgs,

    #[command(flatten)]
    pub caches: CacheArgs,

    #[command(flatten)]
    pub images: PullArgs,

    #[command(flatten)]
    pub runtime: RuntimeArgs,

    #[command(flatten)]
    pub s2i_compat: S2iCompatArgs,

    #[command(flatten)]
    pub output_paths: OutputPathArgs,

    /// Options for `docker run` of both build containers
    ///
    /// The image gets nothing of them.
    // Without a heading of its own, it would get that of the flattened group above.
    #[arg(last = true, value_name = "RUN_OPTION", help_heading = None)]
    pub run_options: Vec<String>,
}
