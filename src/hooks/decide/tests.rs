//! What the decider of the hooks does, fed with inputs.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{Action, HookDecider, Input, KILL_LIMIT, TERM_LIMIT, WAITING_LIMIT};
use crate::settings::hooks::HookBusy::{self, Cancel, Queue};
use crate::time_limits::HOOK_END;

/// A decider with a clock that goes on by what it is told.
struct Story {
    decider: HookDecider<u32>,
    now: Instant,
}

impl Story {
    fn new(busy: HookBusy) -> Self {
        Self { decider: HookDecider::new(busy), now: Instant::now() }
    }

    /// A decider whose hook 1 runs.
    fn running(busy: HookBusy) -> Self {
        let mut story = Self::new(busy);
        assert_eq!(story.on(Input::Wanted(1)), [Action::Start(1)]);
        story
    }

    fn on(&mut self, input: Input<u32>) -> Vec<Action<u32>> {
        self.decider.on(input, self.now)
    }

    /// What is done at the next deadline, which is so long after now.
    fn wait(&mut self, time: Duration) -> Vec<Action<u32>> {
        let deadline = self.decider.deadline().expect("there is a deadline");
        assert_eq!(deadline, self.now + time);
        self.now = deadline;
        self.on(Input::Tick)
    }
}

#[test]
fn a_hook_that_has_ended_makes_room_for_the_next() {
    let mut story = Story::running(Cancel);
    assert_eq!(story.on(Input::Exited), [Action::ReportExit, Action::Probe]);
    assert_eq!(story.on(Input::Gone), []);
    assert_eq!(story.decider.deadline(), None);
    assert_eq!(story.on(Input::Wanted(2)), [Action::Start(2)]);
}

#[test]
fn a_newer_hook_ends_the_one_that_runs() {
    let mut story = Story::running(Cancel);
    assert_eq!(story.on(Input::Wanted(2)), [Action::Terminate]);
    // Only the newest one is run.
    assert_eq!(story.on(Input::Wanted(3)), []);
    assert_eq!(story.on(Input::Exited), [Action::Probe]);
    assert_eq!(story.on(Input::Gone), [Action::Start(3)]);
}

#[test]
fn a_hook_that_does_not_end_is_killed() {
    let mut story = Story::running(Cancel);
    story.on(Input::Wanted(2));
    assert_eq!(story.wait(TERM_LIMIT), [Action::Kill, Action::ReportKilled]);
    assert_eq!(story.on(Input::Exited), [Action::Probe]);
    assert_eq!(story.on(Input::Gone), [Action::Start(2)]);
}

#[test]
fn a_hook_that_even_kill_does_not_end_is_given_up() {
    let mut story = Story::running(Cancel);
    story.on(Input::Wanted(2));
    story.wait(TERM_LIMIT);
    assert_eq!(story.wait(KILL_LIMIT), [Action::Start(2)]);
}

#[test]
fn queued_hooks_run_one_after_the_other() {
    let mut story = Story::running(Queue);
    assert_eq!(story.on(Input::Wanted(2)), []);
    assert_eq!(story.on(Input::Wanted(3)), []);
    for next in [2, 3] {
        assert_eq!(story.on(Input::Exited), [Action::ReportExit, Action::Probe]);
        assert_eq!(story.on(Input::Gone), [Action::Start(next)]);
    }
}

#[test]
fn the_oldest_of_too_many_is_dropped() {
    let mut story = Story::running(Queue);
    for number in 0..u32::try_from(WAITING_LIMIT).unwrap() {
        assert_eq!(story.on(Input::Wanted(number)), []);
    }
    assert_eq!(story.on(Input::Wanted(1000)), [Action::ReportDropped(0)]);
}

#[test]
fn what_a_hook_left_in_the_background_is_ended_for_the_next() {
    for busy in [Cancel, Queue] {
        let mut story = Story::running(busy);
        story.on(Input::Exited);
        assert_eq!(story.on(Input::Wanted(2)), [Action::Terminate, Action::Probe]);
        assert_eq!(story.on(Input::Gone), [Action::Start(2)]);
    }
}

#[test]
fn a_hook_that_cannot_be_started_is_over() {
    let mut story = Story::running(Queue);
    story.on(Input::Wanted(2));
    assert_eq!(story.on(Input::NotStarted), [Action::Start(2)]);
}

#[test]
fn a_hook_that_the_terminal_stopped_is_killed() {
    let mut story = Story::running(Queue);
    assert_eq!(story.on(Input::StoppedByTerminal), [Action::Kill, Action::ReportStopped]);
    assert_eq!(story.on(Input::Exited), [Action::Probe]);
    assert_eq!(story.on(Input::Gone), []);
}

#[test]
fn the_end_of_the_watch_ends_the_hook() {
    let mut story = Story::running(Queue);
    story.on(Input::Wanted(2));
    assert_eq!(story.on(Input::WatchEnds), [Action::Terminate]);
    assert_eq!(story.on(Input::WatchEnds), []);
    assert_eq!(story.on(Input::Wanted(3)), []);
    assert_eq!(story.wait(HOOK_END), [Action::Kill]);
    assert_eq!(story.on(Input::Exited), [Action::Probe]);
    assert_eq!(story.on(Input::Gone), [Action::Leave]);
}

#[test]
fn the_end_of_a_watch_without_a_hook_waits_for_nothing() {
    assert_eq!(Story::new(Cancel).on(Input::WatchEnds), [Action::Leave]);
}

/// What may happen.
fn input() -> impl Strategy<Value = Option<Input<u32>>> {
    prop_oneof![
        3 => Just(Some(Input::Wanted(0))),
        2 => Just(Some(Input::Exited)),
        1 => Just(Some(Input::StoppedByTerminal)),
        2 => Just(Some(Input::Gone)),
        // A deadline.
        3 => Just(None),
    ]
}

proptest! {
    /// Whatever happens: no hook starts before the one before it is gone or was given up, and the end of the watch comes in
    /// time, however little a hook cares.
    #[test]
    fn two_never_run_at_once_and_the_end_comes(
        queue in any::<bool>(),
        inputs in prop::collection::vec(input(), 0..40),
    ) {
        let mut story = Story::new(if queue { Queue } else { Cancel });
        // Whether a hook runs, whether its shell does, and whether it was killed.
        let (mut runs, mut shell, mut killed) = (false, false, false);
        for input in inputs {
            let input = match input {
                // These are about a hook that runs.
                Some(Input::Exited | Input::StoppedByTerminal) if !shell => continue,
                Some(Input::Gone) if shell || !runs => continue,
                Some(input) => input,
                None => {
                    let Some(deadline) = story.decider.deadline() else { continue };
                    story.now = deadline;
                    Input::Tick
                }
            };
            shell &= input != Input::Exited;
            runs &= input != Input::Gone;
            for action in story.on(input) {
                match action {
                    Action::Start(_) => {
                        prop_assert!(!runs || killed);
                        (runs, shell, killed) = (true, true, false);
                    }
                    Action::Kill => killed = true,
                    _ => {}
                }
            }
        }
        let begin = story.now;
        let mut actions = story.on(Input::WatchEnds);
        while !actions.contains(&Action::Leave) {
            story.now = story.decider.deadline().expect("the end does not wait for a hook alone");
            actions = story.on(Input::Tick);
        }
        prop_assert!(story.now - begin <= HOOK_END + KILL_LIMIT);
    }
}
