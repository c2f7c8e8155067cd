//! The command `snippet`: what a configuration is for, and the command line that it is to carry. The latter is read in
//! `typed_line`.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

use super::job::JobArgs;

#[derive(Debug, Args)]
pub struct SnippetArgs {
    /// The editor or the tool
    pub what: What,

    /// The arguments and options of `minis2i watch` or `minis2i build`
    ///
    /// All of them are carried over as they are typed. Relative paths are relative to the folder of the configuration.
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "SOURCE BUILDER TAG [OPTIONS]"
    )]
    pub words: Vec<OsString>,

    #[arg(skip)]
    pub typed: Option<TypedLine>,
}

/// What a configuration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Visual Studio Code, .vscode/tasks.json: a watch in the background whose problems are shown
    Vscode,
    /// Visual Studio Code, .vscode/launch.json: the app, once the watch of the other file has built it
    VscodeLaunch,
    /// Zed, .zed/tasks.json
    Zed,
    /// Neovim: overseer.nvim, and a command that fills the quickfix list
    Neovim,
    /// Editors of JetBrains: External Tools, tools/minis2i.xml in their configuration
    Jetbrains,
    /// A Makefile
    Make,
    /// A justfile
    Just,
    /// Docker Compose: a service that runs the image
    Compose,
    /// A Tiltfile with a custom build
    Tilt,
    /// Skaffold, skaffold.yaml with a custom builder
    Skaffold,
    /// A workflow of GitHub Actions
    GithubActions,
    /// A user unit of systemd that keeps a watch running
    Systemd,
}

impl What {
    /// The commands that it can start, the usual one first.
    pub fn commands(self) -> &'static [&'static str] {
        match self {
            Self::Vscode | Self::VscodeLaunch | Self::Systemd => &["watch"],
            Self::Zed | Self::Neovim | Self::Jetbrains | Self::Compose => &["watch", "build"],
            Self::Make | Self::Just => &["build", "watch"],
            Self::Tilt | Self::Skaffold | Self::GithubActions => &["build"],
        }
    }
}

/// A command line that was read with the parser of `watch` or `build`.
#[derive(Debug)]
pub struct TypedLine {
    /// The words after the name of the command.
    pub words: Vec<String>,
    /// Which of them is TAG.
    pub tag_at: usize,
    /// The names of the commands that take these words, of those that the configuration can start.
    pub commands: Vec<&'static str>,
    pub job: JobArgs,
    /// Whether lines for people are printed: neither `--quiet` nor JSON was asked for.
    pub prints_lines: bool,
    /// Whether it asks for something else than a build: `--run` or `--as-dockerfile`.
    pub is_more_than_build: bool,
    pub has_engine: bool,
    pub has_pull_policy: bool,
}
