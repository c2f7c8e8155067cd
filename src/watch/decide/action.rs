//! What the decider wants done.

use std::path::PathBuf;
use std::time::Instant;

use super::input::Demand;
use crate::watch::known_images::Name;

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Look at the source and compare it.
    Look,
    /// Find out whether git is at work in the source.
    AskGit,
    /// Find out whether the source still means the same folder.
    AskPath,
    /// Start a build of the source as it is now.
    Build(BuildOrder),
    /// Cancel the build under way.
    Cancel,
    /// Find out whether the engine answers.
    AskEngine,
    /// Find out which engine it is that answers.
    AskIdentity,
    /// Find out which image a name is on.
    AskImage(Name),
    /// Listen to the engine's events again.
    Listen,
    /// The standby, if there is one, is of no use any more, for this reason.
    RenewStandby(&'static str),
    Report(Note),
    /// The run is over.
    Leave,
}

/// A build to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildOrder {
    /// Why, if that is not a change of the source.
    pub demand: Option<Demand>,
    /// The image whose artifacts are taken over.
    pub previous: Option<String>,
    /// It may turn out not to be needed.
    pub unless_current: bool,
    pub saved: Option<Saved>,
}

/// The save that a build is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    /// When its first event was.
    pub first: Instant,
    /// When the source was looked at.
    pub looked: Instant,
}

/// Something to report to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// What was saved has the same content as before.
    Same,
    /// The tag is on an image of this source already.
    Tagged,
    EngineGone,
    EngineBack,
    /// Another engine answers at the same address.
    OtherEngine,
    Paused,
    Resumed,
    /// A save waits for git, which holds this lock, or left it behind.
    GitWait(PathBuf),
    /// The source cannot be looked at, for this reason.
    Fault(String),
}
