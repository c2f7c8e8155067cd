//! Whether the engine is there. It is thought gone only when a question was not answered, and is then asked until it answers.

use std::time::{Duration, Instant};

use super::action::Action;

/// How often an engine that went away is asked whether it is back: a call takes 20 ms, and a person waits for the answer.
const ASK_INTERVAL: Duration = Duration::from_millis(500);

/// How long a stream of events must have gone on to be worth starting again at once.
const STABLE: Duration = Duration::from_secs(5);

/// How long to wait before an engine that answers, but tells no events, is asked for them again: it may never have them.
const LISTEN_PAUSE: Duration = Duration::from_secs(30);

/// How often an engine is asked while a build is under way, whose calls wait for as long as they take: chosen so that an
/// engine that hangs is reported before a person gives up, and that asking, which takes 20 ms, costs nothing.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// What is known of the engine.
#[derive(Debug, Default)]
pub struct EngineState {
    /// It did not answer, which was reported.
    gone: bool,
    /// A question is under way.
    asking: bool,
    /// When to ask again.
    ask_at: Option<Instant>,
    /// When to ask because a build is under way.
    check_at: Option<Instant>,
    /// The stream of events ended, and is to be started again after this pause.
    stream_lost: Option<Duration>,
    /// When to start it.
    listen_at: Option<Instant>,
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineAnswer {
    /// It is there, as it was thought to be.
    There,
    /// It is there, but may have been away: its stream of events ended.
    Restarted,
    /// It is back.
    Back,
    /// It went away.
    Gone,
    /// It is still away.
    StillGone,
}

impl EngineState {
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// Its stream of events ended, and it did not answer yet.
    pub fn may_be_gone(&self) -> bool {
        self.stream_lost.is_some()
    }

    pub fn deadline(&self) -> Option<Instant> {
        [self.ask_at, self.check_at, self.listen_at].into_iter().flatten().min()
    }

    pub fn tick(&mut self, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        if [self.ask_at, self.check_at].into_iter().flatten().any(|at| at <= now) {
            actions.extend(self.ask());
        }
        actions.extend(self.listen(now));
        actions
    }

    /// Whether a build is under way. Its calls may wait for an engine that hangs, so that is asked now and then.
    pub fn note_build(&mut self, under_way: bool, now: Instant) {
        let waits = under_way && !self.gone && !self.asking;
        self.check_at = waits.then(|| self.check_at.unwrap_or(now + CHECK_INTERVAL));
    }

    /// Asks, unless a question is under way.
    pub fn ask(&mut self) -> Option<Action> {
        (self.ask_at, self.check_at) = (None, None);
        (!std::mem::replace(&mut self.asking, true)).then_some(Action::AskEngine)
    }

    /// The stream of events ended, which may mean that the engine is gone.
    pub fn stream_ended(&mut self, lasted: Duration) -> Option<Action> {
        self.stream_lost = Some(if lasted > STABLE { Duration::ZERO } else { LISTEN_PAUSE });
        self.ask()
    }

    /// Starts the stream of events again, if it is time to.
    pub fn listen(&mut self, now: Instant) -> Option<Action> {
        self.listen_at.take_if(|at| *at <= now).map(|_| Action::Listen)
    }

    pub fn answered(&mut self, yes: bool, now: Instant) -> EngineAnswer {
        self.asking = false;
        let was_gone = std::mem::replace(&mut self.gone, !yes);
        if !yes {
            self.ask_at = Some(now + ASK_INTERVAL);
            return if was_gone { EngineAnswer::StillGone } else { EngineAnswer::Gone };
        }
        let lost = self.stream_lost.take();
        if let Some(pause) = lost {
            self.listen_at = Some(if was_gone { now } else { now + pause });
        }
        match (was_gone, lost) {
            (true, _) => EngineAnswer::Back,
            (false, Some(_)) => EngineAnswer::Restarted,
            (false, None) => EngineAnswer::There,
        }
    }
}
