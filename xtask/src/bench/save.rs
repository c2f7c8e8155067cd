//! What a save led to.

use std::time::Duration;

use super::phases::Phases;

/// What a save led to.
pub struct Save {
    /// From the rename of the saved file to the tag on the new image.
    pub whole: Duration,
    pub phases: Phases,
    pub image: String,
    /// A standby was used.
    pub standby: bool,
}

impl Save {
    /// The phase of that name; no time when there was none.
    pub fn phase(&self, name: &str) -> Duration {
        self.phases.iter().filter(|(known, _)| known == name).map(|(_, time)| *time).sum()
    }
}
