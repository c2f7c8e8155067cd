//! Options of `docker run` for the app: those that are given by options of their own, and those that are passed on.

use std::path::Path;

use anyhow::Result;

use super::super::container_options::volume;
use super::super::elsewhere::Elsewhere;
use super::super::run_options::values;
use super::super::variables::variable;
use crate::cli::app::RunArgs;
use crate::error::Error;

/// Options of `docker run` that cannot be passed on: the name, why not, and what to do.
const REFUSED: [(&str, &str, &str); 12] = [
    (
        "--name",
        "minis2i names the app, as there are two for a moment",
        "leave it out; for other containers, `--run-network NETWORK --run-option=--network-alias=NAME` gives it a name",
    ),
    ("--detach", "minis2i shows the app's output", "leave it out"),
    ("--rm", "minis2i removes the app's container anyway", "leave it out"),
    ("--interactive", "the app runs without a terminal", "leave it out"),
    ("--tty", "the app runs without a terminal", "leave it out"),
    ("--attach", "minis2i attaches what it needs", "leave it out"),
    ("--cidfile", "the app's container is another one after each save", "leave it out"),
    ("--restart", "minis2i starts the app itself", "use `--run-restart`"),
    ("--publish", "minis2i publishes the app's ports itself", "use `--publish` without `--run-option`"),
    ("--publish-all", "minis2i publishes the app's ports itself", "name them with `--publish`"),
    ("--stop-timeout", "minis2i stops the app itself", "use `--stop-timeout` without `--run-option`"),
    ("--pull", "the app's image is the one that was just built", "leave it out"),
];

/// The network of the app, as far as it matters for its ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Network {
    /// That of the engine's machine.
    Host,
    /// One of this name, where no port can be published.
    None(String),
    Other,
}

impl Network {
    /// The network that the last of these options names.
    pub fn of(options: &[String]) -> Self {
        let last = values(options, &["--network", "--net"]).pop();
        match last.map(|(index, range)| &options[index][range]) {
            Some("host") => Self::Host,
            Some(name) if name == "none" || name.starts_with("container:") => Self::None(name.to_owned()),
            _ => Self::Other,
        }
    }
}

/// The options of `docker run` for these arguments, without ports.
///
/// # Errors
/// When a variable, a file, a volume or an option cannot be used, with a hint.
pub fn docker_options(args: &RunArgs, elsewhere: Option<&Elsewhere>) -> Result<Vec<String>> {
    let mut options = Vec::new();
    for file in &args.run_env_file {
        let shown = file.display();
        let hint = "name a file of `NAME=VALUE` lines; it is read each time that the app starts";
        let refused = |why: &str| Error::usage(format!("cannot use `--run-env-file {shown}`: {why}")).hint(hint);
        let meta = file.metadata().map_err(|error| refused("it cannot be read").because(error))?;
        if meta.is_dir() {
            return Err(refused("it is a folder").into());
        }
        let text = file.to_str().ok_or_else(|| refused("its path is not UTF-8 text"))?;
        options.push(format!("--env-file={text}"));
    }
    for text in &args.run_env {
        let (name, value) = variable(text, "--run-env")?;
        options.push(format!("--env={name}={value}"));
    }
    for text in &args.run_volume {
        options.push(format!("--volume={}", volume("--run-volume", text, Path::new(""), elsewhere)?));
    }
    options.extend(args.run_network.iter().map(|network| format!("--network={network}")));
    check(&args.run_option)?;
    options.extend_from_slice(&args.run_option);
    Ok(options)
}

fn check(options: &[String]) -> Result<()> {
    for option in options {
        let long = long_name(option);
        if let Some((_, why, hint)) = REFUSED.iter().find(|(refused, ..)| *refused == long) {
            return Err(Error::usage(format!("`--run-option={option}` makes no sense: {why}")).hint(*hint).into());
        }
    }
    // `docker run` would take a first word that is not an option for the image.
    match options.first() {
        Some(word) if !word.starts_with('-') => Err(Error::usage(format!("`{word}` is not an option of `docker run`"))
            .hint("write `--run-option=--memory=512m`")
            .into()),
        _ => Ok(()),
    }
}

/// The long name of a refused option that may be given by its letter, or among several, as in `-dit`. Other names are
/// returned as they are.
fn long_name(option: &str) -> &str {
    let name = option.split('=').next().unwrap_or(option);
    let Some(letters) = name.strip_prefix('-').filter(|rest| !rest.starts_with('-')) else { return name };
    // What follows any other letter is the value of that option.
    let known = letters.chars().take_while(|letter| "ditapPq".contains(*letter)).find_map(|letter| match letter {
        'd' => Some("--detach"),
        'i' => Some("--interactive"),
        't' => Some("--tty"),
        'a' => Some("--attach"),
        'p' => Some("--publish"),
        'P' => Some("--publish-all"),
        _ => None,
    });
    known.unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::{Network, check};

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        for good in ["--memory=1g", "--memory 1g", "-m512m", "-eX=d", "--network-alias=x", "--init"] {
            assert!(check(&words(good)).is_ok(), "{good}");
        }
        for bad in ["--name=x", "--name", "-d", "--rm", "-it", "-p8080:80", "-p", "-P", "--restart=always", "busybox"] {
            assert!(check(&words(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_last_network_counts() {
        for (line, network) in [
            ("--network=host", Network::Host),
            ("--net host", Network::Host),
            ("--network host --network=mine", Network::Other),
            ("--network none", Network::None("none".to_owned())),
            ("--memory=1g", Network::Other),
        ] {
            assert_eq!(Network::of(&words(line)), network, "{line}");
        }
    }
}
