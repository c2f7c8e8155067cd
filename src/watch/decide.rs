//! What a watch does next: pure decisions, from what happened and when, to actions. No process, no file, no clock.

use std::time::{Duration, Instant};

use super::debounce::{self, Burst};
use crate::settings::watch::OnBusy;

/// How long git may hold its index before it is taken for a lock that was left behind.
const GIT_LIMIT: Duration = Duration::from_secs(10);

/// How often a held index is looked at: a checkout takes longer, a person does not notice.
const GIT_LOOK: Duration = Duration::from_millis(20);

/// Why a build is made though the source did not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    First,
    Asked,
    AskedClean,
    Builder,
    Engine,
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Events of the source, all since the last look.
    FsEvents(Burst),
    /// Time passed; whether git holds its index.
    Tick {
        git_busy: bool,
    },
    /// What a look at the source found.
    Compared(Comparison),
    /// The build under way ended.
    Ended(BuildEnd),
    /// A build is needed whatever the source says.
    Demanded(Demand),
    EngineGone,
    EngineBack,
    Pause(bool),
    /// The run is to end.
    Stop,
}

/// The source, against what the build under way (or the last one that was not cancelled) is made of, and against the
/// image with the tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Nothing that counts had an event.
    Nothing,
    /// Events, but the content is that of the build under way, or of the last one.
    Same,
    /// It is that of the image with the tag.
    Tagged,
    /// It is another. `unsure`: something came or went, which may be the middle of a save.
    Changed { unsure: bool },
}

/// How a build ended, as far as it matters for what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildEnd {
    Done,
    Cancelled,
    /// The engine went away under it.
    EngineGone,
}

/// Something to do. `Look` and `Build` are answered by inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Look,
    /// Start a build of the source as it is now; `None`: because it changed.
    Build(Option<Demand>),
    /// Cancel the build under way.
    Cancel,
    /// Report that nothing needs to be built: the content is that of the last build, or of the image with the tag.
    ReportSame,
    ReportTagged,
    /// The run is over.
    Leave,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Idle,
    /// `protected`: it follows a cancelled one, so that steady saving can not starve the tag.
    Building {
        protected: bool,
        cancelled: bool,
    },
}

/// The state of a watch.
#[derive(Debug)]
pub struct Decider {
    on_busy: OnBusy,
    quiet: Duration,
    burst: Option<Burst>,
    /// The full quiet is waited for: a look found something that came or went.
    patient: bool,
    /// The burst that the look under way is about.
    looked_at: Option<Burst>,
    /// When the last burst was over.
    calm_since: Option<Instant>,
    /// When to ask again whether git is done.
    git_at: Option<Instant>,
    work: Work,
    last_was_cancelled: bool,
    /// The source is to be looked at when the build ends, or can be made.
    pending: bool,
    demand: Option<Demand>,
    paused: bool,
    engine_gone: bool,
    stopping: bool,
}

impl Decider {
    /// A watch that has nothing to do yet.
    pub fn new(on_busy: OnBusy, quiet: Duration) -> Self {
        Self {
            on_busy,
            quiet,
            burst: None,
            patient: false,
            looked_at: None,
            calm_since: None,
            git_at: None,
            work: Work::Idle,
            last_was_cancelled: false,
            pending: false,
            demand: None,
            paused: false,
            engine_gone: false,
            stopping: false,
        }
    }

    /// When a [`Input::Tick`] is due, if nothing happens before.
    pub fn deadline(&self) -> Option<Instant> {
        let due = self.burst.as_ref().map(|burst| self.due(burst))?;
        Some(self.git_at.map_or(due, |git| git.max(due)))
    }

    pub fn is_paused(&self) -> bool {
        self.paused
    }

    pub fn is_building(&self) -> bool {
        self.work != Work::Idle
    }

    fn is_cancelling(&self) -> bool {
        matches!(self.work, Work::Building { cancelled: true, .. })
    }

    /// Takes in what happened at `now`; says what to do.
    pub fn on(&mut self, input: Input, now: Instant) -> Vec<Action> {
        if self.stopping && !matches!(input, Input::Ended(_)) {
            return Vec::new();
        }
        match input {
            Input::FsEvents(burst) => {
                // A burst that waits for its end goes on.
                let first = self.burst.map_or(burst.first, |before| before.first.min(burst.first));
                self.burst = Some(Burst { first, ..burst });
                Vec::new()
            }
            Input::Tick { git_busy } => self.tick(git_busy, now),
            Input::Compared(comparison) => self.compared(comparison),
            Input::Ended(end) => self.ended(end),
            Input::Demanded(demand) => {
                self.demand = Some(demand);
                self.want()
            }
            Input::EngineGone => {
                self.engine_gone = true;
                Vec::new()
            }
            Input::EngineBack => {
                self.engine_gone = false;
                self.catch_up()
            }
            Input::Pause(paused) => {
                self.paused = paused;
                if paused { Vec::new() } else { self.catch_up() }
            }
            Input::Stop => {
                self.stopping = true;
                match self.work {
                    Work::Idle => vec![Action::Leave],
                    Work::Building { .. } => vec![Action::Cancel],
                }
            }
        }
    }

    fn due(&self, burst: &Burst) -> Instant {
        let burst = Burst { finished: burst.finished && !self.patient, ..*burst };
        debounce::due(&burst, self.calm_since, self.quiet)
    }

    fn tick(&mut self, git_busy: bool, now: Instant) -> Vec<Action> {
        let Some(burst) = self.burst else { return Vec::new() };
        if self.deadline().is_some_and(|deadline| now < deadline) {
            return Vec::new();
        }
        if git_busy && now < burst.first + GIT_LIMIT {
            self.git_at = Some(now + GIT_LOOK);
            return Vec::new();
        }
        self.git_at = None;
        self.burst = None;
        self.looked_at = Some(burst);
        vec![Action::Look]
    }

    fn compared(&mut self, comparison: Comparison) -> Vec<Action> {
        let looked_at = self.looked_at.take();
        if let (Comparison::Changed { unsure: true }, Some(burst)) = (comparison, looked_at)
            && !self.patient
            && debounce::is_single(&burst, self.calm_since)
        {
            // Editors that write a new file first, or move the old one away, are looked at again when they had time to
            // end.
            self.patient = true;
            self.burst = Some(burst);
            return Vec::new();
        }
        self.patient = false;
        self.calm_since = looked_at.map(|burst| burst.last).or(self.calm_since);
        match comparison {
            Comparison::Changed { .. } => {
                self.pending = true;
                self.want()
            }
            // What the build under way is made of does not help when it is going to be cancelled.
            Comparison::Nothing | Comparison::Same if self.is_cancelling() => {
                self.pending = true;
                Vec::new()
            }
            Comparison::Nothing | Comparison::Same => {
                let was_pending = std::mem::take(&mut self.pending);
                let tell = comparison == Comparison::Same && !was_pending;
                let mut actions = if tell { vec![Action::ReportSame] } else { Vec::new() };
                actions.extend(self.want());
                actions
            }
            Comparison::Tagged if self.is_building() => {
                // The build under way would move the tag away from it.
                self.pending = true;
                self.want()
            }
            Comparison::Tagged => {
                self.pending = false;
                let mut actions = vec![Action::ReportTagged];
                actions.extend(self.want());
                actions
            }
        }
    }

    /// What to do when a build is wanted, or may be.
    fn want(&mut self) -> Vec<Action> {
        if !self.pending && self.demand.is_none() {
            return Vec::new();
        }
        match &mut self.work {
            Work::Idle if self.paused || self.engine_gone => Vec::new(),
            Work::Idle => vec![self.build()],
            Work::Building { protected, cancelled } => {
                let cancels = match self.on_busy {
                    OnBusy::Auto => !*protected,
                    OnBusy::Queue => false,
                    OnBusy::Restart => true,
                };
                if cancels && !std::mem::replace(cancelled, true) { vec![Action::Cancel] } else { Vec::new() }
            }
        }
    }

    fn build(&mut self) -> Action {
        self.pending = false;
        self.work = Work::Building { protected: self.last_was_cancelled, cancelled: false };
        Action::Build(self.demand.take())
    }

    fn ended(&mut self, end: BuildEnd) -> Vec<Action> {
        // A protected build that the engine took along is protected when it is made again.
        let spared = matches!(self.work, Work::Building { cancelled, protected } if cancelled || protected);
        self.last_was_cancelled = spared && end != BuildEnd::Done;
        self.work = Work::Idle;
        if self.stopping {
            return vec![Action::Leave];
        }
        if end == BuildEnd::EngineGone {
            self.engine_gone = true;
            self.demand.get_or_insert(Demand::Engine);
        }
        self.catch_up()
    }

    /// Does what had to wait.
    fn catch_up(&mut self) -> Vec<Action> {
        if self.demand.is_some() {
            return self.want();
        }
        // The source may be back to what the tag has, so it is looked at first.
        let held = self.is_building() || self.paused || self.engine_gone;
        if self.pending && !held { vec![Action::Look] } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests;
