//! Choices of how messages are printed, and which.

/// The format of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text for people on stderr.
    Human,
    /// JSON lines for programs on stdout.
    Json,
}

/// Which messages are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Errors, and the id of a new image.
    Quiet,
    /// Everything except the calls of the engine's CLI.
    Normal,
    /// Everything, with each call of the engine's CLI.
    Verbose,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    Always,
    Never,
}
