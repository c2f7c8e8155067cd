//! Every decision about the hooks of a watch, from what happened and when to what is to be done: no process, no clock.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::settings::hooks::HookBusy;
use crate::time_limits::HOOK_END;

/// How long a hook may take to end after TERM when a newer one is to run.
pub const TERM_LIMIT: Duration = Duration::from_secs(5);

/// How long a hook that was killed is waited for: one that the system holds may never end.
const KILL_LIMIT: Duration = Duration::from_millis(300);

/// How often it is asked whether a process group that is to end is gone.
const ENDING_PROBE: Duration = Duration::from_millis(20);

/// How often it is asked whether what a hook left in the background is still there: chosen so that the number of its group
/// cannot go to another program unnoticed, and that it costs nothing to speak of.
const BACKGROUND_PROBE: Duration = Duration::from_secs(1);

/// So many hooks wait at most, which bounds the memory that they take.
pub const WAITING_LIMIT: usize = 100;

/// What happened. `J` is a hook to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input<J> {
    /// A build ended that has a hook.
    Wanted(J),
    /// The hook could not be started.
    NotStarted,
    /// The shell of the hook has ended; what it started may go on.
    Exited,
    /// The terminal stopped the hook, since it wants to read from it.
    StoppedByTerminal,
    /// The process group of the hook is gone.
    Gone,
    /// The [`deadline`](HookDecider::deadline) has come.
    Tick,
    /// The watch ends.
    WatchEnds,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action<J> {
    /// Start this hook. There is no other.
    Start(J),
    /// Ask the group of the hook to end.
    Terminate,
    /// Kill the group of the hook.
    Kill,
    /// Say that the hook did not end in time.
    ReportKilled,
    /// Say that the hook asked something on the terminal.
    ReportStopped,
    /// Say that this hook is not run.
    ReportDropped(J),
    /// Say how the hook ended that ended by itself.
    ReportExit,
    /// Reap the shell of the hook, and ask whether its group is gone: [`Input::Gone`].
    Probe,
    /// All is done.
    Leave,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Running,
    /// The shell has ended, and something that it started has not.
    Background {
        probe: Instant,
    },
    Ending(Ending),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ending {
    /// The shell has ended.
    exited: bool,
    /// When it is killed, or given up if it was.
    limit: Instant,
    killed: bool,
    probe: Instant,
}

/// Which hook runs, and which wait.
pub struct HookDecider<J> {
    busy: HookBusy,
    state: State,
    /// The oldest first.
    waiting: VecDeque<J>,
    /// The watch ends.
    ended: bool,
}

impl<J> HookDecider<J> {
    pub fn new(busy: HookBusy) -> Self {
        Self { busy, state: State::Idle, waiting: VecDeque::new(), ended: false }
    }

    /// When an [`Input::Tick`] is due, if nothing happens before.
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Idle | State::Running => None,
            State::Background { probe } => Some(probe),
            State::Ending(Ending { exited: true, limit, probe, .. }) => Some(limit.min(probe)),
            State::Ending(Ending { limit, .. }) => Some(limit),
        }
    }

    /// Takes in what happened at `now`; what to do.
    pub fn on(&mut self, input: Input<J>, now: Instant) -> Vec<Action<J>> {
        match input {
            Input::Wanted(hook) if !self.ended => {
                let mut actions = self.add(hook);
                actions.extend(self.proceed(now));
                actions
            }
            Input::Wanted(_) => Vec::new(),
            Input::Exited => self.exited(now),
            Input::StoppedByTerminal if self.state == State::Running => {
                self.state = ending(now, KILL_LIMIT, true);
                vec![Action::Kill, Action::ReportStopped]
            }
            Input::StoppedByTerminal => Vec::new(),
            Input::NotStarted | Input::Gone => {
                self.state = State::Idle;
                self.proceed(now)
            }
            Input::Tick => self.tick(now),
            Input::WatchEnds => self.watch_ends(now),
        }
    }

    fn add(&mut self, hook: J) -> Vec<Action<J>> {
        if self.busy == HookBusy::Cancel {
            self.waiting.clear();
        }
        self.waiting.push_back(hook);
        let dropped = if self.waiting.len() > WAITING_LIMIT { self.waiting.pop_front() } else { None };
        dropped.map(Action::ReportDropped).into_iter().collect()
    }

    /// Starts the hook that waits, or ends the one that is in its way.
    fn proceed(&mut self, now: Instant) -> Vec<Action<J>> {
        match self.state {
            State::Idle if self.ended => vec![Action::Leave],
            State::Idle => match self.waiting.pop_front() {
                Some(hook) => {
                    self.state = State::Running;
                    vec![Action::Start(hook)]
                }
                None => Vec::new(),
            },
            _ if self.waiting.is_empty() => Vec::new(),
            State::Running if self.busy == HookBusy::Queue => Vec::new(),
            State::Running => {
                self.state = ending(now, TERM_LIMIT, false);
                vec![Action::Terminate]
            }
            State::Background { .. } => self.end_background(now, TERM_LIMIT),
            State::Ending(_) => Vec::new(),
        }
    }

    /// Ends what the hook left in the background, so that two hooks never run at once.
    fn end_background(&mut self, now: Instant, limit: Duration) -> Vec<Action<J>> {
        self.state = ending(now, limit, false);
        if let State::Ending(ending) = &mut self.state {
            ending.exited = true;
        }
        // It may have been gone already.
        vec![Action::Terminate, Action::Probe]
    }

    fn exited(&mut self, now: Instant) -> Vec<Action<J>> {
        match &mut self.state {
            State::Running => {
                self.state = State::Background { probe: now + BACKGROUND_PROBE };
                vec![Action::ReportExit, Action::Probe]
            }
            State::Ending(ending) => {
                ending.exited = true;
                ending.probe = now + ENDING_PROBE;
                vec![Action::Probe]
            }
            State::Idle | State::Background { .. } => Vec::new(),
        }
    }

    fn tick(&mut self, now: Instant) -> Vec<Action<J>> {
        match &mut self.state {
            State::Background { probe } if now >= *probe && self.waiting.is_empty() => {
                *probe = now + BACKGROUND_PROBE;
                vec![Action::Probe]
            }
            // It did not go when the hook ended, so it is in the way of the next one.
            State::Background { probe } if now >= *probe => self.end_background(now, TERM_LIMIT),
            State::Ending(ending) if now >= ending.limit && ending.killed => {
                self.state = State::Idle;
                self.proceed(now)
            }
            State::Ending(ending) if now >= ending.limit => {
                (ending.killed, ending.limit) = (true, now + KILL_LIMIT);
                if self.ended { vec![Action::Kill] } else { vec![Action::Kill, Action::ReportKilled] }
            }
            State::Ending(ending) if ending.exited && now >= ending.probe => {
                ending.probe = now + ENDING_PROBE;
                vec![Action::Probe]
            }
            _ => Vec::new(),
        }
    }

    fn watch_ends(&mut self, now: Instant) -> Vec<Action<J>> {
        if std::mem::replace(&mut self.ended, true) {
            return Vec::new();
        }
        self.waiting.clear();
        match &mut self.state {
            State::Idle => vec![Action::Leave],
            State::Running => {
                self.state = ending(now, HOOK_END, false);
                vec![Action::Terminate]
            }
            State::Background { .. } => self.end_background(now, HOOK_END),
            State::Ending(ending) => {
                ending.limit = ending.limit.min(now + HOOK_END);
                Vec::new()
            }
        }
    }
}

/// A hook that is to end within `limit`, and whose shell has not ended yet.
fn ending(now: Instant, limit: Duration, killed: bool) -> State {
    State::Ending(Ending { exited: false, limit: now + limit, killed, probe: now + ENDING_PROBE })
}
