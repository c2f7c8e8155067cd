//! What a watch does next: pure decisions, from what happened and when, to actions. No process, no file, no clock.

use std::time::{Duration, Instant};

use super::debounce::{self, Burst};

/// How long git may hold its index before it is taken for a lock that was left behind.
const GIT_LIMIT: Duration = Duration::from_secs(10);

/// How often a held index is looked at.
const GIT_LOOK: Duration = Duration::from_millis(20);

/// What happens to a save during a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum OnBusy {
    /// Cancel the stale build, but never two in a row
    Auto,
    /// Let the build finish first
    Queue,
    /// Always cancel the stale build
    Restart,
}

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
    Stirred(Burst),
    /// Time passed; whether git holds its index.
    Tick {
        git_busy: bool,
    },
    /// What a look at the source found.
    Seen(Seen),
    /// The build under way ended.
    Ended(End),
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
pub enum Seen {
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
pub enum End {
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
    /// Tell that nothing needs to be built.
    TellSame,
    TellTagged,
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
pub struct State {
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
    owed: bool,
    demand: Option<Demand>,
    paused: bool,
    engine_gone: bool,
    stopping: bool,
}

impl State {
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
            owed: false,
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
            Input::Stirred(burst) => {
                // A burst that waits for its end goes on.
                let first = self.burst.map_or(burst.first, |before| before.first.min(burst.first));
                self.burst = Some(Burst { first, ..burst });
                Vec::new()
            }
            Input::Tick { git_busy } => self.tick(git_busy, now),
            Input::Seen(seen) => self.seen(seen),
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

    fn seen(&mut self, seen: Seen) -> Vec<Action> {
        let looked_at = self.looked_at.take();
        if let (Seen::Changed { unsure: true }, Some(burst)) = (seen, looked_at)
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
        match seen {
            Seen::Changed { .. } => {
                self.owed = true;
                self.want()
            }
            // What the build under way is made of does not help when it is going to be cancelled.
            Seen::Nothing | Seen::Same if self.is_cancelling() => {
                self.owed = true;
                Vec::new()
            }
            Seen::Nothing | Seen::Same => {
                let was_owed = std::mem::take(&mut self.owed);
                let tell = seen == Seen::Same && !was_owed;
                let mut actions = if tell { vec![Action::TellSame] } else { Vec::new() };
                actions.extend(self.want());
                actions
            }
            Seen::Tagged if self.is_building() => {
                // The build under way would move the tag away from it.
                self.owed = true;
                self.want()
            }
            Seen::Tagged => {
                self.owed = false;
                let mut actions = vec![Action::TellTagged];
                actions.extend(self.want());
                actions
            }
        }
    }

    /// What to do when a build is wanted, or may be.
    fn want(&mut self) -> Vec<Action> {
        if !self.owed && self.demand.is_none() {
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
        self.owed = false;
        self.work = Work::Building { protected: self.last_was_cancelled, cancelled: false };
        Action::Build(self.demand.take())
    }

    fn ended(&mut self, end: End) -> Vec<Action> {
        // A protected build that the engine took along is protected when it is made again.
        let spared = matches!(self.work, Work::Building { cancelled, protected } if cancelled || protected);
        self.last_was_cancelled = spared && end != End::Done;
        self.work = Work::Idle;
        if self.stopping {
            return vec![Action::Leave];
        }
        if end == End::EngineGone {
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
        if self.owed && !held { vec![Action::Look] } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Demand, End, Input, OnBusy, Seen, State};
    use crate::watch::debounce::Burst;
    use proptest::prelude::*;
    use std::time::{Duration, Instant};

    const QUIET: Duration = Duration::from_millis(50);

    fn millis(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    fn save(at: Instant) -> Input {
        Input::Stirred(Burst { first: at, last: at, paths: 1, finished: true })
    }

    /// A state with a build under way, and its beginning.
    fn building(on_busy: OnBusy) -> (State, Instant) {
        let begin = Instant::now();
        let mut state = State::new(on_busy, QUIET);
        assert_eq!(state.on(Input::Demanded(Demand::First), begin), [Action::Build(Some(Demand::First))]);
        (state, begin)
    }

    fn change(state: &mut State, at: Instant) -> Vec<Action> {
        state.on(save(at), at);
        let due = state.deadline().unwrap();
        assert_eq!(state.on(Input::Tick { git_busy: false }, due), [Action::Look]);
        state.on(Input::Seen(Seen::Changed { unsure: false }), due)
    }

    #[test]
    fn a_save_is_looked_at_and_built() {
        let begin = Instant::now();
        let mut state = State::new(OnBusy::Auto, QUIET);
        assert_eq!(change(&mut state, begin), [Action::Build(None)]);
        assert_eq!(state.on(Input::Ended(End::Done), begin), []);
        assert_eq!(state.deadline(), None);
    }

    #[test]
    fn a_save_during_a_build_cancels_it_once() {
        let (mut state, begin) = building(OnBusy::Auto);
        assert_eq!(change(&mut state, begin + millis(500)), [Action::Cancel]);
        assert_eq!(change(&mut state, begin + millis(1000)), []);
        assert_eq!(state.on(Input::Ended(End::Cancelled), begin), [Action::Look]);
        let changed = Input::Seen(Seen::Changed { unsure: false });
        assert_eq!(state.on(changed, begin), [Action::Build(None)]);
        // The build after a cancelled one is let finish.
        assert_eq!(change(&mut state, begin + millis(2000)), []);
        assert_eq!(state.on(Input::Ended(End::Done), begin), [Action::Look]);
    }

    #[test]
    fn queue_never_cancels_and_restart_always_does() {
        let (mut state, begin) = building(OnBusy::Queue);
        assert_eq!(change(&mut state, begin + millis(500)), []);
        assert_eq!(state.on(Input::Ended(End::Done), begin), [Action::Look]);
        let (mut state, begin) = building(OnBusy::Restart);
        for round in 1..4 {
            assert_eq!(change(&mut state, begin + millis(1000 * round)), [Action::Cancel]);
            assert_eq!(state.on(Input::Ended(End::Cancelled), begin), [Action::Look]);
            let changed = Input::Seen(Seen::Changed { unsure: false });
            assert_eq!(state.on(changed, begin), [Action::Build(None)]);
        }
    }

    #[test]
    fn a_change_undone_during_its_build_ends_on_the_image_that_is_there() {
        let begin = Instant::now();
        let mut state = State::new(OnBusy::Auto, QUIET);
        change(&mut state, begin);
        state.on(save(begin + millis(600)), begin + millis(600));
        let due = state.deadline().unwrap();
        state.on(Input::Tick { git_busy: false }, due);
        assert_eq!(state.on(Input::Seen(Seen::Tagged), due), [Action::Cancel]);
        assert_eq!(state.on(Input::Ended(End::Cancelled), due), [Action::Look]);
        assert_eq!(state.on(Input::Seen(Seen::Tagged), due), [Action::TellTagged]);
    }

    #[test]
    fn git_is_waited_for_but_not_for_ever() {
        let begin = Instant::now();
        let mut state = State::new(OnBusy::Auto, QUIET);
        state.on(save(begin), begin);
        let mut now = begin;
        let mut ticks = 0;
        let actions = loop {
            now = state.deadline().unwrap().max(now);
            let actions = state.on(Input::Tick { git_busy: true }, now);
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
        let mut state = State::new(OnBusy::Auto, QUIET);
        state.on(save(begin), begin);
        let due = state.deadline().unwrap();
        state.on(Input::Tick { git_busy: false }, due);
        assert_eq!(state.on(Input::Seen(Seen::Changed { unsure: true }), due), []);
        assert_eq!(state.deadline(), Some(begin + QUIET));
        state.on(Input::Tick { git_busy: false }, begin + QUIET);
        assert_eq!(state.on(Input::Seen(Seen::Changed { unsure: true }), begin + QUIET), [Action::Build(None)]);
    }

    #[test]
    fn a_pause_holds_builds_and_forgets_no_save() {
        let begin = Instant::now();
        let mut state = State::new(OnBusy::Auto, QUIET);
        state.on(Input::Pause(true), begin);
        assert_eq!(change(&mut state, begin), []);
        assert_eq!(state.on(Input::Pause(false), begin), [Action::Look]);
    }

    #[test]
    fn a_build_the_engine_took_along_is_made_when_it_is_back() {
        let (mut state, begin) = building(OnBusy::Auto);
        assert_eq!(state.on(Input::Ended(End::EngineGone), begin), []);
        assert_eq!(state.on(Input::EngineBack, begin), [Action::Build(Some(Demand::Engine))]);
    }

    #[test]
    fn the_end_comes_after_the_end_of_the_build() {
        let (mut state, begin) = building(OnBusy::Queue);
        assert_eq!(state.on(Input::Stop, begin), [Action::Cancel]);
        assert_eq!(state.on(save(begin), begin), []);
        assert_eq!(state.on(Input::Ended(End::Cancelled), begin), [Action::Leave]);
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

    /// A source of one number, an engine, and who builds.
    struct World {
        state: State,
        on_busy: OnBusy,
        now: Instant,
        source: u8,
        stirred: Option<Burst>,
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
                state: State::new(on_busy, QUIET),
                on_busy,
                now,
                source: 0,
                stirred: None,
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
            for action in self.state.on(input, self.now) {
                self.act(action);
            }
        }

        fn act(&mut self, action: Action) {
            match action {
                Action::Look => {
                    let relevant = self.stirred.take().is_some();
                    let fixed = self.build.is_none_or(|(fixed, _)| fixed);
                    let seen = if !fixed || self.made == Some(self.source) {
                        if relevant { Seen::Same } else { Seen::Nothing }
                    } else if self.tagged == Some(self.source) {
                        Seen::Tagged
                    } else {
                        Seen::Changed { unsure: self.source == 0 }
                    };
                    self.feed(Input::Seen(seen));
                }
                Action::Build(_) => {
                    assert!(self.build.is_none(), "two builds at once");
                    assert!(!self.engine_gone && !self.state.is_paused(), "a build that can not, or must not, be");
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
                Action::TellSame | Action::TellTagged => {}
                Action::Leave => self.left = true,
            }
        }

        fn end(&mut self, good: bool) {
            let Some((fixed, cancelled)) = self.build.take() else { return };
            if self.engine_gone {
                self.feed(Input::Ended(End::EngineGone));
            } else if cancelled {
                self.made = self.tagged;
                self.feed(Input::Ended(End::Cancelled));
            } else {
                self.cancelled_in_a_row = 0;
                if !fixed {
                    self.made = Some(self.source);
                }
                if good {
                    self.tagged = self.made;
                }
                self.feed(Input::Ended(End::Done));
            }
        }

        fn pass(&mut self, time: Duration) {
            let until = self.now + time;
            while let Some(deadline) = self.state.deadline().filter(|deadline| *deadline <= until) {
                self.now = self.now.max(deadline);
                self.feed(Input::Tick { git_busy: self.git_busy });
            }
            self.now = self.now.max(until);
        }

        fn stir(&mut self) {
            let now = self.now;
            let before = self.stirred.unwrap_or(Burst { first: now, last: now, paths: 0, finished: true });
            let burst = Burst { last: now, paths: before.paths + 1, ..before };
            self.stirred = Some(burst);
            self.feed(Input::Stirred(burst));
        }

        fn happen(&mut self, happening: Happening) {
            match happening {
                Happening::Save(source) => {
                    self.source = source;
                    self.stir();
                }
                Happening::Touch => self.stir(),
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

        /// Lets everything come to rest: nobody saves, all works again, all builds succeed.
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
            prop_assert!(world.build.is_none() && world.state.deadline().is_none());
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
}
