//! Following the source to where it is now, and choosing how changes are noticed there.

use std::mem;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Notice, Tracker};
use crate::watch::mounts::Mounts;
use crate::watch::network_fs::{self, Noticing};
use crate::watch::place::Place;

impl Tracker {
    /// Has everything looked at the next time when it is set, since a save may have been made whose event is still to come.
    pub fn doubt_flag(&self) -> Arc<AtomicBool> {
        self.doubted.clone()
    }

    /// Asks whether the source means another folder than when it was last looked at, or something was mounted or unmounted
    /// in it. The next look takes that in.
    pub fn needs_another_look(&mut self) -> bool {
        let mounted = self.mount_table.changed() && Mounts::read().around(self.root()) != self.mounts;
        let moved = match Place::after(&self.place, &self.source) {
            Ok(place) => self.is_elsewhere(&place),
            Err(_) => !self.gone,
        };
        if mounted && !moved && !self.gone {
            self.notices.push(Notice::Mounted);
            self.choose = true;
        }
        moved || self.choose && !self.gone
    }

    /// Whether the source is not where it was when it was last looked at, if it means the folder `place` now.
    pub(super) fn is_elsewhere(&self, place: &Place) -> bool {
        let same = if self.renumbers { place.may_be(&self.place) } else { *place == self.place };
        self.gone || !same
    }

    /// The source means the folder `place` from now on.
    pub(super) fn move_to(&mut self, place: Place) {
        self.notices.push(if place.path == self.place.path { Notice::Back } else { Notice::Moved(place.path.clone()) });
        self.rules.move_to(&place.path);
        self.fs_watcher.move_to(&place.path, self.rules.files_elsewhere());
        (self.place, self.gone, self.moved) = (place, false, true);
        self.begin_anew();
    }

    /// Watches as if nothing was known of where the source is.
    pub(super) fn begin_anew(&mut self) {
        (self.choose, self.events, self.polling) = (true, !self.poll_asked, false);
        self.start_over();
    }

    pub(super) fn start_over(&mut self) {
        if self.events {
            let ring = self.wake.clone();
            self.fs_watcher.start(move || ring());
        }
    }

    pub(super) fn note_problem(&mut self) {
        if self.events
            && let Some(problem) = self.fs_watcher.problem()
        {
            self.notices.push(Notice::Problem(problem.clone()));
            self.poll();
        }
    }

    /// Chooses how changes are noticed, by where the source is, when that is to be chosen.
    pub(super) fn choose_noticing(&mut self) {
        if !mem::take(&mut self.choose) {
            return;
        }
        let mounts = Mounts::read();
        self.mounts = mounts.around(self.root());
        let in_source = |path: &Path| self.current.find(path.as_os_str().as_bytes()).is_some();
        let noticing = network_fs::noticing(&mounts, self.root(), in_source);
        self.renumbers = noticing.is_about_all();
        if self.poll_asked {
            return self.poll();
        }
        match noticing {
            Noticing::Events if self.rules.follow => {
                self.notices.push(Notice::LinksFollowed);
                self.poll();
            }
            Noticing::Events => {}
            Noticing::Looking(_) => {
                self.notices.push(Notice::Noticing(noticing));
                self.poll();
            }
            Noticing::Both { .. } => {
                self.notices.push(Notice::Noticing(noticing));
                self.polling = true;
            }
        }
    }

    /// From now on, everything is looked at each time, and no event wakes.
    fn poll(&mut self) {
        (self.polling, self.events) = (true, false);
        self.fs_watcher.stop();
    }
}
