//! The way to the thread that runs hooks.

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use super::last_run::{HookRun, LastRun};
use super::process::{ProcessEvent, RunningGroup};
use crate::report::message::Outcome;

/// A build that has ended.
#[derive(Clone, Debug)]
pub struct EndedBuild {
    /// The number of the build in its run, from 1.
    pub build: u64,
    pub outcome: Outcome,
    /// How long it took, since the save.
    pub took: Duration,
    /// The full id of the new image, if there is one.
    pub image: Option<String>,
    /// The paths in the source that differ from what the image with the tag was made of before.
    pub changed: Vec<PathBuf>,
}

/// What the thread that runs hooks is told.
pub enum Event {
    BuildEnded(EndedBuild),
    /// The app of the build with this number serves, or it failed.
    AppSettled {
        build: u64,
        serves: bool,
    },
    /// What the hook of this number did, in the order of their starts.
    Process(u64, ProcessEvent),
    WatchEnds,
}

/// Has hooks run. Clones are about the same hooks.
#[derive(Clone)]
pub struct Hooks {
    events: Sender<Event>,
    group: RunningGroup,
    last_run: LastRun,
}

/// What [`run_on_request`](super::run_on_request) is told, and by whom.
pub struct HookEvents {
    pub(super) events: Receiver<Event>,
    /// For what a hook's process does.
    pub(super) own_events: Sender<Event>,
    pub(super) group: RunningGroup,
    pub(super) last_run: LastRun,
}

/// The two ends of the way to the thread that runs hooks.
pub fn hooks() -> (Hooks, HookEvents) {
    let (send, events) = mpsc::channel();
    let (group, last_run) = (RunningGroup::default(), LastRun::default());
    let hooks = Hooks { events: send.clone(), group: group.clone(), last_run: last_run.clone() };
    (hooks, HookEvents { events, own_events: send, group, last_run })
}

impl Hooks {
    /// A build ended: runs its hook, if there is one for it. Returns at once.
    pub fn build_ended(&self, build: EndedBuild) {
        let _ = self.events.send(Event::BuildEnded(build));
    }

    /// The app of the build with this number serves, or it failed: runs what waited for that. Returns at once.
    pub fn app_settled(&self, build: u64, serves: bool) {
        let _ = self.events.send(Event::AppSettled { build, serves });
    }

    /// The watch ends: ends the hook that runs, and starts no other. Returns at once; may be called more than once.
    pub fn end(&self) {
        let _ = self.events.send(Event::WatchEnds);
    }

    /// The hook that was started last.
    pub fn last_run(&self) -> Option<HookRun> {
        self.last_run.get()
    }

    /// Kills the hook that runs with its process group, for an end of the process without waiting.
    pub fn kill(&self) {
        self.group.kill();
    }
}
