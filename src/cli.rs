//! What can be typed. The doc comments are the help.

pub mod choices;
pub mod commands;
pub mod job;
pub mod options;
mod s2ifile;
mod suggest;

use std::ffi::{OsStr, OsString};

use clap::{CommandFactory, Parser};
use clap_complete::Shell;

use commands::Cli;

/// Why what was typed is no command to carry out.
pub enum ReadError {
    /// The parser's own answer: help, the version, or an error in its own words.
    Answer(clap::Error),
    Error(anyhow::Error),
}

/// Reads what was typed, with the arguments that a `.s2ifile` adds.
///
/// # Errors
/// See [`ReadError`].
pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Cli, ReadError> {
    let (args, notes) = s2ifile::expand(complete(args)).map_err(ReadError::Error)?;
    match Cli::try_parse_from(&args) {
        Ok(cli) => Ok(Cli { notes, ..cli }),
        Err(error) => Err(match suggest::explain(&error, &args) {
            Some(failure) => ReadError::Error(failure.into()),
            None => ReadError::Answer(error),
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
    use super::commands::{Cli, Command};
    use super::complete;
    use super::job::JobArgs;
    use clap::{CommandFactory, Parser};

    fn build(line: &str) -> JobArgs {
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
