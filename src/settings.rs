//! What was typed, made into what to do here: files read, names checked. Afterwards nobody asks the command line or
//! the environment again.

mod reference;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::cli::{JobArgs, MessageFormat, OutputArgs};
use crate::contract::environment;
use crate::failure::Failure;
use crate::report::{Color, Format, Level, Reporter};
use crate::source::Selection;

/// One build, or many of the same.
#[derive(Clone, Debug)]
pub struct Job {
    pub source: Source,
    pub builder: String,
    pub tag: String,
    /// `-E` and `-e`, merged; the source's own file comes before them, at each build.
    pub variables: Vec<(String, String)>,
    pub selection: Selection,
    pub transfer: Transfer,
    pub keep_source: bool,
    pub incremental: bool,
    pub engine: OsString,
    /// Options of `docker run` for both containers.
    pub run_options: Vec<String>,
}

/// The source folder.
#[derive(Clone, Debug)]
pub struct Source {
    /// As it was typed, for labels and messages.
    pub typed: String,
    /// Absolute, links resolved.
    pub path: PathBuf,
}

/// How the source gets to `assemble`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// Into the container's own layer.
    Upload,
    /// By a read-only bind mount.
    Mount,
}

/// How to talk to the user.
pub fn reporter(args: &OutputArgs) -> Reporter {
    let format = match args.message_format {
        MessageFormat::Human => Format::Human,
        MessageFormat::Json => Format::Json,
    };
    let level = match (args.quiet, args.verbose) {
        (true, _) => Level::Quiet,
        (_, true) => Level::Verbose,
        _ => Level::Normal,
    };
    Reporter::new(format, level, args.color)
}

/// How to talk to the user before it is known what he asked for.
pub fn default_reporter() -> Reporter {
    Reporter::new(Format::Human, Level::Normal, Color::Auto)
}

impl Job {
    /// Checks what was typed and reads the environment files.
    ///
    /// # Errors
    /// Anything that can not be used, with what to do about it.
    pub fn new(args: JobArgs, reporter: &Reporter) -> Result<Self> {
        let source = Source::new(&args.source)?;
        reference::check_tag(&args.tag)?;
        reference::check_builder(&args.builder)?;
        check_run_options(&args.run_options)?;
        let mut lists = Vec::new();
        for file in &args.environment_file {
            lists.push(environment_file(file, reporter)?);
        }
        let typed: Result<Vec<_>> = args.env.iter().map(|text| variable(text)).collect();
        lists.push(typed?);
        Ok(Self {
            source,
            builder: args.builder,
            tag: args.tag,
            variables: environment::merge(lists),
            selection: Selection { gitignore: !args.no_gitignore, exclude: args.exclude, include: args.include },
            transfer: if args.mount { Transfer::Mount } else { Transfer::Upload },
            keep_source: args.keep_source,
            incremental: !args.no_incremental,
            engine: args.engine,
            run_options: args.run_options,
        })
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

impl Source {
    fn new(typed: &Path) -> Result<Self> {
        let shown = typed.display();
        let path = fs::canonicalize(typed).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                Failure::usage(format!("there is no source folder `{shown}`"))
                    .hint("the order is `minis2i build SOURCE BUILDER TAG`; SOURCE is a folder on this machine")
            } else {
                Failure::usage(format!("cannot use the source `{shown}`"))
                    .because(error)
                    .hint("make it, and the folders above it, readable for you")
            }
        })?;
        if !path.is_dir() {
            let hint = "give the folder that holds it";
            return Err(Failure::usage(format!("the source `{shown}` is a file, not a folder")).hint(hint).into());
        }
        Ok(Self { typed: shown.to_string(), path })
    }
}

fn variable(text: &str) -> Result<(String, String)> {
    let usage = |message: String, hint: &str| Err(Failure::usage(message).hint(hint).into());
    if text.contains('\0') {
        return usage(format!("the variable `{text}` has a zero byte"), "leave it out");
    }
    match text.split_once('=') {
        Some(("", _)) => usage(format!("the variable `{text}` has no name"), "write `-e NAME=VALUE`"),
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None if text.is_empty() => usage("`-e` names no variable".to_owned(), "write `-e NAME=VALUE`"),
        None => match std::env::var(text) {
            Ok(value) => Ok((text.to_owned(), value)),
            Err(_) => usage(
                format!("the variable `{text}` is not set here, so `-e {text}` has no value to pass on"),
                "write `-e NAME=VALUE`, or set and export it first",
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
    use super::{check_run_options, variable};

    #[test]
    fn a_variable_is_split_at_the_first_equals_sign() {
        assert_eq!(variable("A=b=c").unwrap(), ("A".to_owned(), "b=c".to_owned()));
        assert_eq!(variable("A=").unwrap().1, "");
        assert!(variable("=x").is_err() && variable("").is_err());
        assert!(variable("MINIS2I_SURELY_NOT_SET").is_err());
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
