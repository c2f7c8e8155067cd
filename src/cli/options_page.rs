//! The page `docs/options.md`, made of the definitions of the command line. `cargo xtask docs` writes it; otherwise the
//! test here fails when it is not what it would be.

use std::collections::BTreeMap;
use std::fmt::Write;

use clap::{Arg, Command, CommandFactory};

use super::commands::Cli;

/// Set by `cargo xtask docs`: the page is to be written.
const WRITE: &str = "MINIS2I_WRITE_OPTIONS_PAGE";

const INTRODUCTION: &str = "\
# Every option

<!-- Made by `cargo xtask docs` from the help texts. Change those, and run it again. -->

This page has what `minis2i COMMAND --help` prints. `minis2i COMMAND -h` shows the options that are used most.
`minis2i SOURCE BUILDER TAG` is short for `minis2i build SOURCE BUILDER TAG`.
";

#[test]
fn the_page_of_all_options_is_that_of_the_help_texts() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/options.md");
    let page = page();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(file, &page).unwrap();
    }
    let written = std::fs::read_to_string(file).unwrap_or_default();
    assert!(written == page, "docs/options.md is not what the help says; `cargo xtask docs` writes it again");
}

fn page() -> String {
    let mut cli = Cli::command();
    cli.build();
    let build = cli.find_subcommand("build").unwrap();
    let mut page = INTRODUCTION.to_owned();
    for command in cli.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help") {
        page += &section(command, build, "minis2i");
        for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
            page += &section(below, build, &format!("minis2i {}", command.get_name()));
        }
    }
    page
}

/// The section of a command. Options that are those of `build` are only named.
fn section(command: &Command, build: &Command, above: &str) -> String {
    let name = command.get_name();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let mut section = format!("\n## {above} {name}\n\n{about}.\n\n```text\n{usage}\n```\n");
    let arguments: Vec<&Arg> = command.get_positionals().filter(|arg| !arg.is_hide_set()).collect();
    if !arguments.is_empty() {
        section.push('\n');
        arguments.iter().for_each(|arg| section += &item(arg));
    }
    let is_same = |arg: &Arg| name != "build" && build.get_arguments().any(|other| means_the_same(arg, other));
    let (same, own): (Vec<&Arg>, Vec<&Arg>) = options(command).partition(|arg| is_same(arg));
    for (heading, options) in by_heading(own) {
        let _ = write!(section, "\n### {heading}\n\n");
        options.iter().for_each(|arg| section += &item(arg));
    }
    if !same.is_empty() {
        section += &shared(&same, build);
    }
    section
}

/// The options that are on the page: those of all commands, such as `--help`, are not.
fn options(command: &Command) -> impl Iterator<Item = &Arg> {
    let is_on_page = |arg: &&Arg| {
        !arg.is_positional() && !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str())
    };
    command.get_arguments().filter(is_on_page)
}

/// Under their headings, both in the order of the help.
fn by_heading(options: Vec<&Arg>) -> Vec<(String, Vec<&Arg>)> {
    let mut groups: Vec<(String, Vec<&Arg>)> = Vec::new();
    for arg in options {
        let heading = arg.get_help_heading().unwrap_or("Options").to_owned();
        match groups.iter_mut().find(|(known, _)| *known == heading) {
            Some((_, group)) => group.push(arg),
            None => groups.push((heading, vec![arg])),
        }
    }
    groups
}

fn means_the_same(arg: &Arg, other: &Arg) -> bool {
    arg.get_id() == other.get_id() && item(arg) == item(other)
}

/// The sentence about options that `build` has, too.
fn shared(same: &[&Arg], build: &Command) -> String {
    let names = |args: Vec<&Arg>| {
        let names: BTreeMap<String, ()> =
            args.iter().filter_map(|arg| arg.get_long()).map(|long| (format!("`--{long}`"), ())).collect();
        names.into_keys().collect::<Vec<_>>().join(", ")
    };
    let missing: Vec<&Arg> =
        options(build).filter(|arg| !same.iter().any(|other| other.get_id() == arg.get_id())).collect();
    if missing.len() > same.len() {
        return format!("\nAlso, as in [`build`](#minis2i-build): {}.\n", names(same.to_vec()));
    }
    format!("\nAlso all options of [`build`](#minis2i-build), except for {}.\n", names(missing))
}

/// An argument or an option, with all that its help says.
fn item(arg: &Arg) -> String {
    let short = arg.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut paragraphs = help.split("\n\n");
    let mut item = format!("- {short}`{arg}`: {}.\n", paragraphs.next().unwrap_or_default());
    for paragraph in paragraphs {
        let _ = write!(item, "\n  {}\n", paragraph.trim().replace('\n', "\n  "));
    }
    let facts = facts(arg);
    if !facts.is_empty() {
        let _ = write!(item, "\n  {}\n", facts.join(" "));
    }
    item
}

/// What else is known: the possible values, the default, the variable.
fn facts(arg: &Arg) -> Vec<String> {
    let mut facts = Vec::new();
    if !arg.get_action().takes_values() {
        return facts;
    }
    let values: Vec<String> = arg
        .get_possible_values()
        .iter()
        .map(|value| match value.get_help() {
            Some(help) => format!("`{}` ({help})", value.get_name()),
            None => format!("`{}`", value.get_name()),
        })
        .collect();
    if !values.is_empty() {
        facts.push(format!("Values: {}.", values.join(", ")));
    }
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if !defaults.is_empty() && !arg.is_hide_default_value_set() && !arg.is_positional() {
        facts.push(format!("Default: `{}`.", defaults.join(" ")));
    }
    if let Some(variable) = arg.get_env() {
        facts.push(format!("The variable `{}` sets it, too.", variable.to_string_lossy()));
    }
    facts
}
