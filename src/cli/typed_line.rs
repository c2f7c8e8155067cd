//! The words of `snippet`, read with the parser of the command that they are for.

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser};

use super::choices::MessageFormat;
use super::commands::{Cli, Command, OutputArgs};
use super::job::JobArgs;
use super::read_error::{ReadError, explained};
use super::s2ifile::is_typed;
use super::snippet::{SnippetArgs, TypedLine};
use crate::error::Error;

/// A word that stands for TAG while it is looked for.
const TAG_MARK: &str = "minis2i-looks-for-the-tag";

/// Reads the words with the parser of the first command that takes them.
///
/// # Errors
/// Those of the parser; if a word is not UTF-8; if TAG is not among the words.
pub fn read(args: &SnippetArgs) -> Result<TypedLine, ReadError> {
    let words = args.words.iter().map(|word| word.to_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
    let words = words.ok_or_else(|| {
        let error = Error::usage("an argument is not UTF-8, so that it cannot be written into a configuration");
        usage(error.hint("rename the file or folder"))
    })?;
    // They begin with the first word after WHAT, so that this one would be a word of the other command.
    if words.first().is_some_and(|word| word == "-h" || word == "--help") {
        return Err(ReadError::Answer(help(&words[0])));
    }
    let read = args.what.commands().iter().map(|name| (*name, Line::read(name, &words)));
    let (mut commands, mut lines, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for (name, line) in read {
        match line {
            Ok(line) => {
                commands.push(name);
                lines.push(line);
            }
            Err(error) => errors.push(error),
        }
    }
    if lines.is_empty() {
        return Err(errors.swap_remove(0));
    }
    let line = lines.swap_remove(0);
    let tag_at = tag_at(commands[0], &words, &line.job.tag).ok_or_else(|| {
        usage(Error::usage("TAG is missing").hint("the order is `minis2i snippet WHAT SOURCE BUILDER TAG [OPTIONS]`"))
    })?;
    Ok(TypedLine {
        words,
        tag_at,
        commands,
        prints_lines: !line.output.quiet && line.output.message_format != MessageFormat::Json,
        job: line.job,
        is_more_than_build: line.is_more_than_build,
        has_engine: line.has_engine,
        has_pull_policy: line.has_pull_policy,
    })
}

/// The help of `snippet`.
fn help(option: &str) -> clap::Error {
    Cli::try_parse_from(["minis2i", "snippet", option]).expect_err("help is no command line to run")
}

fn usage(error: Error) -> ReadError {
    ReadError::Error(error.into())
}

/// Which of the words is TAG.
fn tag_at(command: &str, words: &[String], tag: &str) -> Option<usize> {
    (0..words.len()).filter(|at| words[*at] == tag).find(|at| {
        let mut marked = words.to_vec();
        TAG_MARK.clone_into(&mut marked[*at]);
        Line::read(command, &marked).is_ok_and(|line| line.job.tag == TAG_MARK)
    })
}

/// What one command makes of the words.
struct Line {
    job: JobArgs,
    output: OutputArgs,
    is_more_than_build: bool,
    has_engine: bool,
    has_pull_policy: bool,
}

impl Line {
    fn read(command: &str, words: &[String]) -> Result<Self, ReadError> {
        let args: Vec<OsString> =
            ["minis2i", command].into_iter().chain(words.iter().map(String::as_str)).map(Into::into).collect();
        let refused = |error| explained(error, &args);
        let matches = Cli::command().try_get_matches_from(&args).map_err(refused)?;
        let (_, typed) = matches.subcommand().expect("the parser found the command");
        let (has_engine, has_pull_policy) = (is_typed(typed, "engine"), is_typed(typed, "pull_policy"));
        let (job, output, is_more_than_build) = match Cli::from_arg_matches(&matches).map_err(refused)?.command {
            Command::Build(args) => (args.job, args.output, args.run || args.as_dockerfile.is_some()),
            Command::Watch(args) => (args.job, args.output, false),
            _ => unreachable!("only the names of these two are used"),
        };
        Ok(Self { job, output, is_more_than_build, has_engine, has_pull_policy })
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::{Command, ReadError, TypedLine};

    fn typed(line: &str) -> Result<TypedLine, ReadError> {
        let args = line.split_whitespace().map(Into::into);
        match read(args)?.command {
            Command::Snippet(args) => Ok(args.typed.unwrap()),
            other => panic!("`{line}` is no snippet but {other:?}"),
        }
    }

    #[test]
    fn all_words_are_kept_and_the_tag_is_found() {
        let line = typed("minis2i snippet make --env img src --exclude=img builder img --keep-source -- --label img")
            .ok()
            .unwrap();
        assert_eq!(line.words.join(" "), "--env img src --exclude=img builder img --keep-source -- --label img");
        assert_eq!((line.tag_at, &*line.job.tag), (5, "img"));
        assert_eq!(line.commands, ["build", "watch"]);
        assert_eq!(line.job.run_options, ["--label", "img"]);
    }

    #[test]
    fn only_commands_that_take_all_words_are_offered() {
        assert_eq!(typed("minis2i snippet make src builder img --debounce 1s").ok().unwrap().commands, ["watch"]);
        assert_eq!(typed("minis2i snippet make src builder img --if-changed").ok().unwrap().commands, ["build"]);
    }

    #[test]
    fn what_no_command_takes_is_refused_as_that_command_does() {
        let Err(ReadError::Error(error)) = typed("minis2i snippet vscode src builder img --tls") else { panic!() };
        assert_eq!(error.to_string(), "`minis2i watch` does not take `--tls`");
        let Err(ReadError::Error(error)) = typed("minis2i snippet tilt src builder img more") else { panic!() };
        assert_eq!(error.to_string(), "`more` is one argument too many");
        let Err(ReadError::Answer(error)) = typed("minis2i snippet vscode src builder") else { panic!() };
        assert_eq!(error.kind(), clap::error::ErrorKind::MissingRequiredArgument);
    }
}
