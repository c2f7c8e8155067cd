//! What the worker is to do, and what it reports.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::wait_protocol;
use crate::error::{self, ErrorKind};
use crate::report::message::{Outcome, Started};

/// What the worker is to do.
pub enum WorkerCommand {
    Build(Box<Request>),
    /// The container of this name has ended.
    StandbyEnded(String),
    /// A standby, if there is one, is of no use any more, for this reason.
    Renew(&'static str),
    Leave,
}

/// A build to make.
pub struct Request {
    pub started: Started,
    /// Take over no artifacts.
    pub clean: bool,
    /// Build only if the tag is not an image of exactly this source, builder and options.
    pub unless_current: bool,
    /// When the save was.
    pub saved: Instant,
    /// When the build was asked for.
    pub ordered: Instant,
    /// What the time since the save went into.
    pub phases: Vec<(&'static str, Duration)>,
}

/// What the worker reports.
pub enum WorkerEvent {
    /// The tag was on an image of this source already.
    NotNeeded,
    Ended {
        /// The number of the build.
        build: u64,
        outcome: Outcome,
        /// Why it did not succeed.
        failure: Option<Failure>,
        /// The source came to mean another folder while it was sent.
        source_moved: bool,
        total: Duration,
        /// The image that has the tag now.
        image: Option<String>,
        /// The paths in the source that differ from what the image with the tag was made of before.
        changed: Vec<PathBuf>,
    },
    /// A standby is ready; how long it took, unless it was ready before.
    StandbyReady(Option<Duration>),
}

/// Why a build did not succeed.
pub struct Failure {
    /// Of the kind [`ErrorKind::Engine`], the engine is at fault, not the build.
    pub kind: ErrorKind,
    /// What went wrong, from the outermost to the engine's own words.
    causes: Vec<String>,
}

impl Failure {
    /// The failure of a build with this result, if it did not succeed.
    pub fn of<T>(result: &anyhow::Result<T>) -> Option<Self> {
        let error = result.as_ref().err()?;
        Some(Self { kind: error::kind(error), causes: error.chain().map(ToString::to_string).collect() })
    }
}

impl From<Failure> for wait_protocol::Failure {
    fn from(failure: Failure) -> Self {
        Self { exit_status: failure.kind.status(), causes: failure.causes }
    }
}
