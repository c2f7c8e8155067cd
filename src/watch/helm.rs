//! Stopping what the worker does, from another thread: the build under way, or everything.

use std::sync::{Mutex, MutexGuard};

use anyhow::Result;

use crate::engine::Cancel;
use crate::failure::Kind;

/// What can be stopped now.
#[derive(Default)]
pub struct Helm {
    slot: Mutex<Slot>,
}

#[derive(Default)]
struct Slot {
    cancel: Cancel,
    /// The build that works with it.
    build: Option<u64>,
    /// It is past the point from which on it is cheaper to let it finish.
    committing: bool,
    stop: Option<Kind>,
}

impl Helm {
    /// A handle for what begins now.
    pub fn begin(&self) -> Cancel {
        let mut slot = self.lock();
        slot.cancel = Cancel::default();
        if let Some(why) = slot.stop {
            slot.cancel.trigger(why);
        }
        slot.cancel.clone()
    }

    /// What was begun is this build's from now on.
    pub fn take(&self, build: u64) {
        let mut slot = self.lock();
        slot.build = Some(build);
        slot.committing = false;
    }

    /// The build is over.
    pub fn release(&self) {
        let mut slot = self.lock();
        slot.build = None;
        slot.committing = false;
    }

    /// From now on, only the end of the run stops the build.
    ///
    /// # Errors
    /// When it was cancelled already.
    pub fn commit(&self) -> Result<()> {
        let mut slot = self.lock();
        slot.cancel.check()?;
        slot.committing = true;
        Ok(())
    }

    /// Cancels this build, if it is under way and worth it. One that has not begun takes the newest source anyway.
    pub fn cancel(&self, build: u64) {
        let slot = self.lock();
        if slot.build == Some(build) && !slot.committing {
            slot.cancel.trigger(Kind::Superseded);
        }
    }

    /// Stops everything, now and from now on.
    pub fn stop(&self, why: Kind) {
        let mut slot = self.lock();
        slot.stop.get_or_insert(why);
        slot.cancel.trigger(why);
    }

    pub fn is_stopping(&self) -> bool {
        self.lock().stop.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().expect("nobody panics while holding this lock")
    }
}

#[cfg(test)]
mod tests {
    use super::Helm;
    use crate::failure::Kind;

    #[test]
    fn only_the_build_under_way_is_cancelled_and_not_in_its_commit() {
        let helm = Helm::default();
        let cancel = helm.begin();
        helm.cancel(1);
        assert!(cancel.why().is_none());
        helm.take(1);
        helm.cancel(2);
        assert!(helm.commit().is_ok());
        helm.cancel(1);
        assert!(cancel.why().is_none());
        helm.stop(Kind::Interrupted(2));
        assert_eq!(cancel.why(), Some(Kind::Interrupted(2)));
        assert_eq!(helm.begin().why(), Some(Kind::Interrupted(2)));
    }

    #[test]
    fn a_cancelled_build_does_not_commit() {
        let helm = Helm::default();
        let _ = helm.begin();
        helm.take(1);
        helm.cancel(1);
        assert!(helm.commit().is_err());
    }
}
