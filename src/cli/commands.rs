//! The commands, and the arguments that each of them takes.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::builder::ArgPredicate;
use clap::{Arg, Args, Parser, Subcommand};
use clap_complete::Shell;
use jiff::SignedDuration;

use super::choices::{ColorChoice, MessageFormat, OnBusy};
use super::job::JobArgs;

/// Turn a source folder and a builder image into a runnable image, again and again, fast.
#[derive(Debug, Parser)]
#[command(name = "minis2i", version, propagate_version = true, arg_required_else_help = true, after_help = FIRST_FORM)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// What the user should know of how the arguments were read.
    #[arg(skip)]
    pub notes: Vec<String>,
}

const FIRST_FORM: &str = "`minis2i SOURCE BUILDER TAG` is short for `minis2i build SOURCE BUILDER TAG`. \
                          A SOURCE named like a command is written `./NAME`.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build once: source and builder image become the image TAG
    Build(Box<BuildArgs>),

    /// Build an image once more, from what its labels say
    Rebuild(Box<RebuildArgs>),

    /// Show how a builder wants to be used
    Usage(UsageArgs),

    /// Write the files of a new builder, with tests
    Create(CreateArgs),

    /// Write a Dockerfile that does what a build with this builder does
    Generate(GenerateArgs),

    /// Print a completion script for a shell
    Completion(CompletionArgs),

    /// Print the version
    Version,

    /// Build on every save, so that TAG always names an image of what is on disk
    Watch(Box<WatchArgs>),

    /// Removes what a build needs no more, after it has ended
    #[command(hide = true, name = CLEANUP)]
    Cleanup(CleanupArgs),
}

/// The command that a build leaves behind for its own cleaning up.
pub const CLEANUP: &str = "cleanup-after-build";

#[derive(Debug, Args)]
pub struct CleanupArgs {
    #[arg(long)]
    pub engine: OsString,
    /// The lock of the run that made it all
    #[arg(long)]
    pub lock: PathBuf,
    /// The process id of that run
    #[arg(long)]
    pub parent: i32,
    /// A container to remove
    #[arg(long)]
    pub container: Vec<String>,
    /// An image to remove if no tag and no container needs it
    #[arg(long)]
    pub image: Vec<String>,
}

#[derive(Debug, Args)]
// An argument that is changed goes to the end; the one behind it has to follow.
#[command(mut_arg("tag", needless_for_dockerfile), mut_arg("run_options", |rest| rest))]
pub struct BuildArgs {
    #[command(flatten)]
    pub job: JobArgs,

    /// Run the new image afterwards, until it ends
    ///
    /// Its output is shown and its ports are published; Ctrl-C removes the container. The exit status is that of the
    /// container.
    #[arg(long)]
    pub run: bool,

    /// Write a Dockerfile and a folder `upload` beside it, instead of building
    ///
    /// PATH is the Dockerfile, or a folder for it. `docker build` makes the image of them, always from nothing, anywhere
    /// where the builder image is.
    #[arg(
        long,
        value_name = "PATH",
        conflicts_with_all = ["mount", "run", "runtime_image", "callback_url"]
    )]
    pub as_dockerfile: Option<PathBuf>,

    /// Take arguments that are not given from the `.s2ifile` in the current folder
    ///
    /// `s2i build --use-config` has written it. Without SOURCE, BUILDER and TAG this is done anyway, where there is one.
    #[arg(long)]
    pub use_config: bool,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// A Dockerfile does not need to know how its image will be called.
fn needless_for_dockerfile(tag: Arg) -> Arg {
    tag.required(false).required_unless_present("as_dockerfile").default_value_if(
        "as_dockerfile",
        ArgPredicate::IsPresent,
        "",
    )
}

#[derive(Debug, Args)]
pub struct WatchArgs {
    #[command(flatten)]
    pub job: JobArgs,
    #[command(flatten)]
    pub watch: WatchOptions,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Watching")]
pub struct WatchOptions {
    /// How long the source must be quiet after a burst of events, such as 50ms or 1s
    ///
    /// A single finished save is not waited for that long; a burst that does not end is looked at after a second.
    #[arg(long, value_name = "TIME", default_value = "50ms", value_parser = duration)]
    pub debounce: Duration,

    /// What happens to a save during a build
    #[arg(long, value_name = "WHAT", default_value = "auto")]
    pub on_busy: OnBusy,

    /// Look at everything now and then instead of waiting for events
    ///
    /// For file systems that tell no events, such as network folders. Done unasked where watching does not work.
    #[arg(long, value_name = "INTERVAL", num_args = 0..=1, require_equals = true, default_missing_value = "1s",
          value_parser = duration)]
    pub poll: Option<Duration>,

    /// Keep the last N images that lost the tag
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub keep: usize,

    /// Keep no container ready for the next save
    ///
    /// One container less at rest; each build takes as long as `minis2i build`.
    #[arg(long)]
    pub no_standby: bool,

    /// The largest source that a container is kept ready with, such as 500MB or 2GiB
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = bytes)]
    pub standby_limit: u64,

    /// Clear the screen before each build
    #[arg(long)]
    pub clear: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Result<SignedDuration, _> = text.parse();
    let parsed = parsed.ok().and_then(|duration| Duration::try_from(duration).ok());
    parsed.ok_or_else(|| "a time is a number with a unit: `50ms`, `1.5s`, `1m`".to_owned())
}

fn bytes(text: &str) -> Result<u64, String> {
    text.parse::<ByteSize>().map(|size| size.as_u64()).map_err(|_| "a size looks like `500MB` or `2GiB`".to_owned())
}

/// The options of a build; what it is told by its arguments, labels tell here.
#[derive(Debug, Args)]
#[command(mut_arg("source", image_to_rebuild), mut_arg("builder", new_name), mut_arg("tag", not_taken))]
// An argument that is changed goes to the end; the one behind them has to follow.
#[command(mut_arg("run_options", |rest| rest))]
pub struct RebuildArgs {
    #[command(flatten)]
    pub job: JobArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

fn image_to_rebuild(source: Arg) -> Arg {
    source.value_name("TAG").help("The image to build once more").long_help(
        "The image to build once more\n\nIts labels name the builder, the source, and what of it was used. Variables \
         and other options are not in the labels: give them again.",
    )
}

fn new_name(builder: Arg) -> Arg {
    builder
        .value_name("NEW")
        .help("The name of the image to make, instead of TAG")
        .required(false)
        .default_value("")
        .hide_default_value(true)
}

/// `rebuild` has no third argument.
fn not_taken(tag: Arg) -> Arg {
    tag.hide(true).required(false).default_value("").hide_default_value(true)
}

#[derive(Debug, Args)]
pub struct UsageArgs {
    /// The builder image, by name or id
    pub builder: String,

    #[command(flatten)]
    pub engine: EngineArgs,
}

#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The name of the builder image to be
    pub name: String,

    /// The folder to write to; files that are there stay as they are
    pub dir: PathBuf,
}

#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// The builder image, by name or id
    pub builder: String,

    /// The Dockerfile to write, or `-` for standard output
    ///
    /// A file that is there is replaced only if it was generated.
    pub file: PathBuf,

    /// Set a variable for `assemble` and the image; NAME alone takes the value from the environment
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    pub env: Vec<String>,

    /// The user who runs `assemble`, instead of the one the builder names
    #[arg(long, value_name = "USER")]
    pub assemble_user: Option<String>,

    #[command(flatten)]
    pub engine: EngineArgs,
}

#[derive(Debug, Args)]
pub struct CompletionArgs {
    pub shell: Shell,
}

/// What commands that only ask the engine for something need.
#[derive(Debug, Args)]
pub struct EngineArgs {
    /// The engine's CLI: docker, or one that takes the same commands
    #[arg(long, env = "MINIS2I_ENGINE", value_name = "PATH", default_value = "docker")]
    pub engine: OsString,

    /// Print errors only, and what was asked for
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,

    /// Show every engine command with its time; `-v` for short
    #[arg(long, help_heading = "Output")]
    pub verbose: bool,

    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub color: ColorChoice,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Print errors only, and the image id
    #[arg(short, long, conflicts_with_all = ["verbose", "loglevel"])]
    pub quiet: bool,

    /// Show every engine command with its time; `-v` for short, where no SOURCE:/TARGET follows
    #[arg(long)]
    pub verbose: bool,

    /// How much to say, as s2i counts it: from 1 on it is `--verbose`
    #[arg(long, value_name = "0-5", value_parser = clap::value_parser!(u8).range(0..=5))]
    pub loglevel: Option<u8>,

    /// Text on stderr and the image id on stdout, or one JSON object a line on stdout
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub message_format: MessageFormat,

    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
}
