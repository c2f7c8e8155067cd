//! The commands, and the arguments of each.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::builder::ArgPredicate;
use clap::{Arg, Args, Parser, Subcommand};
use clap_complete::Shell;

use super::app::{AppArgs, RunArgs};
use super::cache::CacheCommandArgs;
use super::choices::{ColorChoice, MessageFormat, OnBusy};
use super::doctor::DoctorArgs;
use super::engine::EngineArgs;
use super::files::FilesArgs;
use super::hooks::HookOptions;
use super::job::JobArgs;
use super::short_help::{MORE, shorten};
use super::snippet::SnippetArgs;
use super::time::{HOUR, duration};
use super::timings::TimingsArgs;
use super::wait::WaitOptions;

/// Turn a source folder and an S2I builder image into a runnable image.
#[derive(Debug, Parser)]
#[command(name = "minis2i", version, propagate_version = true, arg_required_else_help = true, after_help = SHORT_FORM,
    after_long_help = SHORT_FORM_EXPLAINED)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// Notes for the user about how the arguments were read.
    #[arg(skip)]
    pub notes: Vec<String>,
}

const SHORT_FORM: &str = "`minis2i SOURCE BUILDER TAG` is short for `minis2i build SOURCE BUILDER TAG`.";
const SHORT_FORM_EXPLAINED: &str = "`minis2i SOURCE BUILDER TAG` is short for `minis2i build SOURCE BUILDER TAG`. \
                                    If SOURCE has the name of a command, write `./SOURCE`.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build the image TAG once, from a source and a builder image
    Build(Box<BuildArgs>),

    /// Build the image TAG on every save of the source
    Watch(Box<WatchArgs>),

    /// Wait until a watched tag is up to date, and print its image's id
    Wait(Box<WaitArgs>),

    /// List what is sent of a source, or say why a path is sent or not
    Files(FilesArgs),

    /// Build an image again, from what its labels say
    Rebuild(Box<RebuildArgs>),

    /// Print the configuration of an editor or another tool
    Snippet(Box<SnippetArgs>),

    /// Print the usage text of a builder
    Usage(UsageArgs),

    /// Write the files of a new builder, with a test
    Create(CreateArgs),

    /// Write a Dockerfile that builds any source with a builder
    Generate(GenerateArgs),

    /// Print a completion script for a shell
    Completion(CompletionArgs),

    /// List or remove what builds keep for `assemble`
    Cache(CacheCommandArgs),

    /// Say what is slow or missing, and what helps
    Doctor(DoctorArgs),

    /// Print the version
    // `s2i` has it; `--version` is in the help, where each line is wanted.
    #[command(hide = true)]
    Version,

    /// Remove what a build no longer needs, after it has ended
    #[command(hide = true, name = CLEANUP)]
    Cleanup(CleanupArgs),

    /// Write the manual pages
    // For packages of minis2i, so it is not in the help.
    #[command(hide = true)]
    ManPages(ManPagesArgs),
}

/// The hidden command that a build starts in the background to clean up after itself.
pub const CLEANUP: &str = "cleanup-after-build";

#[derive(Debug, Args)]
pub struct CleanupArgs {
    #[arg(long)]
    pub engine: OsString,
    /// Whether the engine's CLI is podman's
    #[arg(long, action = clap::ArgAction::Set)]
    pub podman: bool,
    /// The lock of the run that created the containers and images
    #[arg(long)]
    pub lock: PathBuf,
    /// A container to remove
    #[arg(long)]
    pub container: Vec<String>,
    /// An image to remove if it has no tag and no container uses it
    #[arg(long)]
    pub image: Vec<String>,
}

#[derive(Debug, Args)]
// `mut_arg` moves an argument to the end, so the one that comes after it has to be moved, too.
#[command(mut_arg("tag", optional_for_dockerfile), mut_arg("run_options", |rest| rest))]
#[command(mut_args(shorten()), after_help = MORE, after_long_help = "")]
pub struct BuildArgs {
    #[command(flatten)]
    pub job: JobArgs,

    /// Run the new image after the build
    ///
    /// It runs until it exits. Its output is shown and its ports are published (all of them, or those of `--publish`); Ctrl-C removes the
    /// container. The exit status of minis2i is that of the container.
    // Without a heading of their own, this option and the next ones would get that of the last group in `job`.
    #[arg(long, help_heading = None)]
    pub run: bool,

    /// Build only if something changed
    ///
    /// The image is kept if TAG is on one of the same source, builder and options. The files of the source are compared by content, mode and name. What `assemble` gets from elsewhere, such as newer
    /// dependencies from a network or the content of a volume, does not count: without this option, every build builds.
    #[arg(long, help_heading = None)]
    pub if_changed: bool,

    /// Write a Dockerfile and a folder `upload` next to it, instead of building
    ///
    /// PATH is the Dockerfile, or a folder for it. `docker build` then makes the image, on any machine that has the
    /// builder image, and always without artifacts.
    #[arg(
        long,
        value_name = "PATH",
        conflicts_with_all = ["mount", "run", "runtime_image", "callback_url", "if_changed"],
        help_heading = None
    )]
    pub as_dockerfile: Option<PathBuf>,

    /// Take missing arguments from the `.s2ifile` in the current folder
    ///
    /// `s2i build --use-config` writes that file. If SOURCE, BUILDER and TAG are all missing, an existing file is used
    /// even without this option.
    #[arg(long, help_heading = None)]
    pub use_config: bool,

    #[command(flatten)]
    pub container: RunArgs,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// Makes TAG optional with `--as-dockerfile`, since a Dockerfile does not contain the name of its image.
fn optional_for_dockerfile(tag: Arg) -> Arg {
    tag.required(false).required_unless_present("as_dockerfile").default_value_if(
        "as_dockerfile",
        ArgPredicate::IsPresent,
        "",
    )
}

#[derive(Debug, Args)]
#[command(mut_args(shorten()), after_help = MORE, after_long_help = "")]
pub struct WatchArgs {
    // What only a watch has comes first in its help.
    #[command(flatten)]
    pub watch: WatchOptions,
    #[command(flatten)]
    pub app: AppArgs,
    #[command(flatten)]
    pub hooks: HookOptions,
    #[command(flatten)]
    pub job: JobArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Watching")]
pub struct WatchOptions {
    /// How long the source must be quiet after a burst of events, such as 50ms or 1s
    ///
    /// At most 1h. A single, completed save does not wait that long. If a burst does not end, the source is compared after
    /// one second.
    #[arg(long, value_name = "TIME", default_value = "50ms", value_parser = debounce)]
    pub debounce: Duration,

    /// What to do about a save during a build
    #[arg(long, value_name = "WHAT", default_value = "auto")]
    pub on_busy: OnBusy,

    /// Look at the source at this interval
    ///
    /// From 10ms to 24h, instead of waiting for file events. For file systems that report none, such as network folders. Used automatically where
    /// watching does not work.
    #[arg(long, value_name = "INTERVAL", num_args = 0..=1, require_equals = true, default_missing_value = "1s",
          value_parser = poll_interval)]
    pub poll: Option<Duration>,

    /// Keep the last N images that lost the tag
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub keep: usize,

    /// Keep no standby container ready for the next save
    ///
    /// No container exists between builds then, but each build takes as long as `minis2i build`.
    #[arg(long)]
    pub no_standby: bool,

    /// Keep a standby only for sources up to this size, such as 500MB or 2GiB
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = bytes)]
    pub standby_limit: u64,

    /// Clear the screen before each build
    #[arg(long)]
    pub clear: bool,

    /// Notify the desktop of each failure, and of the first success after one
    ///
    /// The terminal does it (its escape sequences OSC 9 or OSC 777), and its bell rings. Nothing is written to the standard
    /// output, and to the standard error only if that is a terminal. In tmux, `set -g allow-passthrough on` is needed.
    #[arg(long)]
    pub notify: bool,

    #[command(flatten)]
    pub timings: TimingsArgs,
}

/// Parses the value of `--debounce`. A longer time would be a watch that builds nothing, or one past the end of the clock.
fn debounce(text: &str) -> Result<Duration, String> {
    let debounce = duration(text)?;
    if debounce > HOUR { Err("it can be at most 1h".to_owned()) } else { Ok(debounce) }
}

/// Parses the value of `--poll`. A shorter interval would keep a processor busy with looking.
fn poll_interval(text: &str) -> Result<Duration, String> {
    let interval = duration(text)?;
    let possible = Duration::from_millis(10)..=24 * HOUR;
    if possible.contains(&interval) { Ok(interval) } else { Err("it can be from 10ms to 24h".to_owned()) }
}

fn bytes(text: &str) -> Result<u64, String> {
    text.parse::<ByteSize>().map(|size| size.as_u64()).map_err(|_| "a size looks like `500MB` or `2GiB`".to_owned())
}

#[derive(Debug, Args)]
pub struct WaitArgs {
    #[command(flatten)]
    pub wait: WaitOptions,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The options of a build; the labels of an image take the place of its arguments.
#[derive(Debug, Args)]
#[command(mut_arg("source", image_to_rebuild), mut_arg("builder", new_name), mut_arg("tag", hidden_tag))]
// `mut_arg` moves an argument to the end, so the one that comes after these has to be moved, too.
#[command(mut_arg("run_options", |rest| rest))]
#[command(mut_args(shorten()), after_help = MORE, after_long_help = "")]
pub struct RebuildArgs {
    #[command(flatten)]
    pub job: JobArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

fn image_to_rebuild(source: Arg) -> Arg {
    source.value_name("TAG").help("The image to build again").long_help(
        "The image to build again\n\nIts labels name the builder, the source, and which part of the source was used. \
         Variables and other options are not in the labels: give them again.",
    )
}

fn new_name(builder: Arg) -> Arg {
    builder
        .value_name("NEW")
        .help("The name of the new image, instead of TAG")
        .required(false)
        .default_value("")
        .hide_default_value(true)
}

/// Hides the third argument of a build, which `rebuild` does not have.
fn hidden_tag(tag: Arg) -> Arg {
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
    /// The name of the new builder image
    pub name: String,

    /// The folder to write to; existing files are not overwritten
    pub dir: PathBuf,
}

#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// The builder image, by name or id
    pub builder: String,

    /// The Dockerfile to write, or `-` for standard output
    ///
    /// An existing file is replaced only if it was generated.
    pub file: PathBuf,

    /// Set a variable for `assemble` and the image; NAME alone takes the value from the environment
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    pub env: Vec<String>,

    /// Run `assemble` as this user, instead of the one that the builder names
    #[arg(long, value_name = "USER")]
    pub assemble_user: Option<String>,

    #[command(flatten)]
    pub engine: EngineArgs,
}

#[derive(Debug, Args)]
pub struct CompletionArgs {
    /// The shell
    pub shell: Shell,
}

#[derive(Debug, Args)]
pub struct ManPagesArgs {
    /// The folder to write to
    pub dir: PathBuf,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Print only errors and the image id
    #[arg(short, long, conflicts_with_all = ["verbose", "loglevel"])]
    pub quiet: bool,

    /// Show every engine command with its time
    ///
    /// `-v` for short, unless SOURCE:/TARGET follows it: then it means `--volume`.
    #[arg(long)]
    pub verbose: bool,

    /// Set the log level as in s2i: 1 and above mean `--verbose`
    #[arg(long, value_name = "0-5", hide_short_help = true, value_parser = clap::value_parser!(u8).range(0..=5))]
    pub loglevel: Option<u8>,

    /// What to print
    ///
    /// `human`, the default, is text on stderr, and the image id on stdout; `json` is one JSON object per line on stdout.
    #[arg(long, value_name = "FORMAT", default_value = "human", hide_default_value = true)]
    pub message_format: MessageFormat,

    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto", hide_short_help = true)]
    pub color: ColorChoice,
}
