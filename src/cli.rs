//! The command line: commands, options and how they are parsed. The doc comments are the help texts.

pub mod app;
pub mod cache;
pub mod choices;
pub mod commands;
pub mod doctor;
pub mod engine;
pub mod files;
pub mod hooks;
pub mod job;
pub mod man_pages;
pub mod options;
#[cfg(test)]
mod options_page;
pub mod output_paths;
pub mod read_error;
mod s2ifile;
pub mod selection;
mod short_help;
pub mod snippet;
mod suggest;
mod time;
pub mod timings;
mod typed_line;
pub mod wait;

use std::ffi::{OsStr, OsString};

use clap::{CommandFactory, Parser};
use clap_complete::Shell;

use commands::{Cli, Command};
use read_error::{ReadError, explained};

/// Parses the arguments, including those that a `.s2ifile` adds.
///
/// # Errors
/// See [`ReadError`].
pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Cli, ReadError> {
    let (args, notes) = s2ifile::expand(normalize(args)).map_err(ReadError::Error)?;
    let mut cli = Cli::try_parse_from(&args).map_err(|error| explained(error, &args))?;
    if let Command::Snippet(snippet) = &mut cli.command {
        snippet.typed = Some(typed_line::read(snippet)?);
    }
    Ok(Cli { notes, ..cli })
}

/// Inserts `build` where the command is missing, and replaces each `-v` that means `--verbose` and each `-p` that means
/// `--publish`.
fn normalize(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
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
        let joined = args[index].to_str().and_then(|word| word.strip_prefix("-p"));
        match joined {
            Some("") if args[..options].get(index + 1).is_some_and(|next| is_port(&next.to_string_lossy())) => {
                args[index] = "--publish".into();
            }
            Some(port) if is_port(port.trim_start_matches('=')) => {
                args[index] = format!("--publish={}", port.trim_start_matches('=')).into();
            }
            _ => {}
        }
    }
    args
}

/// Whether the argument after `-v` is a volume, so that `-v` means `--volume`, as in s2i and docker. A URL is not one.
fn is_volume(word: &OsStr) -> bool {
    let word = word.to_string_lossy();
    word.split_once(":/").is_some_and(|(source, target)| !source.is_empty() && !target.starts_with('/'))
}

/// Whether the argument after `-p` is a port, so that `-p` means `--publish`, as in docker, and not `--pull-policy`, as in
/// s2i. A policy is a word.
fn is_port(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit() || c == '[') || word.contains(':')
}

/// Whether the first argument is a command, or an option that needs none, so that the short form is not used.
fn is_command(word: &OsStr) -> bool {
    let alone = ["help", "-h", "--help", "-V", "--version"];
    alone.iter().any(|known| word == *known) || Cli::command().find_subcommand(word).is_some()
}

/// The completion script for a shell.
pub fn completion(shell: Shell) -> Vec<u8> {
    let mut cli = man_pages::shown_commands(&Cli::command());
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli, "minis2i", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use super::commands::{Cli, Command};
    use super::job::JobArgs;
    use super::normalize;
    use clap::{CommandFactory, Parser};

    fn build(line: &str) -> JobArgs {
        let args = line.split_whitespace().map(Into::into);
        match Cli::try_parse_from(normalize(args)).unwrap().command {
            Command::Build(args) => args.job,
            other => panic!("`{line}` is not a build but {other:?}"),
        }
    }

    #[test]
    fn the_clap_definition_is_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_short_form_is_a_build() {
        let job = build("minis2i --env=VAR=hello testapp builder img");
        assert_eq!((job.env, job.tag.as_str()), (vec!["VAR=hello".to_owned()], "img"));
    }

    #[test]
    fn v_and_p_mean_what_follows_them() {
        let normalized = |line: &str| {
            let args = normalize(line.split_whitespace().map(Into::into));
            args.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
        };
        for (typed, meant) in [
            ("minis2i -v src builder img", "minis2i build --verbose src builder img"),
            ("minis2i build src builder img -v", "minis2i build src builder img --verbose"),
            ("minis2i watch -v ./c:/c:ro src builder img", "minis2i watch -v ./c:/c:ro src builder img"),
            ("minis2i build -v https://a/b builder img", "minis2i build --verbose https://a/b builder img"),
            (
                "minis2i watch -p 8080:80 -p127.0.0.1::80 -p=80",
                "minis2i watch --publish 8080:80 --publish=127.0.0.1::80 --publish=80",
            ),
            ("minis2i watch -p always -pnever -- -p 1:1", "minis2i watch -p always -pnever -- -p 1:1"),
            ("minis2i build a b c -v -- -v x", "minis2i build a b c --verbose -- -v x"),
        ] {
            assert_eq!(normalized(typed), meant);
        }
    }

    #[test]
    fn options_after_two_dashes_go_to_the_engine() {
        let job = build("minis2i build testapp builder img -- --memory 512m --network none");
        assert_eq!(job.run_options, ["--memory", "512m", "--network", "none"]);
    }
}
