//! The option `--cache`, and the arguments of the command `cache`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::choices::MessageFormat;
use super::engine::EngineArgs;
use super::time::age;

/// What `assemble` keeps from build to build.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Caches")]
pub struct CacheArgs {
    /// Keep what `assemble` downloads for the next build: a folder, `auto` or `off`
    ///
    /// `auto`, the default of `watch`, gives pip, npm, Maven and other tools that the builder has a cache. It is a named
    /// volume that all apps with the same builder share; no image has anything of it. A folder is one of the container,
    /// absolute or relative to the WORKDIR. `,id=NAME` names its cache, so that two folders can be the same one, and
    /// `,shared=false` keeps it for this TAG alone. `off` is the default of `build`. `minis2i cache` lists and removes caches.
    #[arg(long, value_name = "PATH|auto|off")]
    pub cache: Vec<String>,
}

/// The arguments of the command `cache`.
#[derive(Debug, Args)]
pub struct CacheCommandArgs {
    #[command(subcommand)]
    pub command: CacheCommand,
}

/// What to do with caches.
#[derive(Debug, Subcommand)]
pub enum CacheCommand {
    /// List the caches: their size, builder and last use
    Ls(CacheLsArgs),

    /// Remove caches
    Rm(CacheRmArgs),

    /// Remove the caches of builders that are gone, and those that were not used for a while
    Prune(CachePruneArgs),
}

impl CacheCommand {
    /// The options of the engine.
    pub fn engine(&self) -> &EngineArgs {
        match self {
            Self::Ls(args) => &args.engine,
            Self::Rm(args) => &args.engine,
            Self::Prune(args) => &args.engine,
        }
    }
}

#[derive(Debug, Args)]
pub struct CacheLsArgs {
    /// What to print: a table, or one JSON object per line
    #[arg(long, value_name = "FORMAT", default_value = "human", hide_default_value = true)]
    pub message_format: MessageFormat,

    #[command(flatten)]
    pub engine: EngineArgs,
}

#[derive(Debug, Args)]
pub struct CacheRmArgs {
    /// The names of caches, as `minis2i cache ls` prints them
    #[arg(required = true)]
    pub name: Vec<String>,

    #[command(flatten)]
    pub engine: EngineArgs,
}

#[derive(Debug, Args)]
pub struct CachePruneArgs {
    /// Remove those that were not used for this long, such as 12h or 30d
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = age)]
    pub unused_for: Duration,

    /// Remove all that no container uses
    #[arg(long, conflicts_with = "unused_for")]
    pub all: bool,

    #[command(flatten)]
    pub engine: EngineArgs,
}
