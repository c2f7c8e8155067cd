//! What was typed, made into what to do here: files read, names checked. Afterwards nobody asks the command line or
//! the environment again.

mod containers;
pub mod origin;
mod private;
pub mod reference;
mod runtime;
mod source;
mod wishes;

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::checkout::Checkout;
use crate::cli::options::PullPolicy;
use crate::cli::{AsideArgs, JobArgs, MessageFormat, OutputArgs};
use crate::contract::users::Ranges;
use crate::contract::web::Web;
use crate::contract::{Wishes, environment};
use crate::failure::Failure;
use crate::report::{Color, Format, Level, Reporter};
use crate::source::{Links, Selection};
pub use private::{From, Injection, Private, Secret};
pub use runtime::{Artifact, Runtime, artifacts_from_label};
pub use source::Source;

/// One build, or many of the same.
#[derive(Clone, Debug)]
pub struct Job {
    pub source: Source,
    pub builder: String,
    pub tag: String,
    /// `-E` and `-e`, merged; the source's own file comes before them, at each build.
    pub variables: Vec<(String, String)>,
    pub private: Private,
    pub selection: Selection,
    pub transfer: Transfer,
    pub keep_source: bool,
    pub incremental: bool,
    pub runtime: Option<Runtime>,
    pub pull: Pull,
    pub naming: Naming,
    /// Who is told how a build ended.
    pub callback_url: Option<String>,
    /// Where scripts and source go and come from, and who runs, where that is not for the images to say.
    pub wishes: Wishes,
    /// The users that may run scripts, if not all may.
    pub allowed_uids: Option<Ranges>,
    /// Scripts of the network.
    pub web: Web,
    pub engine: OsString,
    /// Options of `docker run` for both containers.
    pub run_options: Vec<String>,
}

/// When to ask a registry for which image.
#[derive(Clone, Copy, Debug)]
pub struct Pull {
    pub builder: PullPolicy,
    pub previous: PullPolicy,
}

/// What the image is called for people.
#[derive(Clone, Debug)]
pub struct Naming {
    pub application: Option<String>,
    pub description: Option<String>,
}

/// How the source gets to `assemble`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// Into the container's own layer.
    Upload,
    /// Into a file system in memory, mounted in its place.
    Memory,
    /// By a read-only bind mount.
    Mount,
}

/// How to talk to the user.
pub fn reporter(args: &OutputArgs) -> Reporter {
    let format = match args.message_format {
        MessageFormat::Human => Format::Human,
        MessageFormat::Json => Format::Json,
    };
    let verbose = args.verbose || args.loglevel.is_some_and(|level| level > 0);
    Reporter::new(format, level(args.quiet, verbose), args.color)
}

/// The same for commands that print what was asked for, and nothing for programs beside it.
pub fn aside_reporter(args: &AsideArgs) -> Reporter {
    Reporter::new(Format::Human, level(args.quiet, args.verbose), args.color)
}

fn level(quiet: bool, verbose: bool) -> Level {
    match (quiet, verbose) {
        (true, _) => Level::Quiet,
        (_, true) => Level::Verbose,
        _ => Level::Normal,
    }
}

/// How to talk to the user before it is known what he asked for.
pub fn default_reporter() -> Reporter {
    Reporter::new(Format::Human, Level::Normal, Color::Auto)
}

impl Job {
    /// Checks what was typed and reads the environment files. A source that is a repository was cloned before.
    ///
    /// # Errors
    /// Anything that can not be used, with what to do about it.
    pub fn new(args: JobArgs, checkout: Option<&Checkout>, reporter: &Reporter) -> Result<Self> {
        let source = Source::new(&args, checkout)?;
        note_what_has_no_meaning(&args, checkout, reporter);
        reference::check_tag(&args.tag)?;
        reference::check_builder(&args.builder)?;
        args.callback_url.as_deref().map_or(Ok(()), check_callback)?;
        check_run_options(&args.run_options)?;
        let wishes = wishes::wishes(&args)?;
        let allowed_uids = args.allowed_uids.as_deref().map(wishes::ranges).transpose()?;
        let mut run_options = containers::options(&args.containers, Path::new(""))?;
        run_options.extend(args.run_options);
        let mut lists = Vec::new();
        for file in &args.environment_file {
            lists.push(environment_file(file, reporter)?);
        }
        let typed: Result<Vec<_>> = args.env.iter().map(|text| variable(text, "-e")).collect();
        lists.push(typed?);
        Ok(Self {
            source,
            builder: args.builder,
            tag: args.tag,
            variables: environment::merge(lists),
            private: Private::new(&args.private)?,
            selection: Selection {
                gitignore: !args.no_gitignore,
                exclude: args.exclude,
                include: args.include,
                links: match (args.follow_symlinks, args.familiar.keep_symlinks) {
                    (true, _) => Links::Followed,
                    (_, true) => Links::KeptKnowingly,
                    _ => Links::Kept,
                },
            },
            transfer: match (args.mount, args.source_in_memory) {
                (true, _) => Transfer::Mount,
                (_, true) => Transfer::Memory,
                _ => Transfer::Upload,
            },
            keep_source: args.keep_source,
            incremental: !args.no_incremental && args.runtime.runtime_image.is_none(),
            runtime: Runtime::new(&args.runtime)?,
            pull: Pull { builder: args.images.pull_policy, previous: args.images.incremental_pull_policy },
            naming: Naming { application: args.images.application_name, description: args.images.description },
            callback_url: args.callback_url,
            wishes,
            allowed_uids,
            web: Web::default(),
            engine: args.engine,
            run_options,
        })
    }

    /// The same for builds after the first: a registry is asked once.
    pub fn after_the_first(&self) -> Self {
        let after = |policy| match policy {
            PullPolicy::Always => PullPolicy::IfNotPresent,
            policy => policy,
        };
        let runtime = self.runtime.clone().map(|runtime| Runtime { pull: after(runtime.pull), ..runtime });
        let pull = Pull { builder: after(self.pull.builder), previous: PullPolicy::Never };
        Self { runtime, pull, ..self.clone() }
    }

    /// The user that options for `docker run` name.
    pub fn user_option(&self) -> Option<&str> {
        user_option(&self.run_options)
    }

    /// All variables of a build that starts now.
    ///
    /// # Errors
    /// When the source's file can not be read.
    pub fn environment(&self, reporter: &Reporter) -> Result<Vec<(String, String)>> {
        let file = self.source.path.join(".s2i/environment");
        let own = if file.exists() { environment_file(&file, reporter)? } else { Vec::new() };
        Ok(environment::merge([own, self.variables.clone()]))
    }
}

fn check_callback(url: &str) -> Result<()> {
    if ["http://", "https://"].iter().any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty())) {
        return Ok(());
    }
    Err(Failure::usage(format!("`{url}` is no address that can be called back"))
        .hint("it begins with `http://` or `https://`")
        .into())
}

/// Says so where an option asks for something that there is not.
fn note_what_has_no_meaning(args: &JobArgs, checkout: Option<&Checkout>, reporter: &Reporter) {
    if args.familiar.save_temp_dir && checkout.is_none() {
        reporter
            .note("`--save-temp-dir` has nothing to keep: the source is sent as it is, without a copy on this disk");
    }
    if args.familiar.copy && checkout.is_some() {
        reporter.note("`--copy` has no meaning for a repository, which has to be cloned");
    }
}

/// One variable, as name and value, given to this option.
///
/// # Errors
/// No name, or no value here to pass on.
pub fn variable(text: &str, option: &str) -> Result<(String, String)> {
    let write = format!("write `{option} NAME=VALUE`");
    let usage = |message: String, hint: &str| Err(Failure::usage(message).hint(hint).into());
    if text.contains('\0') {
        return usage(format!("the variable `{text}` has a zero byte"), "leave it out");
    }
    match text.split_once('=') {
        Some(("", _)) => usage(format!("the variable `{text}` has no name"), &write),
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None if text.is_empty() => usage(format!("`{option}` names no variable"), &write),
        None => match std::env::var(text) {
            Ok(value) => Ok((text.to_owned(), value)),
            Err(_) => usage(
                format!("the variable `{text}` is not set here, so `{option} {text}` has no value to pass on"),
                &format!("{write}, or set and export it first"),
            ),
        },
    }
}

fn environment_file(path: &Path, reporter: &Reporter) -> Result<Vec<(String, String)>> {
    let shown = path.display();
    let hint = "an environment file is a text file of `NAME=VALUE` lines";
    let bytes = fs::read(path).map_err(|error| {
        Failure::usage(format!("cannot read the environment file `{shown}`")).because(error).hint(hint)
    })?;
    let parsed = environment::parse(&bytes).map_err(|error| {
        Failure::usage(format!("cannot use the environment file `{shown}`")).because(error).hint(hint)
    })?;
    for line in parsed.dropped {
        reporter.warn_once(&format!("{shown}:{line} is no `NAME=VALUE` line and is left out"));
    }
    Ok(parsed.variables)
}

/// Options of `docker run` that would take our own containers from us, and why each is refused.
const TAKEN: [(&str, &str); 9] = [
    ("--name", "the containers of a build are named by minis2i"),
    ("--rm", "containers are removed anyway"),
    ("--detach", "minis2i has to talk to the container"),
    ("--tty", "scripts run without a terminal, so that their output stays as it is"),
    ("--interactive", "the source travels on standard input already"),
    ("--attach", "minis2i attaches what it needs"),
    ("--entrypoint", "the builder's ENTRYPOINT stays in force"),
    ("--cidfile", "the containers are gone after the build"),
    ("--restart", "a build runs once"),
];

fn check_run_options(options: &[String]) -> Result<()> {
    for option in options {
        let name = option.split('=').next().unwrap_or(option);
        let long = long_name(name);
        if let Some((_, why)) = TAKEN.iter().find(|(taken, _)| *taken == long) {
            return Err(Failure::usage(format!("`{option}` can not be passed on to `docker run`: {why}"))
                .hint("leave it out")
                .into());
        }
    }
    // A first word that is no option would be taken for the image.
    match options.first() {
        Some(word) if !word.starts_with('-') => {
            Err(Failure::usage(format!("`{word}` after `--` is no option of `docker run`"))
                .hint("after `--` come options such as `--memory 512m`")
                .into())
        }
        _ => Ok(()),
    }
}

fn user_option(options: &[String]) -> Option<&str> {
    let mut found = None;
    let mut options = options.iter();
    while let Some(option) = options.next() {
        let value = match option.as_str() {
            "-u" | "--user" => options.next().map(String::as_str),
            option => ["--user=", "-u=", "-u"].iter().find_map(|beginning| option.strip_prefix(beginning)),
        };
        // The last one counts.
        found = value.or(found);
    }
    found
}

/// The long name of a refused short option, also where it stands among others as in `-dit`.
fn long_name(name: &str) -> &str {
    let Some(letters) = name.strip_prefix('-').filter(|rest| !rest.starts_with('-')) else { return name };
    // After any other letter comes that one's value.
    let flags = letters.chars().take_while(|letter| "ditPqa".contains(*letter));
    let mut known = flags.filter_map(|letter| match letter {
        'd' => Some("--detach"),
        't' => Some("--tty"),
        'i' => Some("--interactive"),
        'a' => Some("--attach"),
        _ => None,
    });
    known.next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::{check_run_options, user_option, variable};

    #[test]
    fn a_variable_is_split_at_the_first_equals_sign() {
        assert_eq!(variable("A=b=c", "-e").unwrap(), ("A".to_owned(), "b=c".to_owned()));
        assert_eq!(variable("A=", "-e").unwrap().1, "");
        assert!(variable("=x", "-e").is_err() && variable("", "-e").is_err());
        assert!(variable("MINIS2I_SURELY_NOT_SET", "-e").is_err());
    }

    #[test]
    fn the_last_user_among_the_options_counts() {
        let user = |line: &str| {
            let options: Vec<String> = line.split(' ').map(str::to_owned).collect();
            user_option(&options).map(str::to_owned)
        };
        assert_eq!(user("--memory 1g"), None);
        for line in ["-u 5", "--user=5", "-u=5", "-u5", "--user 4 --memory 1g -u 5"] {
            assert_eq!(user(line).as_deref(), Some("5"), "{line}");
        }
    }

    #[test]
    fn options_that_would_take_the_container_away_are_refused() {
        let check = |options: &[&str]| check_run_options(&options.iter().map(|o| (*o).to_owned()).collect::<Vec<_>>());
        assert!(check(&["--memory", "512m", "--network=none", "-m512m", "-vdit:/x"]).is_ok());
        for bad in [["--name=x"], ["-d"], ["-it"], ["-Pdq"], ["-astdin"], ["busybox"]] {
            assert!(check(&bad).is_err(), "{bad:?}");
        }
    }
}
