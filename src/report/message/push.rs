//! Messages about a push of an image to a registry.

use std::time::Duration;

use super::outcome::Outcome;
use super::output_line::OutputLine;

/// Something about a push.
pub enum PushMessage<'a> {
    Started(&'a Push),
    /// A line that the engine's CLI printed.
    Output(&'a Push, OutputLine<'a>),
    /// So many layers are in the registry; only shown on a terminal, where it can be erased.
    Layers(&'a Push, Layers),
    Finished(&'a Push, &'a PushEnd),
}

/// A push.
#[derive(Clone, Debug)]
pub struct Push {
    /// The build after which it is made; none if the image was there already.
    pub build: Option<u64>,
    pub tag: String,
    /// The host of the registry, with its port.
    pub registry: String,
    /// The run waits for it, and does nothing else.
    pub awaited: bool,
}

/// The layers of an image that is pushed, as far as the engine has named them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    pub in_registry: usize,
    pub all: usize,
}

/// How a push ended.
#[derive(Clone, Debug)]
pub struct PushEnd {
    pub outcome: Outcome,
    /// What the registry calls the image, if the engine said it.
    pub digest: Option<String>,
    pub took: Duration,
}
