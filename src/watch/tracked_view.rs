//! The source as builds and standbys of a watch see it: through the tracker.

use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::Result;

use super::place::{Place, SourceMoved};
use super::tracker::{Tracker, lock};
use crate::source::snapshot::Snapshot;
use crate::source::view::SourceView;

/// After so many changes in a row everything is looked at: something may differ from what was seen without an event, such as
/// a file that lost its other name.
const CHANGES_LIMIT: u32 = 2;

/// The view of one build, or of a container that is prepared for the next one.
pub struct TrackedView {
    tracker: Arc<Mutex<Tracker>>,
    /// The folder that it shows, as long as the source means that.
    place: Place,
    /// It is a build's: what was sent becomes what is built.
    of_build: bool,
    /// How often there were changes.
    changes: u32,
}

impl TrackedView {
    /// A view of the folder `place`.
    pub fn of_build(tracker: &Arc<Mutex<Tracker>>, place: &Place) -> Self {
        Self { tracker: tracker.clone(), place: place.clone(), of_build: true, changes: 0 }
    }

    /// A view of the folder `place`.
    pub fn of_standby(tracker: &Arc<Mutex<Tracker>>, place: &Place) -> Self {
        Self { tracker: tracker.clone(), place: place.clone(), of_build: false, changes: 0 }
    }

    fn look_again(&self) -> Result<MutexGuard<'_, Tracker>> {
        let mut tracker = lock(&self.tracker);
        let relevant = tracker.look()?;
        if *tracker.place() != self.place {
            // A part of it was sent from the folder before.
            tracker.compare_later();
            tracker.wake();
            return Err(SourceMoved::error());
        }
        // A build takes in what it sees; what a standby sees is still to be answered.
        if relevant && !self.of_build {
            tracker.compare_later();
        }
        Ok(tracker)
    }
}

impl SourceView for TrackedView {
    fn snapshot(&mut self) -> Result<Snapshot> {
        let tracker = self.look_again()?;
        Ok(tracker.current().clone())
    }

    fn changes_since(&mut self, sent: &Snapshot) -> Result<Option<Snapshot>> {
        if self.changes >= CHANGES_LIMIT {
            lock(&self.tracker).look_at_everything_next();
        }
        let mut tracker = self.look_again()?;
        if !tracker.current().since(sent).is_empty() {
            let now = tracker.current().clone();
            drop(tracker);
            self.changes += 1;
            return Ok(Some(now));
        }
        // Under the same lock as the look: the next look compares with this.
        tracker.settled_on(sent, self.of_build);
        Ok(None)
    }
}
