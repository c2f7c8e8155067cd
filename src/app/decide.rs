//! Every decision about the app, from what happened and when to what is to be done: no process, no clock.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::report::message::app::Since;

/// The pause before an app that exited is started again by itself; it doubles with each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause: chosen so that an app whose database comes up late is there soon after it.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// An app that served for so long is not one that always exits.
const STEADY: Duration = Duration::from_secs(10);

/// So many old apps may take their time to end at once; of more, the oldest is killed.
const MOST_STOPPING: usize = 3;

/// The number of an app in its run.
pub type AppId = u64;

/// An image to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its id; without one, it is the image with the tag.
    pub id: Option<String>,
    /// The build that made it.
    pub build: u64,
}

/// What the user decided.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The old app has to be gone before the new one starts.
    pub replace: bool,
    /// An app that exits is started again.
    pub restart: bool,
    pub ready_timeout: Duration,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// There is a new image, wanted at this time.
    Image(Image, Instant, Since),
    Restart,
    EngineBack,
    Ready(AppId),
    /// The app cannot be started, for this reason.
    NotStarted(AppId, String),
    Exited(AppId, i32),
    /// Answers `Retire`: nothing is left of the app.
    Gone(AppId),
    /// The deadline has come.
    Tick,
    /// The run ends.
    Stop,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start an app with this image, wanted at this time.
    Start { app: AppId, image: Image, asked: Instant, since: Since },
    /// Pass new connections on to this app, which is ready.
    Serve(AppId),
    /// No app serves: new connections wait.
    Disconnect,
    /// Stop the app and remove what is left of it; if it served, let its requests end first unless the run ends.
    Retire { app: AppId, drain: bool },
    /// End an app at once that is being retired.
    Kill(AppId),
    /// Report that an app did not get ready; which one serves, or else which image is started again in its place.
    ReportFailed { app: AppId, why: Why, serving: Option<AppId>, again: Option<Image> },
    /// Report that the app that served exited, and after what pause it is started again.
    ReportExited { app: AppId, status: i32, again: Option<Duration> },
    /// Report that there is no image to run.
    ReportNoImage,
    /// Nothing is left.
    Leave,
}

/// Why an app did not get ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    NotStarted(String),
    Exited(i32),
    /// It took longer than it may.
    TimedOut,
}

/// An app that is to be started.
#[derive(Clone, Debug)]
struct Wish {
    image: Image,
    asked: Instant,
    since: Since,
}

/// An app that is not ready yet.
#[derive(Clone, Debug)]
struct Starting {
    app: AppId,
    image: Image,
    deadline: Instant,
    /// It took the place of one that was not ready either, so that steady saving cannot keep all from being ready.
    protected: bool,
}

/// The state of the app.
pub struct Decider {
    rules: Rules,
    newest: Option<Image>,
    /// The image of the app that was ready last.
    good: Option<Image>,
    /// The newest image failed where the one before had to stop first, so that this one is run again.
    fell_back: bool,
    wish: Option<Wish>,
    starting: Option<Starting>,
    serving: Option<(AppId, Instant)>,
    /// The oldest first, as numbers grow.
    stopping: BTreeSet<AppId>,
    /// Those of them that were killed.
    killed: BTreeSet<AppId>,
    /// One that was not ready was given up for the next one.
    superseded: bool,
    /// How often apps exited one after the other.
    exits: u32,
    restart_at: Option<Instant>,
    next: AppId,
    ending: bool,
}

impl Decider {
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            newest: None,
            good: None,
            fell_back: false,
            wish: None,
            starting: None,
            serving: None,
            stopping: BTreeSet::new(),
            killed: BTreeSet::new(),
            superseded: false,
            exits: 0,
            restart_at: None,
            next: 1,
            ending: false,
        }
    }

    /// When an [`Input::Tick`] is due, if nothing happens before.
    pub fn deadline(&self) -> Option<Instant> {
        self.starting.as_ref().map(|it| it.deadline).into_iter().chain(self.restart_at).min()
    }

    /// Takes in the id of the image of an app, which may have been started by the name of the image.
    pub fn identify(&mut self, app: AppId, id: &str) {
        if let Some(starting) = self.starting.as_mut().filter(|it| it.app == app) {
            starting.image.id = Some(id.to_owned());
        }
    }

    /// Takes in what happened at `now`; what to do.
    pub fn on(&mut self, input: Input, now: Instant) -> Vec<Action> {
        let mut actions = match input {
            Input::Gone(app) => {
                self.stopping.remove(&app);
                self.killed.remove(&app);
                Vec::new()
            }
            Input::Stop => self.stop(),
            _ if self.ending => return Vec::new(),
            Input::Image(image, asked, since) => {
                self.newest = Some(image);
                self.fell_back = false;
                self.want(asked, since);
                Vec::new()
            }
            Input::Restart if self.newest.is_none() => vec![Action::ReportNoImage],
            Input::Restart => {
                self.fell_back = false;
                self.want(now, Since::Asked);
                Vec::new()
            }
            Input::EngineBack => {
                if self.serving.is_none() && self.starting.is_none() {
                    self.want(now, Since::Exit);
                }
                Vec::new()
            }
            Input::Ready(app) => self.ready(app, now),
            Input::NotStarted(app, why) => self.failed(app, Why::NotStarted(why), now),
            Input::Exited(app, status) => self.exited(app, status, now),
            Input::Tick => self.tick(now),
        };
        actions.extend(self.advance(now));
        actions
    }

    /// Has an app started as soon as it may be, if there is an image.
    fn want(&mut self, asked: Instant, since: Since) {
        let image = if self.fell_back { &self.good } else { &self.newest };
        self.wish = image.clone().map(|image| Wish { image, asked, since });
        self.restart_at = None;
        if !matches!(since, Since::Exit | Since::Fallback) {
            self.exits = 0;
        }
    }

    fn ready(&mut self, app: AppId, now: Instant) -> Vec<Action> {
        let Some(started) = self.starting.take_if(|it| it.app == app) else { return Vec::new() };
        self.good = Some(started.image);
        let old = self.serving.replace((app, now));
        let mut actions = vec![Action::Serve(app)];
        if let Some((old, _)) = old {
            actions.extend(self.retire(old));
        }
        actions
    }

    fn exited(&mut self, app: AppId, status: i32, now: Instant) -> Vec<Action> {
        let Some((_, since)) = self.serving.filter(|(serving, _)| *serving == app) else {
            return self.failed(app, Why::Exited(status), now);
        };
        self.serving = None;
        if now.saturating_duration_since(since) >= STEADY {
            self.exits = 0;
        }
        // A new one is on its way.
        let replaced = self.starting.is_some() || self.wish.is_some();
        let again = if replaced { None } else { self.schedule(now) };
        let mut actions = vec![Action::Disconnect, Action::ReportExited { app, status, again }];
        actions.extend(self.retire(app));
        actions
    }

    fn failed(&mut self, app: AppId, why: Why, now: Instant) -> Vec<Action> {
        let Some(started) = self.starting.take_if(|it| it.app == app) else { return Vec::new() };
        let mut again = None;
        if self.serving.is_none() && self.wish.is_none() {
            again = self.good.clone().filter(|good| self.rules.replace && good.id != started.image.id);
            if again.is_some() {
                self.fell_back = true;
                self.want(now, Since::Fallback);
            } else {
                self.schedule(now);
            }
        }
        let mut actions = vec![Action::ReportFailed { app, why, serving: self.serving.map(|(app, _)| app), again }];
        actions.extend(self.retire(app));
        actions
    }

    /// Has an app started later, if that is wanted; after what pause.
    fn schedule(&mut self, now: Instant) -> Option<Duration> {
        if !self.rules.restart {
            return None;
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << self.exits.min(16)).min(LONGEST_PAUSE);
        self.exits += 1;
        self.restart_at = Some(now + pause);
        Some(pause)
    }

    fn tick(&mut self, now: Instant) -> Vec<Action> {
        if self.restart_at.is_some_and(|at| at <= now) {
            self.want(now, Since::Exit);
        }
        match &self.starting {
            Some(it) if it.deadline <= now => self.failed(it.app, Why::TimedOut, now),
            _ => Vec::new(),
        }
    }

    fn retire(&mut self, app: AppId) -> Vec<Action> {
        self.stopping.insert(app);
        let mut actions = vec![Action::Retire { app, drain: !self.ending }];
        let alive: Vec<_> = self.stopping.difference(&self.killed).copied().collect();
        if alive.len() > MOST_STOPPING {
            self.killed.insert(alive[0]);
            actions.push(Action::Kill(alive[0]));
        }
        actions
    }

    fn stop(&mut self) -> Vec<Action> {
        self.ending = true;
        (self.wish, self.restart_at) = (None, None);
        let starting = self.starting.take().map(|it| it.app);
        let serving = self.serving.take().map(|(app, _)| app);
        let disconnect = serving.map(|_| Action::Disconnect);
        let apps: Vec<_> = starting.into_iter().chain(serving).collect();
        disconnect.into_iter().chain(apps.into_iter().flat_map(|app| self.retire(app)).collect::<Vec<_>>()).collect()
    }

    /// Starts what is wanted, as soon as it may be.
    fn advance(&mut self, now: Instant) -> Vec<Action> {
        if self.ending {
            return if self.stopping.is_empty() { vec![Action::Leave] } else { Vec::new() };
        }
        if self.wish.is_none() || self.starting.as_ref().is_some_and(|it| it.protected) {
            return Vec::new();
        }
        let mut actions = Vec::new();
        if let Some(outdated) = self.starting.take() {
            self.superseded = true;
            actions.extend(self.retire(outdated.app));
        }
        if self.rules.replace {
            if let Some((old, _)) = self.serving.take() {
                actions.push(Action::Disconnect);
                actions.extend(self.retire(old));
            }
            if !self.stopping.is_empty() {
                return actions;
            }
        }
        let Some(Wish { image, asked, since }) = self.wish.take() else { return actions };
        let app = self.next;
        self.next += 1;
        let protected = std::mem::take(&mut self.superseded);
        let deadline = now + self.rules.ready_timeout;
        self.starting = Some(Starting { app, image: image.clone(), deadline, protected });
        actions.push(Action::Start { app, image, asked, since });
        actions
    }
}

#[cfg(test)]
mod tests;
