//! Decisions over single stories and over random ones.

use super::{Action, BuildEnd, Comparison, Decider, Demand, Input, OnBusy};
use crate::watch::debounce::Burst;
use proptest::prelude::*;
use std::time::{Duration, Instant};

const QUIET: Duration = Duration::from_millis(50);

fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}

fn save(at: Instant) -> Input {
    Input::FsEvents(Burst { first: at, last: at, paths: 1, finished: true })
}

/// A decider with a build under way, and its beginning.
fn building(on_busy: OnBusy) -> (Decider, Instant) {
    let begin = Instant::now();
    let mut decider = Decider::new(on_busy, QUIET);
    assert_eq!(decider.on(Input::Demanded(Demand::First), begin), [Action::Build(Some(Demand::First))]);
    (decider, begin)
}

fn change(decider: &mut Decider, at: Instant) -> Vec<Action> {
    decider.on(save(at), at);
    let due = decider.deadline().unwrap();
    assert_eq!(decider.on(Input::Tick { git_busy: false }, due), [Action::Look]);
    decider.on(Input::Compared(Comparison::Changed { unsure: false }), due)
}

#[test]
fn a_save_is_looked_at_and_built() {
    let begin = Instant::now();
    let mut decider = Decider::new(OnBusy::Auto, QUIET);
    assert_eq!(change(&mut decider, begin), [Action::Build(None)]);
    assert_eq!(decider.on(Input::Ended(BuildEnd::Done), begin), []);
    assert_eq!(decider.deadline(), None);
}

#[test]
fn a_save_during_a_build_cancels_it_once() {
    let (mut decider, begin) = building(OnBusy::Auto);
    assert_eq!(change(&mut decider, begin + millis(500)), [Action::Cancel]);
    assert_eq!(change(&mut decider, begin + millis(1000)), []);
    assert_eq!(decider.on(Input::Ended(BuildEnd::Cancelled), begin), [Action::Look]);
    let changed = Input::Compared(Comparison::Changed { unsure: false });
    assert_eq!(decider.on(changed, begin), [Action::Build(None)]);
    // The build after a cancelled one is let finish.
    assert_eq!(change(&mut decider, begin + millis(2000)), []);
    assert_eq!(decider.on(Input::Ended(BuildEnd::Done), begin), [Action::Look]);
}

#[test]
fn queue_never_cancels_and_restart_always_does() {
    let (mut decider, begin) = building(OnBusy::Queue);
    assert_eq!(change(&mut decider, begin + millis(500)), []);
    assert_eq!(decider.on(Input::Ended(BuildEnd::Done), begin), [Action::Look]);
    let (mut decider, begin) = building(OnBusy::Restart);
    for round in 1..4 {
        assert_eq!(change(&mut decider, begin + millis(1000 * round)), [Action::Cancel]);
        assert_eq!(decider.on(Input::Ended(BuildEnd::Cancelled), begin), [Action::Look]);
        let changed = Input::Compared(Comparison::Changed { unsure: false });
        assert_eq!(decider.on(changed, begin), [Action::Build(None)]);
    }
}

#[test]
fn a_change_undone_during_its_build_ends_on_the_image_that_is_there() {
    let begin = Instant::now();
    let mut decider = Decider::new(OnBusy::Auto, QUIET);
    change(&mut decider, begin);
    decider.on(save(begin + millis(600)), begin + millis(600));
    let due = decider.deadline().unwrap();
    decider.on(Input::Tick { git_busy: false }, due);
    assert_eq!(decider.on(Input::Compared(Comparison::Tagged), due), [Action::Cancel]);
    assert_eq!(decider.on(Input::Ended(BuildEnd::Cancelled), due), [Action::Look]);
    assert_eq!(decider.on(Input::Compared(Comparison::Tagged), due), [Action::ReportTagged]);
}

#[test]
fn git_is_waited_for_but_not_for_ever() {
    let begin = Instant::now();
    let mut decider = Decider::new(OnBusy::Auto, QUIET);
    decider.on(save(begin), begin);
    let mut now = begin;
    let mut ticks = 0;
    let actions = loop {
        now = decider.deadline().unwrap().max(now);
        let actions = decider.on(Input::Tick { git_busy: true }, now);
        if !actions.is_empty() {
            break actions;
        }
        ticks += 1;
    };
    assert_eq!(actions, [Action::Look]);
    assert!(ticks > 100 && now >= begin + millis(10_000) && now < begin + millis(10_100));
}

#[test]
fn a_file_that_came_or_went_may_be_the_middle_of_a_save() {
    let begin = Instant::now();
    let mut decider = Decider::new(OnBusy::Auto, QUIET);
    decider.on(save(begin), begin);
    let due = decider.deadline().unwrap();
    decider.on(Input::Tick { git_busy: false }, due);
    assert_eq!(decider.on(Input::Compared(Comparison::Changed { unsure: true }), due), []);
    assert_eq!(decider.deadline(), Some(begin + QUIET));
    decider.on(Input::Tick { git_busy: false }, begin + QUIET);
    assert_eq!(decider.on(Input::Compared(Comparison::Changed { unsure: true }), begin + QUIET), [Action::Build(None)]);
}

#[test]
fn a_pause_holds_builds_and_forgets_no_save() {
    let begin = Instant::now();
    let mut decider = Decider::new(OnBusy::Auto, QUIET);
    decider.on(Input::Pause(true), begin);
    assert_eq!(change(&mut decider, begin), []);
    assert_eq!(decider.on(Input::Pause(false), begin), [Action::Look]);
}

#[test]
fn a_build_the_engine_took_along_is_made_when_it_is_back() {
    let (mut decider, begin) = building(OnBusy::Auto);
    assert_eq!(decider.on(Input::Ended(BuildEnd::EngineGone), begin), []);
    assert_eq!(decider.on(Input::EngineBack, begin), [Action::Build(Some(Demand::Engine))]);
}

#[test]
fn the_end_comes_after_the_end_of_the_build() {
    let (mut decider, begin) = building(OnBusy::Queue);
    assert_eq!(decider.on(Input::Stop, begin), [Action::Cancel]);
    assert_eq!(decider.on(save(begin), begin), []);
    assert_eq!(decider.on(Input::Ended(BuildEnd::Cancelled), begin), [Action::Leave]);
}

/// Things that happen to a watch from outside.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Save(u8),
    Touch,
    Wait(u64),
    Fix,
    End(bool),
    Builder,
    Pause(bool),
    EngineGone,
    EngineBack,
    Git(bool),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (0_u8..4).prop_map(Happening::Save),
        1 => Just(Happening::Touch),
        6 => (1_u64..2000).prop_map(Happening::Wait),
        3 => Just(Happening::Fix),
        4 => any::<bool>().prop_map(Happening::End),
        1 => Just(Happening::Builder),
        1 => any::<bool>().prop_map(Happening::Pause),
        1 => Just(Happening::EngineGone),
        1 => Just(Happening::EngineBack),
        1 => any::<bool>().prop_map(Happening::Git),
    ]
}

/// A source of one number, an engine, and a worker that builds.
struct World {
    decider: Decider,
    on_busy: OnBusy,
    now: Instant,
    source: u8,
    events: Option<Burst>,
    made: Option<u8>,
    tagged: Option<u8>,
    /// A build is under way; whether its source is fixed, and whether it is to be cancelled.
    build: Option<(bool, bool)>,
    builder_changed: bool,
    engine_gone: bool,
    git_busy: bool,
    cancelled_in_a_row: u32,
    left: bool,
}

impl World {
    fn new(on_busy: OnBusy) -> Self {
        let now = Instant::now();
        let mut world = Self {
            decider: Decider::new(on_busy, QUIET),
            on_busy,
            now,
            source: 0,
            events: None,
            made: None,
            tagged: None,
            build: None,
            builder_changed: true,
            engine_gone: false,
            git_busy: false,
            cancelled_in_a_row: 0,
            left: false,
        };
        world.feed(Input::Demanded(Demand::First));
        world
    }

    fn feed(&mut self, input: Input) {
        for action in self.decider.on(input, self.now) {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Look => {
                let relevant = self.events.take().is_some();
                let fixed = self.build.is_none_or(|(fixed, _)| fixed);
                let seen = if !fixed || self.made == Some(self.source) {
                    if relevant { Comparison::Same } else { Comparison::Nothing }
                } else if self.tagged == Some(self.source) {
                    Comparison::Tagged
                } else {
                    Comparison::Changed { unsure: self.source == 0 }
                };
                self.feed(Input::Compared(seen));
            }
            Action::Build(_) => {
                assert!(self.build.is_none(), "two builds at once");
                assert!(!self.engine_gone && !self.decider.is_paused(), "a build that can not, or must not, be");
                self.builder_changed = false;
                self.build = Some((false, false));
            }
            Action::Cancel => {
                let (_, cancelled) = self.build.as_mut().expect("there is a build to cancel");
                *cancelled = true;
                self.cancelled_in_a_row += 1;
                let limit = if self.on_busy == OnBusy::Restart { u32::MAX } else { 1 };
                assert!(self.on_busy != OnBusy::Queue && self.cancelled_in_a_row <= limit);
            }
            Action::ReportSame | Action::ReportTagged => {}
            Action::Leave => self.left = true,
        }
    }

    fn end(&mut self, good: bool) {
        let Some((fixed, cancelled)) = self.build.take() else { return };
        if self.engine_gone {
            self.feed(Input::Ended(BuildEnd::EngineGone));
        } else if cancelled {
            self.made = self.tagged;
            self.feed(Input::Ended(BuildEnd::Cancelled));
        } else {
            self.cancelled_in_a_row = 0;
            if !fixed {
                self.made = Some(self.source);
            }
            if good {
                self.tagged = self.made;
            }
            self.feed(Input::Ended(BuildEnd::Done));
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(deadline) = self.decider.deadline().filter(|deadline| *deadline <= until) {
            self.now = self.now.max(deadline);
            self.feed(Input::Tick { git_busy: self.git_busy });
        }
        self.now = self.now.max(until);
    }

    fn note_events(&mut self) {
        let now = self.now;
        let before = self.events.unwrap_or(Burst { first: now, last: now, paths: 0, finished: true });
        let burst = Burst { last: now, paths: before.paths + 1, ..before };
        self.events = Some(burst);
        self.feed(Input::FsEvents(burst));
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Save(source) => {
                self.source = source;
                self.note_events();
            }
            Happening::Touch => self.note_events(),
            Happening::Wait(time) => self.pass(millis(time)),
            Happening::Fix => {
                if let Some((fixed, _)) = &mut self.build
                    && !std::mem::replace(fixed, true)
                {
                    self.made = Some(self.source);
                }
            }
            Happening::End(good) => self.end(good),
            Happening::Builder => {
                self.builder_changed = true;
                self.feed(Input::Demanded(Demand::Builder));
            }
            Happening::Pause(paused) => self.feed(Input::Pause(paused)),
            Happening::EngineGone => {
                self.engine_gone = true;
                self.feed(Input::EngineGone);
                self.end(false);
            }
            Happening::EngineBack => {
                self.engine_gone = false;
                self.feed(Input::EngineBack);
            }
            Happening::Git(busy) => self.git_busy = busy,
        }
    }

    /// Lets everything come to rest: no more saves, all works again, all builds succeed.
    fn rest(&mut self) {
        self.git_busy = false;
        self.happen(Happening::EngineBack);
        self.happen(Happening::Pause(false));
        for _ in 0..10 {
            self.pass(millis(12_000));
            self.end(true);
        }
    }
}

fn on_busy() -> impl Strategy<Value = OnBusy> {
    prop_oneof![Just(OnBusy::Auto), Just(OnBusy::Queue), Just(OnBusy::Restart)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn at_rest_the_tag_is_on_the_last_save(
        on_busy in on_busy(), happenings in prop::collection::vec(happening(), 0..60),
    ) {
        let mut world = World::new(on_busy);
        happenings.into_iter().for_each(|happening| world.happen(happening));
        world.rest();
        prop_assert!(world.build.is_none() && world.decider.deadline().is_none());
        // A source whose build failed is not built again before it changes.
        prop_assert!(world.tagged == Some(world.source) || world.made == Some(world.source));
        prop_assert!(!world.builder_changed);
    }

    #[test]
    fn without_failures_the_tag_is_on_the_last_save_for_sure(
        on_busy in on_busy(), happenings in prop::collection::vec(happening(), 0..60),
    ) {
        let mut world = World::new(on_busy);
        for happening in happenings {
            world.happen(match happening {
                Happening::End(_) => Happening::End(true),
                other => other,
            });
        }
        world.rest();
        prop_assert_eq!(world.tagged, Some(world.source));
    }

    #[test]
    fn a_stop_ends_everything(
        on_busy in on_busy(), happenings in prop::collection::vec(happening(), 0..40),
    ) {
        let mut world = World::new(on_busy);
        happenings.into_iter().for_each(|happening| world.happen(happening));
        // The last cancel is the stop's, whatever came before.
        world.cancelled_in_a_row = 0;
        world.on_busy = OnBusy::Restart;
        world.feed(Input::Stop);
        world.end(true);
        prop_assert!(world.left && world.build.is_none());
    }
}
