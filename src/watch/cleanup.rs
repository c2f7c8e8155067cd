//! Removing what builds left, off the user's clock.

use std::collections::{HashSet, VecDeque};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use crate::engine::cli::{Engine, LeftBehind};
use crate::pipeline::cleanup::{self, Leftovers};

/// So many images that cannot be removed yet are tried again; older ones are given up, so that the list cannot grow.
const STUCK_LIMIT: usize = 20;

/// Hands leftovers to a thread of its own. Clones hand to the same one.
#[derive(Clone)]
pub struct Cleaner(Sender<Leftovers>);

/// The thread, to be waited for.
pub struct CleanerThread(JoinHandle<()>);

impl Cleaner {
    /// Starts the thread. The last `keep` images that lost the tag are kept.
    pub fn start(engine: Engine, keep: usize) -> (Self, CleanerThread) {
        let (send, leftovers) = mpsc::channel();
        let thread = std::thread::spawn(move || work(&engine, keep, &leftovers));
        (Self(send), CleanerThread(thread))
    }

    pub fn remove(&self, leftovers: Leftovers) {
        // The thread lives as long as a cleaner can hand it something.
        let _ = self.0.send(leftovers);
    }
}

impl CleanerThread {
    /// Waits until all is done that was handed over, or cleaning up is cancelled; the last cleaner must be gone.
    pub fn wait(self) {
        let _ = self.0.join();
    }
}

fn work(engine: &Engine, keep: usize, leftovers: &Receiver<Leftovers>) {
    let mut superseded: VecDeque<String> = VecDeque::new();
    let mut stuck: VecDeque<String> = VecDeque::new();
    let mut lost: Vec<String> = Vec::new();
    while let Ok(Leftovers { containers, images }) = leftovers.recv() {
        lost.extend(containers);
        remove_containers(engine, &mut lost);
        for image in images {
            superseded.retain(|known| *known != image);
            superseded.push_back(image);
        }
        while superseded.len() > keep {
            stuck.extend(superseded.pop_front());
        }
        // An image that is in use, or has a name, may be free of it the next time.
        stuck.retain(|image| !cleanup::remove_superseded(engine, image).unwrap_or(false));
        while stuck.len() > STUCK_LIMIT {
            stuck.pop_front();
        }
    }
    remove_containers(engine, &mut lost);
    lost.into_iter().for_each(|name| engine.leave_behind(LeftBehind::Container(name)));
    if engine.cancel().why().is_some() {
        stuck.into_iter().for_each(|image| engine.leave_behind(LeftBehind::Image(image)));
    }
}

/// Removes containers; those that an engine which is gone still has are left for the next time.
fn remove_containers(engine: &Engine, containers: &mut Vec<String>) {
    if cleanup::remove_containers(engine, containers).unwrap_or(false) {
        containers.clear();
        return;
    }
    // What cannot be removed because it is gone already is no failure.
    if let Ok(listing) = engine.demand(&["ps", "--all", "--format", "{{.Names}}"]) {
        let there: HashSet<&str> = listing.lines().collect();
        containers.retain(|name| there.contains(name.as_str()));
    }
}
