//! What the decider of the app does, fed with events.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{Action, AppId, Decider, Image, Input, MOST_STOPPING, Rules, Why};
use crate::report::message::app::Since;

const SECOND: Duration = Duration::from_secs(1);

fn rules(replace: bool, restart: bool) -> Rules {
    Rules { replace, restart, ready_timeout: 30 * SECOND }
}

fn image(build: u64, now: Instant) -> Input {
    Input::Image(Image { id: Some(build.to_string()), build }, now, Since::Save)
}

fn started(actions: &[Action]) -> Option<AppId> {
    actions.iter().find_map(|action| match action {
        Action::Start { app, .. } => Some(*app),
        _ => None,
    })
}

/// A decider whose first app serves.
fn serving(rules: Rules, now: Instant) -> Decider {
    let mut decider = Decider::new(rules);
    assert_eq!(started(&decider.on(image(1, now), now)), Some(1));
    assert_eq!(decider.on(Input::Ready(1), now), [Action::Serve(1)]);
    decider
}

#[test]
fn the_old_app_serves_until_the_new_one_is_ready() {
    let now = Instant::now();
    let mut decider = serving(rules(false, false), now);
    let actions = decider.on(image(2, now), now);
    assert_eq!((actions.len(), started(&actions)), (1, Some(2)));
    assert_eq!(decider.on(Input::Ready(2), now), [Action::Serve(2), Action::Retire { app: 1, drain: true }]);
    assert_eq!(decider.on(Input::Exited(1, 143), now), []);
    assert_eq!(decider.on(Input::Gone(1), now), []);
}

#[test]
fn an_app_that_does_not_get_ready_leaves_the_old_one() {
    let now = Instant::now();
    let mut decider = serving(rules(false, true), now);
    decider.on(image(2, now), now);
    assert_eq!(decider.on(Input::Tick, now + 29 * SECOND), []);
    let failed = |app, why| {
        [Action::ReportFailed { app, why, serving: Some(1), again: None }, Action::Retire { app, drain: true }]
    };
    assert_eq!(decider.on(Input::Tick, decider.deadline().unwrap()), failed(2, Why::TimedOut));
    decider.on(image(3, now), now);
    assert_eq!(decider.on(Input::Exited(3, 7), now), failed(3, Why::Exited(7)));
    // What an old app serves is not started again by itself.
    assert_eq!(decider.deadline(), None);
}

#[test]
fn where_it_must_not_run_twice_the_old_one_is_gone_first() {
    let now = Instant::now();
    let mut decider = serving(rules(true, false), now);
    assert_eq!(decider.on(image(2, now), now), [Action::Disconnect, Action::Retire { app: 1, drain: true }]);
    assert_eq!(started(&decider.on(Input::Gone(1), now)), Some(2));
}

/// A decider where the old app had to stop, and the new one, with the number 2, starts.
fn replacing(restart: bool, now: Instant) -> Decider {
    let mut decider = serving(rules(true, restart), now);
    decider.on(image(2, now), now);
    assert_eq!(started(&decider.on(Input::Gone(1), now)), Some(2));
    decider
}

/// The image that is run again according to these actions.
fn again(actions: &[Action]) -> Option<u64> {
    actions.iter().find_map(|action| match action {
        Action::ReportFailed { again, .. } => again.as_ref().map(|image| image.build),
        _ => None,
    })
}

#[test]
fn where_the_old_app_had_to_stop_its_image_is_run_again_when_the_new_one_fails() {
    let now = Instant::now();
    for restart in [false, true] {
        let mut decider = replacing(restart, now);
        let actions = decider.on(Input::Exited(2, 7), now);
        assert_eq!((again(&actions), started(&actions)), (Some(1), None));
        assert_eq!(actions[1], Action::Retire { app: 2, drain: true });
        let old = Image { id: Some("1".to_owned()), build: 1 };
        let start = Action::Start { app: 3, image: old, asked: now, since: Since::Fallback };
        assert_eq!(decider.on(Input::Gone(2), now), [start]);
        assert_eq!(decider.on(Input::Ready(3), now), [Action::Serve(3)]);
        // The key starts the newest image, and the next build takes its place as always.
        assert_eq!(decider.on(Input::Restart, now)[1], Action::Retire { app: 3, drain: true });
        let actions = decider.on(Input::Gone(3), now);
        assert!(matches!(&actions[..], [Action::Start { image, .. }] if image.build == 2), "{actions:?}");
        assert_eq!(again(&decider.on(Input::NotStarted(4, String::new()), now)), Some(1));
    }
}

#[test]
fn an_image_that_is_run_again_and_fails_as_well_is_given_up() {
    let now = Instant::now();
    let mut decider = replacing(false, now);
    decider.on(Input::Exited(2, 7), now);
    decider.on(Input::Gone(2), now);
    let actions = decider.on(Input::Exited(3, 7), now);
    assert_eq!((again(&actions), actions.len()), (None, 2));
    assert_eq!((decider.on(Input::Gone(3), now), decider.deadline()), (vec![], None));
    assert!(started(&decider.on(image(3, now), now)).is_some());
}

#[test]
fn an_app_that_was_run_again_is_what_restarts_when_it_exits() {
    let now = Instant::now();
    let mut decider = replacing(true, now);
    decider.on(Input::Exited(2, 7), now);
    decider.on(Input::Gone(2), now);
    decider.on(Input::Ready(3), now);
    decider.on(Input::Exited(3, 1), now);
    decider.on(Input::Gone(3), now);
    let actions = decider.on(Input::Tick, decider.deadline().unwrap());
    assert!(matches!(&actions[..], [Action::Start { image, .. }] if image.build == 1), "{actions:?}");
}

#[test]
fn a_newer_image_comes_before_an_old_one() {
    let now = Instant::now();
    let mut decider = replacing(false, now);
    decider.on(Input::Exited(2, 7), now);
    decider.on(image(3, now), now);
    let actions = decider.on(Input::Gone(2), now);
    assert!(matches!(&actions[..], [Action::Start { image, .. }] if image.build == 3), "{actions:?}");
    assert_eq!(again(&decider.on(Input::Exited(3, 7), now)), Some(1));
}

#[test]
fn an_image_that_was_started_by_its_name_is_run_again_by_its_id() {
    let now = Instant::now();
    let mut decider = Decider::new(rules(true, false));
    let by_name = Image { id: None, build: 1 };
    decider.on(Input::Image(by_name, now, Since::Build), now);
    decider.identify(1, "one");
    decider.on(Input::Ready(1), now);
    decider.on(image(2, now), now);
    decider.on(Input::Gone(1), now);
    decider.on(Input::Exited(2, 7), now);
    let actions = decider.on(Input::Gone(2), now);
    assert!(matches!(&actions[..], [Action::Start { image, .. }] if image.id.as_deref() == Some("one")), "{actions:?}");
}

#[test]
fn a_new_build_takes_the_place_of_a_starting_app_but_never_twice_in_a_row() {
    let now = Instant::now();
    let mut decider = serving(rules(false, false), now);
    assert_eq!(started(&decider.on(image(2, now), now)), Some(2));
    let actions = decider.on(image(3, now), now);
    assert_eq!((&actions[0], started(&actions)), (&Action::Retire { app: 2, drain: true }, Some(3)));
    assert_eq!(decider.on(image(4, now), now), []);
    let actions = decider.on(Input::Ready(3), now);
    assert_eq!((&actions[0], started(&actions)), (&Action::Serve(3), Some(4)));
}

#[test]
fn an_app_that_exits_is_started_again_by_the_key_or_by_itself() {
    let now = Instant::now();
    let mut decider = serving(rules(false, false), now);
    let actions = decider.on(Input::Exited(1, 3), now);
    assert_eq!(actions[..2], [Action::Disconnect, Action::ReportExited { app: 1, status: 3, again: None }]);
    assert_eq!(decider.deadline(), None);
    assert_eq!(started(&decider.on(Input::Restart, now)), Some(2));

    let mut decider = serving(rules(false, true), now);
    let mut now = now;
    let mut pauses = Vec::new();
    for app in 1..9 {
        decider.on(Input::Exited(app, 1), now);
        let at = decider.deadline().unwrap();
        pauses.push((at - now).as_secs_f64());
        now = at;
        assert_eq!(started(&decider.on(Input::Tick, now)), Some(app + 1));
        decider.on(Input::Ready(app + 1), now);
    }
    assert_eq!(pauses, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]);
    // One that served for a while begins anew.
    now += 11 * SECOND;
    decider.on(Input::Exited(9, 1), now);
    assert_eq!(decider.deadline().unwrap() - now, SECOND / 2);
}

#[test]
fn a_key_without_an_image_says_so() {
    let mut decider = Decider::new(rules(false, false));
    assert_eq!(decider.on(Input::Restart, Instant::now()), [Action::ReportNoImage]);
}

#[test]
fn the_end_waits_for_all_apps() {
    let now = Instant::now();
    let mut decider = serving(rules(false, false), now);
    decider.on(image(2, now), now);
    let retire = |app| Action::Retire { app, drain: false };
    assert_eq!(decider.on(Input::Stop, now), [Action::Disconnect, retire(2), retire(1)]);
    assert_eq!(decider.on(Input::Gone(2), now), []);
    assert_eq!(decider.on(Input::Gone(1), now), [Action::Leave]);
    assert_eq!(Decider::new(rules(false, false)).on(Input::Stop, now), [Action::Leave]);
}

/// An event of a random history; a number chooses among the apps that it can be about.
#[derive(Clone, Debug)]
enum Event {
    Image,
    Restart,
    EngineBack,
    Ready(usize),
    NotStarted(usize),
    Exited(usize),
    Gone(usize),
    Wait(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => Just(Event::Image),
        1 => Just(Event::Restart),
        1 => Just(Event::EngineBack),
        3 => (0..9_usize).prop_map(Event::Ready),
        1 => (0..9_usize).prop_map(Event::NotStarted),
        2 => (0..9_usize).prop_map(Event::Exited),
        3 => (0..9_usize).prop_map(Event::Gone),
        2 => (0..40_u64).prop_map(Event::Wait),
    ]
}

/// What the actions of a decider have made of the world.
#[derive(Default)]
struct World {
    /// Started, and not gone.
    there: BTreeSet<AppId>,
    retired: BTreeSet<AppId>,
    exited: BTreeSet<AppId>,
    serving: Option<AppId>,
    left: bool,
    builds: Vec<u64>,
    /// Where connections went last.
    served: Option<AppId>,
}

impl World {
    fn act(&mut self, actions: Vec<Action>, rules: &Rules) {
        for action in actions {
            assert!(!self.left, "{action:?} after the end");
            match action {
                Action::Start { app, image, .. } => {
                    assert!(!rules.replace || self.there.is_empty(), "two at once");
                    assert!(self.there.insert(app) && !self.retired.contains(&app));
                    self.builds.push(image.build);
                }
                Action::Serve(app) => {
                    assert!(self.there.contains(&app) && !self.retired.contains(&app) && !self.exited.contains(&app));
                    (self.serving, self.served) = (Some(app), Some(app));
                }
                Action::Disconnect => self.serving = None,
                Action::Retire { app, .. } => {
                    assert_ne!(self.serving, Some(app), "connections still go to an app that stops");
                    assert!(self.there.contains(&app) && self.retired.insert(app), "{app} is stopped once");
                }
                Action::Kill(app) => assert!(self.retired.contains(&app) && self.there.contains(&app)),
                Action::Leave => {
                    assert!(self.there.is_empty(), "something is left");
                    self.left = true;
                }
                Action::ReportFailed { serving, again, .. } => {
                    assert_eq!(serving, self.serving);
                    assert!(again.is_none() || rules.replace && serving.is_none() && self.served.is_some());
                }
                Action::ReportExited { .. } | Action::ReportNoImage => {}
            }
        }
    }

    fn nth(&self, among: impl Fn(&AppId) -> bool, number: usize) -> Option<AppId> {
        let all: Vec<_> = self.there.iter().copied().filter(among).collect();
        all.get(number % all.len().max(1)).copied()
    }
}

/// All apps that are to end are gone.
fn remove_retired(decider: &mut Decider, world: &mut World, rules: &Rules, now: Instant) {
    while let Some(app) = world.nth(|app| world.retired.contains(app), 0) {
        world.there.remove(&app);
        let actions = decider.on(Input::Gone(app), now);
        world.act(actions, rules);
    }
}

/// Each app that is to end does, and each that starts gets ready, until nothing happens any more.
fn go_well(decider: &mut Decider, world: &mut World, rules: &Rules, now: Instant) {
    remove_retired(decider, world, rules, now);
    while let Some(app) = decider.starting.as_ref().map(|it| it.app) {
        let actions = decider.on(Input::Ready(app), now);
        world.act(actions, rules);
        remove_retired(decider, world, rules, now);
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_newest_image_serves_in_the_end_and_nothing_is_left(
        events in prop::collection::vec(event(), 0..80), replace in any::<bool>(), restart in any::<bool>(),
    ) {
        let rules = rules(replace, restart);
        let mut now = Instant::now();
        let (mut decider, mut world, mut build) = (Decider::new(rules), World::default(), 0);
        for event in events {
            let input = match event {
                Event::Image => {
                    build += 1;
                    Some(image(build, now))
                }
                Event::Restart => Some(Input::Restart),
                Event::EngineBack => Some(Input::EngineBack),
                Event::Ready(n) => {
                    world.nth(|app| !world.exited.contains(app), n).map(Input::Ready)
                }
                Event::NotStarted(n) => world.nth(|app| !world.exited.contains(app), n).map(|app| {
                    Input::NotStarted(app, String::new())
                }),
                Event::Exited(n) => world.nth(|app| !world.exited.contains(app), n).map(|app| Input::Exited(app, 1)),
                Event::Gone(n) => world.nth(|app| world.retired.contains(app), n).map(Input::Gone),
                Event::Wait(seconds) => {
                    now += Duration::from_secs(seconds);
                    Some(Input::Tick)
                }
            };
            let Some(input) = input else { continue };
            if let Input::Gone(app) = &input {
                world.there.remove(app);
            }
            if let Input::Exited(app, _) = &input {
                world.exited.insert(*app);
            }
            let actions = decider.on(input, now);
            world.act(actions, &rules);
            let stopping = world.there.intersection(&world.retired).count();
            prop_assert!(stopping <= MOST_STOPPING || decider.killed.len() >= stopping - MOST_STOPPING);
        }
        // From now on all goes well.
        build += 1;
        let actions = decider.on(image(build, now), now);
        world.act(actions, &rules);
        go_well(&mut decider, &mut world, &rules, now);
        prop_assert_eq!(world.builds.last(), Some(&build));
        prop_assert!(world.serving.is_some() && world.there.len() == 1);
        // A last image that fails leaves an app that serves, in each way of swapping.
        let actions = decider.on(image(build + 1, now), now);
        world.act(actions, &rules);
        remove_retired(&mut decider, &mut world, &rules, now);
        let newest = decider.starting.as_ref().map(|it| it.app).unwrap();
        let actions = decider.on(Input::NotStarted(newest, String::new()), now);
        world.act(actions, &rules);
        go_well(&mut decider, &mut world, &rules, now);
        prop_assert!(world.serving.is_some() && world.there.len() == 1);
        let last = if replace { build } else { build + 1 };
        prop_assert_eq!(world.builds.last(), Some(&last));
        let actions = decider.on(Input::Stop, now);
        world.act(actions, &rules);
        let last = *world.there.first().unwrap();
        world.there.remove(&last);
        let actions = decider.on(Input::Gone(last), now);
        world.act(actions, &rules);
        prop_assert!(world.left);
    }
}
