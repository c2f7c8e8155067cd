//! Removing what builds and dead runs left, off the user's clock. What cannot be removed because the engine fails is tried
//! again until it is.

use std::collections::{HashSet, VecDeque};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::pushing::Pushing;
use crate::engine::cli::{Engine, LeftBehind};
use crate::pipeline::cleanup::{self, Leftovers, Removal, Settled};
use crate::pipeline::context::BuildContext;
use crate::run_lock::{COMMIT_MAY_LAST, SupersededImage};

/// So many images that have a name or are in use are tried again; older ones are given up, so that the list cannot grow.
const STUCK_LIMIT: usize = 20;

/// How long to wait before what failed is tried again, and before a commit is looked for that may still come: chosen so
/// that the few calls cost next to nothing.
const RETRY: Duration = Duration::from_secs(5);

/// Hands leftovers to the thread that removes them. Clones hand to the same one.
#[derive(Clone)]
pub struct Cleaner(Sender<Leftovers>);

impl Cleaner {
    pub fn new(send: Sender<Leftovers>) -> Self {
        Self(send)
    }

    /// Has these leftovers removed, and all that the engine did not remove before.
    pub fn remove(&self, leftovers: Leftovers) {
        // The thread lives as long as a cleaner can hand it something.
        let _ = self.0.send(leftovers);
    }
}

/// Removes what dead runs left, and then what is handed over, until all cleaners are gone. The last `keep` images that lost
/// the tag are kept, and those that are pushed.
pub fn clean_on_request(cx: &BuildContext, keep: usize, requests: &Receiver<Leftovers>, pushing: &Pushing) {
    let mut work = CleanupWork::new(cx, keep, pushing);
    loop {
        work.sweep_if_due();
        work.remove_all();
        let next = match work.pause() {
            Some(pause) => requests.recv_timeout(pause),
            None => requests.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match next {
            Ok(leftovers) => work.take_in(leftovers),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    work.leave();
}

/// What is to be removed.
struct CleanupWork<'a> {
    cx: &'a BuildContext<'a>,
    /// Its calls go on when the run ends.
    engine: Engine,
    keep: usize,
    pushing: &'a Pushing,
    /// The images that lost the tag and are kept.
    kept: VecDeque<SupersededImage>,
    /// Images that have a name or are in use, which may change.
    stuck: VecDeque<SupersededImage>,
    /// Images that the engine has to remove.
    images: Vec<SupersededImage>,
    /// Containers that the engine has to remove.
    containers: Vec<String>,
    /// Commits that were given up, and since when it is known.
    commits: Vec<(String, Instant)>,
    /// When to remove what dead runs left, unless that is done.
    sweep_at: Option<Instant>,
}

impl<'a> CleanupWork<'a> {
    fn new(cx: &'a BuildContext, keep: usize, pushing: &'a Pushing) -> Self {
        Self {
            cx,
            engine: cx.engine.for_cleanup(),
            keep,
            pushing,
            kept: VecDeque::new(),
            stuck: VecDeque::new(),
            images: Vec::new(),
            containers: Vec::new(),
            commits: Vec::new(),
            sweep_at: Some(Instant::now()),
        }
    }

    fn take_in(&mut self, Leftovers { containers, images }: Leftovers) {
        self.containers.extend(containers);
        for image in images {
            self.kept.retain(|known| known.id != image.id);
            self.stuck.retain(|known| known.id != image.id);
            self.images.retain(|known| known.id != image.id);
            self.kept.push_back(image);
        }
        while self.kept.len() > self.keep {
            let Some(image) = self.kept.pop_front() else { break };
            // A note that is missing only matters if this run is killed at this moment.
            let _ = self.cx.run_lock.note_superseded(&image);
            self.images.push(image);
        }
        // One that is in use, or has a name, may be free of it by now.
        self.images.extend(self.stuck.drain(..));
    }

    /// How long to wait for the next request, if there is something to do without one.
    fn pause(&self) -> Option<Duration> {
        let failed = !(self.images.is_empty() && self.containers.is_empty() && self.commits.is_empty());
        let sweep = self.sweep_at.map(|at| at.saturating_duration_since(Instant::now()));
        failed.then_some(RETRY).into_iter().chain(sweep).min()
    }

    fn sweep_if_due(&mut self) {
        if self.sweep_at.is_some_and(|at| at <= Instant::now()) {
            let cx = self.cx;
            let swept = cleanup::sweep(&cx.engine, cx.run_lock, cx.reporter);
            let clean = swept.as_ref().is_ok_and(|swept| swept.all_gone);
            self.sweep_at = (!clean).then(|| Instant::now() + RETRY);
            self.stuck.extend(swept.into_iter().flat_map(|swept| swept.remaining));
        }
    }

    fn remove_all(&mut self) {
        for left in self.engine.take_left_behind() {
            match left {
                LeftBehind::Container(name) => self.containers.push(name),
                LeftBehind::Image(image) => self.images.push(image),
                LeftBehind::Commit(name) => self.commits.push((name, Instant::now())),
            }
        }
        remove_containers(&self.engine, &mut self.containers);
        self.remove_images();
        self.settle_commits();
    }

    fn remove_images(&mut self) {
        let (mut failed, free): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.images).into_iter().partition(|image| self.pushing.holds(&image.id));
        for image in free {
            match cleanup::remove_superseded(&self.engine, &image) {
                Ok(Removal::Gone) => end_note(self.cx, &image),
                Ok(Removal::Named | Removal::Used) => self.stuck.push_back(image),
                Err(_) => failed.push(image),
            }
        }
        self.images = failed;
        while self.stuck.len() > STUCK_LIMIT {
            self.stuck.pop_front().iter().for_each(|image| end_note(self.cx, image));
        }
    }

    fn settle_commits(&mut self) {
        let (cx, engine) = (self.cx, &self.engine);
        self.commits.retain(|(name, since)| {
            let settled = cleanup::settle_commit(engine, name)
                .is_ok_and(|settled| settled != Settled::MayCome || since.elapsed() > COMMIT_MAY_LAST);
            // A note that stays only has the next run look again.
            !(settled && cx.run_lock.end_commit(name).is_ok())
        });
    }

    /// Tries everything once more, and leaves what fails to the end of the run.
    fn leave(mut self) {
        self.remove_all();
        // What has a name, or is in use, is the user's from now on.
        self.stuck.iter().for_each(|image| end_note(self.cx, image));
        let containers = self.containers.into_iter().map(LeftBehind::Container);
        let images = self.images.into_iter().map(LeftBehind::Image);
        let commits = self.commits.into_iter().map(|(name, _)| LeftBehind::Commit(name));
        containers.chain(images).chain(commits).for_each(|left| self.engine.leave_behind(left));
    }
}

/// Notes that an image was removed, or is not to be removed.
fn end_note(cx: &BuildContext, image: &SupersededImage) {
    // A note that stays only has the next run look again.
    let _ = cx.run_lock.end_superseded(image);
}

/// Removes containers; those that an engine which is gone still has are left for the next time.
fn remove_containers(engine: &Engine, containers: &mut Vec<String>) {
    if cleanup::containers::remove(engine, containers).unwrap_or(false) {
        containers.clear();
        return;
    }
    // What cannot be removed because it is gone already is no failure.
    if let Ok(listing) = engine.demand(&["ps", "--all", "--format", "{{.Names}}"]) {
        let there: HashSet<&str> = listing.lines().collect();
        containers.retain(|name| there.contains(name.as_str()));
    }
}
