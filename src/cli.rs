//! What can be typed. The doc comments are the help.

mod foreign;
pub mod options;
mod s2ifile;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::builder::ArgPredicate;
use clap::{Arg, Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use jiff::SignedDuration;

use crate::report::Color;
use crate::watch::OnBusy;
use options::{ContainerArgs, FamiliarArgs, PrivateArgs, PullArgs, RepositoryArgs, RuntimeArgs};

/// Turn a source folder and a builder image into a runnable image, again and again, fast.
#[derive(Debug, Parser)]
#[command(name = "minis2i", version, propagate_version = true, arg_required_else_help = true, after_help = FIRST_FORM)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// What the user should know of how his words were read.
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
    #[command(hide = true, name = TIDY)]
    Tidy(TidyArgs),
}

/// The command that a build leaves behind for its own cleaning up.
pub const TIDY: &str = "tidy-after-build";

#[derive(Debug, Args)]
pub struct TidyArgs {
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
    pub private: PrivateArgs,

    #[command(flatten)]
    pub images: PullArgs,

    #[command(flatten)]
    pub runtime: RuntimeArgs,

    #[command(flatten)]
    pub familiar: FamiliarArgs,

    /// Options for `docker run`, for both containers of a build
    #[arg(last = true, value_name = "RUN_OPTION")]
    pub run_options: Vec<String>,
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
    pub aside: AsideArgs,
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
    pub aside: AsideArgs,
}

#[derive(Debug, Args)]
pub struct CompletionArgs {
    pub shell: Shell,
}

/// What commands that only ask the engine for something need.
#[derive(Debug, Args)]
pub struct AsideArgs {
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
    pub color: Color,
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
    pub color: Color,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MessageFormat {
    Human,
    Json,
}

/// What became of words that say nothing to do.
pub enum Unread {
    /// The parser's own answer: help, the version, or an error in its own words.
    Answer(clap::Error),
    Failure(anyhow::Error),
}

/// Reads what was typed, with the arguments that a `.s2ifile` adds.
///
/// # Errors
/// See [`Unread`].
pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Cli, Unread> {
    let (args, notes) = s2ifile::expand(complete(args)).map_err(Unread::Failure)?;
    match Cli::try_parse_from(&args) {
        Ok(cli) => Ok(Cli { notes, ..cli }),
        Err(error) => Err(match foreign::explain(&error, &args) {
            Some(failure) => Unread::Failure(failure.into()),
            None => Unread::Answer(error),
        }),
    }
}

/// Makes the short form, without a command, a `build`, and of each `-v` the option it stands for.
fn complete(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    if args.get(1).is_some_and(|first| !is_command(first)) {
        args.insert(1, "build".into());
    }
    let options = args.iter().position(|word| word == "--").unwrap_or(args.len());
    for index in 1..options {
        let mounts = args[..options].get(index + 1).is_some_and(|next| is_volume(next));
        if args[index] == "-v" && !mounts {
            args[index] = "--verbose".into();
        }
    }
    args
}

/// Whether what follows a `-v` makes it that of s2i and docker, `--volume`: a place in the container, which a URL is not.
fn is_volume(word: &OsStr) -> bool {
    let word = word.to_string_lossy();
    word.split_once(":/").is_some_and(|(source, target)| !source.is_empty() && !target.starts_with('/'))
}

/// Whether a first word is a command, or an option that stands alone: never the SOURCE of the short form.
fn is_command(word: &OsStr) -> bool {
    let alone = ["help", "-h", "--help", "-V", "--version"];
    alone.iter().any(|known| word == *known) || Cli::command().find_subcommand(word).is_some()
}

/// The script that completes this program's commands and options in a shell.
pub fn completion(shell: Shell) -> Vec<u8> {
    let cli = Cli::command();
    // Hidden commands would be offered, too.
    let shown = cli.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    let mut cli = clap::Command::new("minis2i").version(env!("CARGO_PKG_VERSION")).subcommands(shown);
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli, "minis2i", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use super::{Cli, Command, complete};
    use clap::{CommandFactory, Parser};

    fn build(line: &str) -> super::JobArgs {
        let args = line.split_whitespace().map(Into::into);
        match Cli::try_parse_from(complete(args)).unwrap().command {
            Command::Build(args) => args.job,
            other => panic!("`{line}` is no build but {other:?}"),
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
    fn a_v_is_a_volume_before_one_and_verbose_elsewhere() {
        let completed = |line: &str| {
            let args = complete(line.split_whitespace().map(Into::into));
            args.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
        };
        for (typed, meant) in [
            ("minis2i -v src builder img", "minis2i build --verbose src builder img"),
            ("minis2i build src builder img -v", "minis2i build src builder img --verbose"),
            ("minis2i watch -v ./c:/c:ro src builder img", "minis2i watch -v ./c:/c:ro src builder img"),
            ("minis2i build -v https://a/b builder img", "minis2i build --verbose https://a/b builder img"),
            ("minis2i build a b c -v -- -v x", "minis2i build a b c --verbose -- -v x"),
        ] {
            assert_eq!(completed(typed), meant);
        }
    }

    #[test]
    fn the_rest_goes_to_the_engine() {
        let job = build("minis2i build testapp builder img -- --memory 512m --network none");
        assert_eq!(job.run_options, ["--memory", "512m", "--network", "none"]);
    }
}
