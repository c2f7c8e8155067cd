//! What can be typed. The doc comments are the help.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::SignedDuration;

use crate::report::Color;
use crate::watch::OnBusy;

/// Turn a source folder and a builder image into a runnable image, again and again, fast.
#[derive(Debug, Parser)]
#[command(name = "minis2i", version, propagate_version = true, arg_required_else_help = true, after_help = FIRST_FORM)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

const FIRST_FORM: &str = "`minis2i SOURCE BUILDER TAG` is short for `minis2i build SOURCE BUILDER TAG`.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build once: source and builder image become the image TAG
    Build(BuildArgs),

    /// Build on every save, so that TAG always names an image of what is on disk
    Watch(Box<WatchArgs>),

    /// Removes what a build needs no more, after it has ended
    #[command(hide = true, name = TIDY)]
    Tidy(TidyArgs),
}

/// The command that a build leaves behind for its own cleaning up.
pub const TIDY: &str = "tidy-after-build";

#[derive(Debug, Args)]
pub struct TidyArgs {
    #[arg(long)]
    pub engine: OsString,
    /// A container to remove
    #[arg(long)]
    pub container: Vec<String>,
    /// An image to remove if no tag and no container needs it
    #[arg(long)]
    pub image: Vec<String>,
}

#[derive(Debug, Args)]
pub struct BuildArgs {
    #[command(flatten)]
    pub job: JobArgs,
    #[command(flatten)]
    pub output: OutputArgs,
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

/// What to build, and how.
#[derive(Debug, Args)]
pub struct JobArgs {
    /// The folder with the source
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

    /// Send files that git would ignore, too
    #[arg(long, help_heading = "What is sent")]
    pub no_gitignore: bool,

    /// Bind-mount the source read-only instead of sending it
    ///
    /// For trees too large to send. Builders that move or change their source can not work with it.
    #[arg(long, help_heading = "What is sent")]
    pub mount: bool,

    /// Keep what `assemble` left of the source in the image
    #[arg(long)]
    pub keep_source: bool,

    /// Start from nothing: take over no artifacts of the previous image
    #[arg(long)]
    pub no_incremental: bool,

    /// The engine's CLI: docker, or one that takes the same commands
    #[arg(long, env = "MINIS2I_ENGINE", value_name = "PATH", default_value = "docker")]
    pub engine: OsString,

    /// Options for `docker run`, for both containers of a build
    #[arg(last = true, value_name = "RUN_OPTION")]
    pub run_options: Vec<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Print errors only, and the image id
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Show every engine command with its time
    #[arg(short, long)]
    pub verbose: bool,

    /// Text on stderr and the image id on stdout, or one JSON object a line on stdout
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub message_format: MessageFormat,

    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MessageFormat {
    Human,
    Json,
}

/// Words that are never the SOURCE of the short form.
const COMMANDS: [&str; 8] = ["build", "watch", TIDY, "help", "-h", "--help", "-V", "--version"];

/// Makes the short form, without a command, a `build`.
pub fn complete(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    let short = args.get(1).is_some_and(|first| !COMMANDS.iter().any(|command| first == command));
    if short {
        args.insert(1, "build".into());
    }
    args
}

#[cfg(test)]
mod tests {
    use super::{Cli, Command, complete};
    use clap::{CommandFactory, Parser};

    fn build(line: &str) -> super::JobArgs {
        let args = line.split_whitespace().map(Into::into);
        match Cli::try_parse_from(complete(args)).unwrap().command {
            Command::Build(args) => args.job,
            Command::Tidy(_) | Command::Watch(_) => panic!("`{line}` is no build"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_first_form_is_a_build() {
        let job = build("minis2i --env=VAR=hello testapp builder img");
        assert_eq!((job.env, job.tag.as_str()), (vec!["VAR=hello".to_owned()], "img"));
    }

    #[test]
    fn the_rest_goes_to_the_engine() {
        let job = build("minis2i build testapp builder img -- --memory 512m --network none");
        assert_eq!(job.run_options, ["--memory", "512m", "--network", "none"]);
    }
}
