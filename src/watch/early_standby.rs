//! The next standby, begun while a build still runs `assemble`: its container needs nothing of the new image but the
//! artifacts, so that it is started and filled in a thread of its own, and takes those over once the build has ended.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use super::place::Place;
use super::standby::Standby;
use super::standby_policy;
use crate::cancel::Cancel;
use crate::error::ErrorKind;
use crate::pipeline::context::BuildContext;
use crate::pipeline::images::Images;
use crate::pipeline::steps;
use crate::settings::Job;
use crate::source::snapshot::Snapshot;

/// What the thread is to begin.
pub struct Order<'a> {
    cx: BuildContext<'a>,
    images: Arc<Images>,
    snapshot: Snapshot,
    bypass: bool,
    /// How long `assemble` has to run before.
    after: Duration,
    assembled: Receiver<()>,
    /// Of a large source, when it may be sent.
    wanted: Option<Receiver<()>>,
    begun: Sender<Standby<'a>>,
}

/// A standby without artifacts, which is begun now, or if `assemble` runs long enough. Dropping it has it removed.
pub struct EarlyStandby<'a> {
    job: &'a Job,
    place: Place,
    cancel: Cancel,
    /// Dropped when it is waited for.
    unwanted: Sender<()>,
    begun: Receiver<Standby<'a>>,
}

/// Held while `assemble` runs: what has not begun when it is dropped does not begin.
#[must_use]
pub struct Assembling {
    _running: Sender<()>,
}

impl<'a> EarlyStandby<'a> {
    /// Orders one like `standby`, with the source that was sent to that, once `assemble` has run for `after`. What `cx` does
    /// outlives the build.
    pub fn order(
        orders: &Sender<Order<'a>>,
        cx: BuildContext<'a>,
        (standby, place): (&Standby<'a>, &Place),
        after: Duration,
    ) -> (Self, Assembling) {
        let ((running, assembled), (unwanted, wanted), (send, begun)) =
            (mpsc::channel(), mpsc::channel(), mpsc::channel());
        let early = Self { job: cx.job, place: place.clone(), cancel: cx.engine.cancel().clone(), unwanted, begun };
        let record = standby.ready.record();
        let (snapshot, bypass) = (record.snapshot.clone(), record.bypassed);
        let wanted = (!standby_policy::may_send_beside(snapshot.entries.len(), snapshot.size())).then_some(wanted);
        let order =
            Order { cx, images: standby.images.clone(), snapshot, bypass, after, assembled, wanted, begun: send };
        // The thread lives as long as there may be orders.
        let _ = orders.send(order);
        (early, Assembling { _running: running })
    }

    /// Whether it is one of this job, in this folder.
    pub fn is_of(&self, job: &Job, place: &Place) -> bool {
        std::ptr::eq(self.job, job) && self.place == *place
    }

    /// Waits until it has begun and has the source; `None` if it could not, or was not to.
    pub fn wait(self) -> Option<Standby<'a>> {
        drop(self.unwanted);
        self.begun.recv().ok()
    }

    /// Stops what has begun. Returns what is there; the thread removes the rest.
    pub fn give_up(self) -> Option<Standby<'a>> {
        self.cancel.trigger(ErrorKind::Superseded);
        self.begun.try_recv().ok()
    }
}

/// Begins what is ordered, one after the other, until there can be no more orders.
pub fn begin_on_request(orders: &Receiver<Order>) {
    orders.iter().for_each(Order::begin);
}

impl Order<'_> {
    /// What goes wrong is not reported: the standby is then prepared after the build.
    fn begin(self) {
        if self.assembled.recv_timeout(self.after) != Err(RecvTimeoutError::Timeout) {
            return;
        }
        let Self { cx, images, snapshot, bypass, wanted, begun, .. } = self;
        let until_wanted = || {
            // Its end is the word, as nothing is sent.
            let _ = wanted.map(|wanted| wanted.recv());
        };
        if let Ok(ready) = steps::begin_waiting(&cx, &images, snapshot, bypass, until_wanted) {
            // One that was given up meanwhile is removed here.
            drop(begun.send(Standby { cx, images, ready }));
        }
    }
}
