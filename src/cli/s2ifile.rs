//! Reads `.s2ifile` in the current folder, in which `s2i build --use-config` stores its arguments.
//!
//! It is a JSON object with `source`, `builderImage`, `tag` and `flags`. `flags` maps the long name of an option to its
//! value as text; lists are written `[a,b]`, and each `--env` has an entry of its own: `env-0`, `env-1`...

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::Result;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory};
use serde::Deserialize;
use serde_json::Value;

use super::commands::Cli;
use super::suggest;
use crate::error::Error;

/// The name of the file, and its older name.
const NAMES: [&str; 2] = [".s2ifile", ".stifile"];

/// Commands that take the arguments of a build.
const COMMANDS: [&str; 2] = ["build", "watch"];

/// How an option's value is written in the file.
#[derive(Clone, Copy)]
enum Shape {
    /// `true` or `false`.
    Switch,
    One,
    /// `[a,"b,c"]`
    Brackets,
    /// `a,b`
    Commas,
}

/// The options that `s2i build` stores. Others in the file are ignored: with `--engine`, for example, a file that came
/// with a source could run any program.
const OPTIONS: [(&str, Shape); 45] = [
    ("add-host", Shape::Brackets),
    ("allowed-uids", Shape::One),
    ("application-name", Shape::One),
    ("as-dockerfile", Shape::One),
    ("assemble-runtime-user", Shape::One),
    ("assemble-user", Shape::One),
    ("ca", Shape::One),
    ("callback-url", Shape::One),
    ("cap-drop", Shape::Brackets),
    ("cert", Shape::One),
    ("context-dir", Shape::One),
    ("copy", Shape::Switch),
    ("description", Shape::One),
    ("destination", Shape::One),
    ("dockercfg-path", Shape::One),
    ("env", Shape::Commas),
    ("environment-file", Shape::One),
    ("exclude", Shape::One),
    ("force-pull", Shape::Switch),
    ("ignore-submodules", Shape::Switch),
    ("image-scripts-url", Shape::One),
    ("incremental", Shape::Switch),
    ("incremental-pull-policy", Shape::One),
    ("inject", Shape::Commas),
    ("keep-symlinks", Shape::Switch),
    ("key", Shape::One),
    ("location", Shape::One),
    ("loglevel", Shape::One),
    ("network", Shape::One),
    ("pull-policy", Shape::One),
    ("quiet", Shape::Switch),
    ("ref", Shape::One),
    ("rm", Shape::Switch),
    ("run", Shape::Switch),
    ("runtime-artifact", Shape::Commas),
    ("runtime-image", Shape::One),
    ("runtime-pull-policy", Shape::One),
    ("save-temp-dir", Shape::Switch),
    ("scripts", Shape::One),
    ("scripts-url", Shape::One),
    ("tls", Shape::Switch),
    ("tlsverify", Shape::Switch),
    ("url", Shape::One),
    ("use-config", Shape::Switch),
    ("volume", Shape::Brackets),
];

/// Old names of options, and the new ones.
const RENAMED: [(&str, &str); 2] = [("location", "destination"), ("scripts", "scripts-url")];

/// The default value of `--exclude` in s2i. It needs no translation, since `.git` is never sent here.
const DEFAULT_EXCLUDE: &str = r"(^|/)\.git(/|$)";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Stored {
    source: String,
    #[serde(rename = "builderImage")]
    builder: String,
    tag: String,
    flags: BTreeMap<String, Value>,
    #[serde(flatten)]
    unknown: BTreeMap<String, Value>,
}

/// Adds the arguments of the file to those of the command line, which win. Also returns notes for the user.
///
/// # Errors
/// When a file that was asked for, or is needed, cannot be used.
pub fn expand(args: Vec<OsString>) -> Result<(Vec<OsString>, Vec<String>)> {
    let matches = Cli::command().ignore_errors(true).try_get_matches_from(&args);
    let Some((name, typed)) = matches.as_ref().ok().and_then(ArgMatches::subcommand) else {
        return Ok((args, Vec::new()));
    };
    let arguments = ["source", "builder", "tag"].iter().filter(|id| is_typed(typed, id)).count();
    let asked = is_typed(typed, "use_config");
    if !COMMANDS.contains(&name) || arguments > 0 && !asked {
        return Ok((args, Vec::new()));
    }
    let cli = Cli::command();
    let command = cli.find_subcommand(name).expect("the parser found this command");
    match read(Path::new("."))? {
        Some((file, stored)) => stored.add_to(args, command, typed, arguments, file),
        None if asked && arguments == 0 => {
            Err(Error::usage(format!("there is no `{}` in this folder to take arguments from", NAMES[0]))
                .hint(format!(
                    "change to the folder that has it, or give the arguments: `minis2i {name} SOURCE BUILDER TAG`"
                ))
                .into())
        }
        None if asked => Ok((
            args,
            vec![format!("there is no `{}` in this folder; minis2i only reads it and writes none", NAMES[0])],
        )),
        None => Ok((args, Vec::new())),
    }
}

/// Whether an argument stands on the command line.
pub fn is_typed(matches: &ArgMatches, id: &str) -> bool {
    // `watch` does not have all arguments of `build`.
    let known = matches.try_contains_id(id).unwrap_or(false);
    known && matches.value_source(id) == Some(ValueSource::CommandLine)
}

fn read(folder: &Path) -> Result<Option<(&'static str, Stored)>> {
    for name in NAMES {
        let cannot = |cause: anyhow::Error| {
            Error::usage(format!("cannot use the `{name}` of this folder"))
                .because(cause)
                .hint("write it again with `s2i build --use-config`, or remove it and give SOURCE, BUILDER and TAG")
        };
        match fs::read(folder.join(name)) {
            Ok(text) => {
                let stored = serde_json::from_slice(&text).map_err(|error| cannot(error.into()))?;
                return Ok(Some((name, stored)));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(cannot(error.into()).into()),
        }
    }
    Ok(None)
}

impl Stored {
    fn add_to(
        self,
        mut args: Vec<OsString>,
        command: &Command,
        typed: &ArgMatches,
        arguments: usize,
        file: &str,
    ) -> Result<(Vec<OsString>, Vec<String>)> {
        let mut notes = vec![format!("arguments come from `{file}`")];
        notes.extend(self.unknown.keys().map(|key| format!("`{key}` in `{file}` is unknown and ignored")));
        let mut options = Vec::new();
        for (name, value) in in_order(&self.flags) {
            match stored_option(command, typed, name, value) {
                Ok(more) => options.extend(more),
                Err(why) => notes.push(format!("`{name}` in `{file}` is left out: {why}")),
            }
        }
        let missing: Vec<String> = match arguments {
            0 => vec![self.source, self.builder, self.tag],
            2 => vec![self.tag],
            _ => Vec::new(),
        };
        if let Some(word) = missing.iter().find(|word| word.starts_with('-')) {
            let failure = Error::usage(format!("`{word}` in `{file}` is no name of a source or an image"));
            return Err(failure.hint("give SOURCE, BUILDER and TAG on the command line").into());
        }
        let end = args.iter().position(|word| word == "--").unwrap_or(args.len());
        args.splice(end..end, missing.into_iter().filter(|word| !word.is_empty()).map(OsString::from));
        args.splice(2..2, options.into_iter().map(OsString::from));
        Ok((args, notes))
    }
}

/// The options, sorted so that `env-10` comes after `env-9`.
fn in_order(flags: &BTreeMap<String, Value>) -> Vec<(&str, &Value)> {
    let mut flags: Vec<(&str, &Value)> = flags.iter().map(|(name, value)| (name.as_str(), value)).collect();
    flags.sort_by_key(|(name, _)| variable_number(name));
    flags
}

fn variable_number(name: &str) -> Option<u32> {
    name.strip_prefix("env-")?.parse().ok()
}

/// The arguments for one stored option; none if an option on the command line overrides it.
fn stored_option(command: &Command, typed: &ArgMatches, name: &str, value: &Value) -> Result<Vec<String>, String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        _ => return Err("its value is not text".to_owned()),
    };
    let (long, shape) = match variable_number(name) {
        Some(_) => ("env", Shape::One),
        None => known(name).ok_or("`s2i build` has no such option")?,
    };
    if long == "use-config" || matches!(shape, Shape::Switch) && text == "false" {
        return Ok(Vec::new());
    }
    if long == "exclude" {
        let why = "its value is a regular expression; use `--exclude GLOB` or a `.s2iignore` in the source";
        return if text == DEFAULT_EXCLUDE { Ok(Vec::new()) } else { Err(why.to_owned()) };
    }
    let Some(arg) = command.get_arguments().find(|arg| arg.get_long() == Some(long)) else {
        return Err(suggest::cure(&format!("--{long}")).unwrap_or("minis2i has no such option").to_owned());
    };
    if is_overridden(command, typed, arg) {
        return Ok(Vec::new());
    }
    Ok(match shape {
        Shape::Switch => vec![format!("--{long}")],
        Shape::One => vec![format!("--{long}={text}")],
        Shape::Brackets => list(text.trim_start_matches('[').trim_end_matches(']'), long),
        Shape::Commas => list(&text, long),
    })
}

fn known(name: &str) -> Option<(&str, Shape)> {
    let (_, shape) = OPTIONS.iter().find(|(known, _)| *known == name)?;
    let renamed = RENAMED.iter().find(|(old, _)| *old == name).map(|(_, new)| *new);
    Some((renamed.unwrap_or(name), *shape))
}

/// Whether the command line has the same option, or one that conflicts with it.
fn is_overridden(command: &Command, typed: &ArgMatches, arg: &Arg) -> bool {
    let conflicting = command.get_arg_conflicts_with(arg);
    conflicting.into_iter().chain([arg]).any(|arg| is_typed(typed, arg.get_id().as_str()))
}

/// Splits comma-separated values; a value that contains commas is in double quotes.
fn list(text: &str, long: &str) -> Vec<String> {
    let mut values = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let value = values.last_mut().expect("there is always one");
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => value.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => values.push(String::new()),
            c => value.push(c),
        }
    }
    values.retain(|value| !value.is_empty());
    values.into_iter().map(|value| format!("--{long}={value}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Stored, in_order, list};
    use crate::cli::commands::Cli;
    use clap::CommandFactory;
    use proptest::prelude::*;
    use std::ffi::OsString;

    /// The arguments and notes for a file and a command line.
    fn put(file: &str, line: &str) -> (String, Vec<String>) {
        let args: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        let matches = Cli::command().ignore_errors(true).try_get_matches_from(&args).unwrap();
        let (name, typed) = matches.subcommand().unwrap();
        let arguments = ["source", "builder", "tag"].iter().filter(|id| super::is_typed(typed, id)).count();
        let stored: Stored = serde_json::from_str(file).unwrap();
        let cli = Cli::command();
        let command = cli.find_subcommand(name).unwrap();
        let (args, notes) = stored.add_to(args, command, typed, arguments, ".s2ifile").unwrap();
        let args: Vec<_> = args.iter().map(|arg| arg.to_str().unwrap()).collect();
        (args.join(" "), notes)
    }

    proptest! {
        /// Run this with PROPTEST_CASES for as long as you like.
        #[test]
        fn whatever_is_in_the_file_becomes_arguments_or_notes(
            names in prop::collection::vec("[a-z]{1,3}|-{0,2}env-[0-9]{0,3}|volume|incremental|env|copy|ref|.{0,5}", 0..6),
            values in prop::collection::vec(
                prop_oneof![Just("true".to_owned()), Just("[a,b]".to_owned()), Just("\"x\"\",".to_owned()), ".{0,8}"],
                6,
            ),
            words in prop::collection::vec("[a-z]{1,4}|-.{0,4}|.{0,4}", 3),
        ) {
            let flags: serde_json::Map<_, _> = names.into_iter().zip(values.into_iter().map(Into::into)).collect();
            let file = serde_json::json!({"source": words[0], "builderImage": words[1], "tag": words[2], "flags": flags});
            let args: Vec<OsString> = ["m", "build"].map(OsString::from).into();
            let matches = Cli::command().ignore_errors(true).try_get_matches_from(&args).unwrap();
            let (_, typed) = matches.subcommand().unwrap();
            let stored: Stored = serde_json::from_value(file).unwrap();
            let cli = Cli::command();
            let command = cli.find_subcommand("build").unwrap();
            if let Ok((args, _)) = stored.add_to(args, command, typed, 0, ".s2ifile") {
                // What stands for an option has its name, so that no value can be another option.
                let options = args[2..].iter().filter(|arg| arg.to_str().unwrap().starts_with('-'));
                for option in options {
                    let name = option.to_str().unwrap().trim_start_matches('-').split('=').next().unwrap();
                    prop_assert!(command.get_arguments().any(|arg| arg.get_long() == Some(name)), "{:?}", args);
                }
            }
        }
    }

    #[test]
    fn all_arguments_come_from_the_file() {
        let file = r#"{"source":"src","builderImage":"b","tag":"t","flags":{
            "env-0":"A=1","env-1":"B=x,y","environment-file":"f","use-config":"true","copy":"false"}}"#;
        let (line, notes) = put(file, "m build -- --memory 1g");
        assert_eq!(line, "m build --environment-file=f --env=A=1 --env=B=x,y src b t -- --memory 1g");
        assert_eq!(notes.len(), 1);
    }

    #[test]
    fn the_command_line_wins() {
        let file = r#"{"source":"src","builderImage":"b","tag":"t","flags":{"env":"A=1","environment-file":"f"}}"#;
        assert_eq!(
            put(file, "m build --use-config -e A=2 x y").0,
            "m build --environment-file=f --use-config -e A=2 x y t"
        );
        assert_eq!(put(file, "m build --use-config x y z -E g").0, "m build --env=A=1 --use-config x y z -E g");
    }

    #[test]
    fn ignored_entries_are_named() {
        let file = r#"{"more":1,"flags":{"engine":"/evil","tls":"true","exclude":"x.*y","env-0":[]}}"#;
        let (line, notes) = put(file, "m build");
        assert_eq!(line, "m build");
        for (word, why) in
            [("more", ""), ("engine", "no such"), ("tls", "DOCKER_"), ("exclude", "GLOB"), ("env-0", "text")]
        {
            assert!(notes.iter().any(|note| note.contains(&format!("`{word}`")) && note.contains(why)), "{notes:?}");
        }
    }

    #[test]
    fn variables_keep_their_order_and_lists_their_commas() {
        let flags = (0..12).map(|number| (format!("env-{number}"), serde_json::Value::Null)).collect();
        let names: Vec<_> = in_order(&flags).into_iter().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(names[1..3], ["env-1", "env-2"]);
        assert_eq!(list(r#"/a:/b,"/c,""d"":/e""#, "volume"), ["--volume=/a:/b", r#"--volume=/c,"d":/e"#]);
    }
}
