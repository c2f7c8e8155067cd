//! What the worker is doing, as far as decisions depend on it.

use super::input::Demand;

/// What the worker does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    Idle,
    Building(Build),
    /// A build ended by an error of the engine's, which is asked whether it is there.
    InDoubt(Build),
}

/// The build under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Build {
    /// Why it is made, if that is not a change of the source.
    pub demand: Option<Demand>,
    /// It follows a cancelled one, so that steady saving cannot starve the tag.
    pub protected: bool,
    pub cancelled: bool,
    /// The engine went away meanwhile, or just before.
    pub lost_engine: bool,
    /// The last image that got the tag meanwhile, or lost it.
    pub tag_event: Option<(String, bool)>,
}
