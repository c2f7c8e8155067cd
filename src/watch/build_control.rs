//! Stopping what the worker does, from another thread: the build under way, or everything.

use std::sync::{Mutex, MutexGuard};

use anyhow::Result;

use crate::cancel::{Cancel, Ending};
use crate::error::ErrorKind;

/// What can be stopped now.
#[derive(Default)]
pub struct BuildControl {
    slot: Mutex<Slot>,
}

#[derive(Default)]
struct Slot {
    cancel: Cancel,
    /// Of what was begun beside a build, for the next one.
    beside: Cancel,
    /// The build that works with `cancel`.
    build: Option<u64>,
    /// It is past the point from which on it is cheaper to let it finish.
    committing: bool,
    stop: Option<ErrorKind>,
    /// Begins with `stop`, for what belongs to no build.
    ending: Ending,
}

impl Slot {
    /// A handle that is not stopped unless everything is.
    fn new_cancel(&self) -> Cancel {
        let cancel = Cancel::default();
        if let Some(why) = self.stop {
            cancel.trigger(why);
        }
        cancel
    }
}

impl BuildControl {
    /// A handle for what begins now.
    pub fn begin(&self) -> Cancel {
        let mut slot = self.lock();
        slot.cancel = slot.new_cancel();
        slot.cancel.clone()
    }

    /// A handle for what begins beside a build, for the next one: only the end of the run stops it, not that of the build.
    pub fn begin_beside(&self) -> Cancel {
        let mut slot = self.lock();
        slot.beside = slot.new_cancel();
        slot.beside.clone()
    }

    /// What was begun beside the build that is over is worked with from now on.
    pub fn adopt_beside(&self) {
        let mut slot = self.lock();
        slot.cancel = slot.beside.clone();
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
            slot.cancel.trigger(ErrorKind::Superseded);
        }
    }

    /// Stops everything, now and from now on.
    pub fn stop(&self, why: ErrorKind) {
        let mut slot = self.lock();
        if slot.stop.is_none() {
            slot.stop = Some(why);
            slot.cancel.trigger(why);
            slot.beside.trigger(why);
            slot.ending.begin(why);
        }
    }

    /// The handles for what goes on beside builds until the run ends, and for cleaning up.
    pub fn ending(&self) -> Ending {
        self.lock().ending.clone()
    }

    pub fn is_stopping(&self) -> bool {
        self.lock().stop.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().expect("no thread panics while it holds this lock")
    }
}

#[cfg(test)]
mod tests {
    use super::BuildControl;
    use crate::error::ErrorKind;

    #[test]
    fn only_the_build_under_way_is_cancelled_and_not_in_its_commit() {
        let build_control = BuildControl::default();
        let cancel = build_control.begin();
        build_control.cancel(1);
        assert!(cancel.why().is_none());
        build_control.take(1);
        build_control.cancel(2);
        assert!(build_control.commit().is_ok());
        build_control.cancel(1);
        assert!(cancel.why().is_none());
        build_control.stop(ErrorKind::Interrupted(2));
        assert_eq!(cancel.why(), Some(ErrorKind::Interrupted(2)));
        assert_eq!(build_control.begin().why(), Some(ErrorKind::Interrupted(2)));
    }

    #[test]
    fn what_begins_beside_a_build_outlives_it_but_not_the_run() {
        let build_control = BuildControl::default();
        let _ = build_control.begin();
        build_control.take(1);
        let beside = build_control.begin_beside();
        build_control.cancel(1);
        assert!(beside.why().is_none());
        build_control.release();
        build_control.adopt_beside();
        build_control.take(2);
        build_control.cancel(2);
        assert_eq!(beside.why(), Some(ErrorKind::Superseded));
        let other = build_control.begin_beside();
        build_control.stop(ErrorKind::Interrupted(2));
        assert_eq!(other.why(), Some(ErrorKind::Interrupted(2)));
        assert_eq!(build_control.begin_beside().why(), Some(ErrorKind::Interrupted(2)));
    }

    #[test]
    fn a_cancelled_build_does_not_commit() {
        let build_control = BuildControl::default();
        let _ = build_control.begin();
        build_control.take(1);
        build_control.cancel(1);
        assert!(build_control.commit().is_err());
    }
}
