//! The enums of options that accept one of a few fixed values.

use clap::ValueEnum;

/// What to do about a save during a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnBusy {
    /// Cancel the outdated build, but never two in a row
    Auto,
    /// Let the build finish first
    Queue,
    /// Always cancel the outdated build
    Restart,
}

/// What to do about a hook that is to run while another one runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum HookBusy {
    /// End the one that runs: TERM to its process group, KILL after five seconds
    #[default]
    Cancel,
    /// Run one after the other
    Queue,
}

/// How a new app takes the place of the old one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Swap {
    /// The new one starts beside the old one, which serves until the new one is ready
    #[default]
    Beside,
    /// The old one stops first, and connections wait: for apps that must not run twice
    Replace,
}

/// When to pull an image from a registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PullPolicy {
    /// Before every build
    Always,
    /// Use the images that the engine has
    #[default]
    Never,
    /// If the engine does not have the image
    IfNotPresent,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    Always,
    Never,
}

/// Where the source is while `assemble` runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SourceInChoice {
    /// In memory where builds have shown that this is faster, and works
    Auto,
    /// In the container's own layer, from which it is removed before the commit
    Layer,
    /// In memory, which is in no image
    Memory,
}

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MessageFormat {
    Human,
    Json,
}
