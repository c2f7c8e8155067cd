//! Better errors for arguments that belong to s2i, to `docker run` or to another command: they say what to do instead.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};

use super::commands::Cli;
use crate::error::Error;

const TLS: &str =
    "TLS is configured in the engine's CLI: set DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, or `docker context use NAME`";
const ENGINE: &str = "choose the engine with DOCKER_HOST, or with `docker context use NAME`";

/// Options of `s2i`, and what to use instead.
const CURES: [(&str, &str); 11] = [
    ("-U", ENGINE),
    ("--url", ENGINE),
    ("--tls", TLS),
    ("--tlsverify", TLS),
    ("--ca", TLS),
    ("--cert", TLS),
    ("--key", TLS),
    ("--dockercfg-path", "use `docker login`, which stores registry passwords; DOCKER_CONFIG sets the folder"),
    ("--force-pull", "use `--pull-policy always`, or run `docker pull BUILDER` first"),
    ("--image-scripts-dir", "use `--image-scripts-url`, its new name"),
    ("--loglevel", "use `--verbose`, which shows every engine command"),
];

/// Common options of `docker run`.
const RUN_OPTIONS: [&str; 24] = [
    "--add-host",
    "--cap-add",
    "--cap-drop",
    "--cpus",
    "--cpu-shares",
    "--device",
    "--dns",
    "--gpus",
    "--hostname",
    "--init",
    "--ipc",
    "--memory",
    "-m",
    "--memory-swap",
    "--network",
    "--pids-limit",
    "--platform",
    "--privileged",
    "--security-opt",
    "--shm-size",
    "--sysctl",
    "--tmpfs",
    "--ulimit",
    "--user",
];

/// What to use instead of an option of `s2i`.
pub fn cure(option: &str) -> Option<&'static str> {
    CURES.iter().find(|(known, _)| *known == option).map(|(_, cure)| *cure)
}

/// A better error than clap's for an unknown argument, if there is one.
pub fn explain(error: &clap::Error, args: &[OsString]) -> Option<Error> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else { return None };
    let cli = Cli::command();
    let command = args.get(1).and_then(|name| cli.find_subcommand(name))?;
    let not_taken = || Error::usage(format!("`minis2i {}` does not take `{word}`", command.get_name()));
    if !word.starts_with('-') {
        return Some(too_many(word, command));
    }
    if let Some(cure) = cure(word) {
        return Some(not_taken().hint(cure));
    }
    if RUN_OPTIONS.contains(&word.as_str()) && takes_run_options(command) {
        return Some(not_taken().hint("options for `docker run` come at the end, after `--`"));
    }
    let elsewhere = cli.get_subcommands().find(|other| !other.is_hide_set() && knows(other, word))?;
    Some(not_taken().hint(format!("leave it out; it is an option of `minis2i {}`", elsewhere.get_name())))
}

fn too_many(word: &str, command: &Command) -> Error {
    let named = command.get_positionals().filter(|arg| !arg.is_hide_set() && !arg.is_last_set());
    let names = named.flat_map(|arg| arg.get_value_names().unwrap_or_default().iter().map(ToString::to_string));
    let order: Vec<String> = ["minis2i", command.get_name()].map(str::to_owned).into_iter().chain(names).collect();
    let order = order.join(" ");
    Error::usage(format!("`{word}` is one argument too many")).hint(if takes_run_options(command) {
        format!("the order is `{order}`; a value with spaces needs quotes, options for `docker run` come after `--`")
    } else {
        format!("the order is `{order}`; options can come anywhere")
    })
}

fn takes_run_options(command: &Command) -> bool {
    command.get_positionals().any(clap::Arg::is_last_set)
}

fn knows(command: &Command, option: &str) -> bool {
    command.get_arguments().any(|arg| match option.strip_prefix("--") {
        Some(long) => arg.get_long() == Some(long),
        None => arg.get_short().is_some_and(|short| option.strip_prefix('-') == Some(short.to_string().as_str())),
    })
}

#[cfg(test)]
mod tests {
    use super::{CURES, cure, explain, knows};
    use crate::cli::commands::Cli;
    use clap::{CommandFactory, Parser};

    fn explained(line: &str) -> Option<String> {
        let args: Vec<std::ffi::OsString> = line.split_whitespace().map(Into::into).collect();
        let error = Cli::try_parse_from(&args).unwrap_err();
        explain(&error, &args).map(|failure| failure.to_string())
    }

    #[test]
    fn an_option_of_s2i_alone_is_named() {
        for option in ["--tls", "--ca=x", "-U", "--dockercfg-path", "--url=tcp://x"] {
            let said = explained(&format!("minis2i build {option} a b c")).unwrap();
            let name = option.split('=').next().unwrap();
            assert_eq!(said, format!("`minis2i build` does not take `{name}`"));
        }
        assert!(cure("--tls").unwrap().contains("DOCKER_TLS_VERIFY"));
    }

    #[test]
    fn cures_are_for_options_that_build_does_not_take() {
        let cli = Cli::command();
        let build = cli.find_subcommand("build").unwrap();
        let taken: Vec<_> =
            CURES.iter().filter(|(option, _)| knows(build, option)).map(|(option, _)| *option).collect();
        // `build` takes it, but other commands do not.
        assert_eq!(taken, ["--loglevel"]);
    }

    #[test]
    fn an_option_of_another_command_is_named() {
        assert_eq!(
            explained("minis2i usage --keep-source b").unwrap(),
            "`minis2i usage` does not take `--keep-source`"
        );
        assert!(explained("minis2i build --nonsense a b c").is_none());
    }

    #[test]
    fn one_argument_too_many_is_named() {
        assert_eq!(explained("minis2i build a b c d").unwrap(), "`d` is one argument too many");
    }
}
