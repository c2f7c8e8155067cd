//! Options that take one of a few words.

use clap::ValueEnum;

/// What happens to a save during a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnBusy {
    /// Cancel the stale build, but never two in a row
    Auto,
    /// Let the build finish first
    Queue,
    /// Always cancel the stale build
    Restart,
}

/// When to ask a registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PullPolicy {
    /// Before every build
    Always,
    /// Never: images are taken as the engine has them
    #[default]
    Never,
    /// When the engine has no such image
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

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MessageFormat {
    Human,
    Json,
}
