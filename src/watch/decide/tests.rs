//! Decisions over single stories and over random ones.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::Decider;
use super::action::{Action, BuildOrder, Note};
use super::input::{BuildEnd, Comparison, Demand, Input, Look, WatchEnd};
use crate::git::work_tree::IndexLock;
use crate::settings::hooks::HookSettings;
use crate::settings::timings::TimingsSettings;
use crate::settings::watch::{OnBusy, WatchSettings};
use crate::watch::debounce::Burst;
use crate::watch::known_images::{KnownImages, Name};
use crate::watch::wait_protocol::{Answer, Failure};
use crate::watch::waiters::Waiters;

const QUIET: Duration = Duration::from_millis(50);

const TAG: &str = "docker.io/library/img:latest";
const BUILDER: &str = "docker.io/library/builder:latest";

fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}

fn settings(on_busy: OnBusy) -> WatchSettings {
    WatchSettings {
        app: None,
        debounce: QUIET,
        on_busy,
        poll: None,
        keep: 0,
        standby: true,
        standby_limit: 0,
        clear: false,
        hooks: HookSettings::default(),
        engine_identity: String::new(),
        timings: TimingsSettings { at_end: false, file: PathBuf::new() },
        notify: None,
    }
}

fn decider(on_busy: OnBusy, begin: Instant) -> Decider {
    Decider::new(&settings(on_busy), false, KnownImages::named(BUILDER, "b1", TAG), begin)
}

fn save(at: Instant) -> Input {
    Input::FsEvents(Burst { first: at, last: at, paths: 1, finished: true })
}

fn looked(comparison: Comparison) -> Input {
    Input::Looked(Look { comparison, polling: false, moved: false, took: millis(1) })
}

fn index_lock() -> IndexLock {
    IndexLock { path: "/src/.git/index.lock".into(), inode: 1, modified: (1, 0) }
}

const CHANGED: Comparison = Comparison::Changed { unsure: false };

/// A decider with a build under way, and its beginning.
fn building(on_busy: OnBusy) -> (Decider, Instant) {
    let begin = Instant::now();
    let mut decider = decider(on_busy, begin);
    assert_eq!(builds(&decider.on(Input::Demanded(Demand::First), begin)), [Some(Demand::First)]);
    (decider, begin)
}

/// The builds among these actions, by what demanded them.
fn builds(actions: &[Action]) -> Vec<Option<Demand>> {
    let orders = actions.iter().filter_map(|action| match action {
        Action::Build(BuildOrder { demand, .. }) => Some(*demand),
        _ => None,
    });
    orders.collect()
}

/// When there is something to do, but for asking which folder the source means, which is answered until then.
fn next_due(decider: &mut Decider) -> Option<Instant> {
    let due = decider.deadline_but_path()?;
    if let Some(path) = decider.deadline().filter(|path| *path < due) {
        assert_eq!(decider.on(Input::Tick, path), [Action::AskPath]);
        assert_eq!(decider.on(Input::PathAsked { changed: false }, due), []);
    }
    Some(due)
}

/// Lets a save be looked at, with this result.
fn see(decider: &mut Decider, at: Instant, comparison: Comparison) -> Vec<Action> {
    decider.on(save(at), at);
    let due = next_due(decider).unwrap();
    assert_eq!(decider.on(Input::Tick, due), [Action::AskGit]);
    assert_eq!(decider.on(Input::GitBusy(None), due), [Action::Look]);
    decider.on(looked(comparison), due)
}

fn ended(end: BuildEnd) -> Input {
    let image = (end == BuildEnd::Done).then(|| "ours".to_owned());
    Input::BuildEnded { end, image }
}

#[test]
fn an_engine_that_hung_during_a_build_was_waited_for_in_silence() {
    let begin = Instant::now();
    let mut decider = decider(OnBusy::Auto, begin);
    decider.on(Input::Demanded(Demand::First), begin);
    let check = next_due(&mut decider).expect("the engine is asked while there is a build");
    assert_eq!(decider.on(Input::Tick, check), [Action::AskEngine]);
    assert_eq!(decider.on(Input::EngineAnswered(true), check), []);
    let check = next_due(&mut decider).expect("it is asked again");
    decider.on(Input::Tick, check);
    assert_eq!(decider.on(Input::EngineAnswered(false), check), [Action::Report(Note::EngineGone)]);
    decider.on(ended(BuildEnd::Done), check);
    let mut rested = decider;
    rested.on(Input::Tick, check + millis(600));
    rested.on(Input::EngineAnswered(true), check + millis(620));
    assert_eq!(next_due(&mut rested), None);
}

#[test]
fn a_save_is_looked_at_and_built() {
    let begin = Instant::now();
    let mut decider = decider(OnBusy::Auto, begin);
    assert_eq!(builds(&see(&mut decider, begin, CHANGED)), [None]);
    assert_eq!(decider.on(ended(BuildEnd::Done), begin), []);
    assert_eq!(next_due(&mut decider), None);
}

#[test]
fn a_save_during_a_build_cancels_it_once() {
    let (mut decider, begin) = building(OnBusy::Auto);
    assert_eq!(see(&mut decider, begin + millis(500), CHANGED), [Action::Cancel]);
    assert_eq!(see(&mut decider, begin + millis(1000), CHANGED), []);
    assert_eq!(decider.on(ended(BuildEnd::Cancelled), begin), [Action::Look]);
    assert_eq!(builds(&decider.on(looked(CHANGED), begin)), [None]);
    // The build after a cancelled one is let finish.
    assert_eq!(see(&mut decider, begin + millis(2000), CHANGED), []);
    assert_eq!(decider.on(ended(BuildEnd::Done), begin), [Action::Look]);
}

#[test]
fn queue_never_cancels_and_restart_always_does() {
    let (mut decider, begin) = building(OnBusy::Queue);
    assert_eq!(see(&mut decider, begin + millis(500), CHANGED), []);
    assert_eq!(decider.on(ended(BuildEnd::Done), begin), [Action::Look]);
    let (mut decider, begin) = building(OnBusy::Restart);
    for round in 1..4 {
        assert_eq!(see(&mut decider, begin + millis(1000 * round), CHANGED), [Action::Cancel]);
        assert_eq!(decider.on(ended(BuildEnd::Cancelled), begin), [Action::Look]);
        assert_eq!(builds(&decider.on(looked(CHANGED), begin)), [None]);
    }
}

#[test]
fn a_change_undone_during_its_build_ends_on_the_image_that_is_there() {
    let begin = Instant::now();
    let mut decider = decider(OnBusy::Auto, begin);
    see(&mut decider, begin, CHANGED);
    assert_eq!(see(&mut decider, begin + millis(600), Comparison::Tagged), [Action::Cancel]);
    let now = begin + millis(700);
    assert_eq!(decider.on(ended(BuildEnd::Cancelled), now), [Action::Look]);
    assert_eq!(decider.on(looked(Comparison::Tagged), now), [Action::Report(Note::Tagged)]);
}

#[test]
fn git_is_waited_for_but_not_for_ever() {
    let begin = Instant::now();
    let mut decider = decider(OnBusy::Auto, begin);
    decider.on(save(begin), begin);
    let mut now = begin;
    let (mut questions, mut notes) = (0, Vec::new());
    loop {
        now = next_due(&mut decider).unwrap().max(now);
        assert_eq!(decider.on(Input::Tick, now), [Action::AskGit]);
        let actions = decider.on(Input::GitBusy(Some(index_lock())), now);
        match &actions[..] {
            [] => questions += 1,
            [Action::Report(note)] => notes.push(note.clone()),
            actions => {
                assert_eq!(actions, [Action::Look]);
                break;
            }
        }
    }
    assert_eq!(notes, [Note::GitWait(index_lock().path)]);
    assert!(questions > 100 && now >= begin + millis(10_000) && now < begin + millis(10_100));
}

#[test]
fn a_file_that_came_or_went_may_be_the_middle_of_a_save() {
    let begin = Instant::now();
    let mut decider = decider(OnBusy::Auto, begin);
    let unsure = Comparison::Changed { unsure: true };
    assert_eq!(see(&mut decider, begin, unsure), []);
    assert_eq!(next_due(&mut decider), Some(begin + QUIET));
    assert_eq!(decider.on(Input::Tick, begin + QUIET), [Action::AskGit]);
    assert_eq!(decider.on(Input::GitBusy(None), begin + QUIET), [Action::Look]);
    assert_eq!(builds(&decider.on(looked(unsure), begin + QUIET)), [None]);
}

#[test]
fn a_pause_holds_builds_and_forgets_no_save() {
    let begin = Instant::now();
    let mut decider = decider(OnBusy::Auto, begin);
    assert_eq!(decider.on(Input::TogglePause, begin), [Action::Report(Note::Paused)]);
    assert_eq!(see(&mut decider, begin, CHANGED), []);
    assert_eq!(decider.on(Input::TogglePause, begin), [Action::Report(Note::Resumed), Action::Look]);
}

#[test]
fn a_build_the_engine_took_along_is_made_when_it_is_back() {
    let (mut decider, begin) = building(OnBusy::Auto);
    assert_eq!(decider.on(ended(BuildEnd::EngineFailed), begin), [Action::AskEngine]);
    assert_eq!(decider.on(Input::EngineAnswered(false), begin), [Action::Report(Note::EngineGone)]);
    let actions = decider.on(Input::EngineAnswered(true), begin);
    assert_eq!(actions[0], Action::Report(Note::EngineBack));
    assert_eq!(builds(&actions), [Some(Demand::Engine)]);
}

#[test]
fn an_engine_that_once_did_not_answer_is_asked_until_it_does() {
    let (mut decider, begin) = building(OnBusy::Auto);
    decider.on(ended(BuildEnd::EngineFailed), begin);
    let mut now = begin;
    decider.on(Input::EngineAnswered(false), now);
    for _ in 0..3 {
        now = next_due(&mut decider).expect("the engine is asked again");
        assert!(decider.on(Input::Tick, now).contains(&Action::AskEngine));
        assert_eq!(decider.on(Input::EngineAnswered(false), now), []);
    }
    now = next_due(&mut decider).unwrap();
    decider.on(Input::Tick, now);
    assert_eq!(builds(&decider.on(Input::EngineAnswered(true), now)), [Some(Demand::Engine)]);
}

#[test]
fn a_failure_that_is_the_builds_own_is_over_when_the_engine_answers() {
    let (mut decider, begin) = building(OnBusy::Auto);
    decider.on(ended(BuildEnd::EngineFailed), begin);
    assert_eq!(see(&mut decider, begin + millis(500), CHANGED), []);
    // The save came while it was not known what the failure was.
    assert_eq!(decider.on(Input::EngineAnswered(true), begin + millis(600)), [Action::Look]);
}

#[test]
fn images_are_looked_at_when_the_engine_is_back_and_its_events_are_followed_again() {
    let begin = Instant::now();
    let mut decider = decider(OnBusy::Auto, begin);
    assert_eq!(decider.on(Input::StreamEnded { lasted: millis(60_000) }, begin), [Action::AskEngine]);
    assert_eq!(decider.on(Input::EngineAnswered(false), begin), [Action::Report(Note::EngineGone)]);
    let actions = decider.on(Input::EngineAnswered(true), begin);
    for action in [Action::Listen, Action::AskImage(Name::Builder), Action::AskImage(Name::Tag)] {
        assert!(actions.contains(&action), "{actions:?}");
    }
}

#[test]
fn an_engine_without_events_is_not_asked_for_them_all_the_time() {
    let begin = Instant::now();
    let mut decider = decider(OnBusy::Auto, begin);
    decider.on(Input::StreamEnded { lasted: millis(10) }, begin);
    assert_eq!(decider.on(Input::EngineAnswered(true), begin).len(), 3);
    assert_eq!(next_due(&mut decider), Some(begin + millis(30_000)));
}

#[test]
fn a_builder_that_changed_in_a_long_pause_between_two_streams_of_events_was_missed() {
    let begin = Instant::now();
    let mut decider = decider(OnBusy::Auto, begin);
    decider.on(Input::StreamEnded { lasted: millis(10) }, begin);
    decider.on(Input::EngineAnswered(true), begin);
    let actions = decider.on(Input::Tick, begin + millis(30_000));
    for action in [Action::Listen, Action::AskImage(Name::Builder), Action::AskImage(Name::Tag)] {
        assert!(actions.contains(&action), "{actions:?}");
    }
}

#[test]
fn a_new_image_without_a_name_may_be_the_builder() {
    let (mut decider, begin) = building(OnBusy::Auto);
    decider.on(ended(BuildEnd::Done), begin);
    let asked = [Action::AskImage(Name::Builder), Action::AskImage(Name::Tag)];
    assert_eq!(decider.on(Input::ImageMade, begin), asked);
    let is = Input::ImageIs { name: Name::Builder, id: Some("rebuilt".to_owned()) };
    assert_eq!(builds(&decider.on(is, begin)), [Some(Demand::Builder)]);
}

#[test]
fn a_tag_that_another_program_moved_is_taken_back_by_the_next_save() {
    let (mut decider, begin) = building(OnBusy::Auto);
    decider.on(ended(BuildEnd::Done), begin);
    let event = Input::ImageEvent { name: TAG.to_owned(), id: "theirs".to_owned(), removed: false };
    assert_eq!(decider.on(event, begin), [Action::AskImage(Name::Tag)]);
    let is = Input::ImageIs { name: Name::Tag, id: Some("theirs".to_owned()) };
    assert!(matches!(decider.on(is, begin)[..], [Action::RenewStandby(_)]));
    let actions = see(&mut decider, begin + millis(1000), Comparison::Same);
    assert_eq!(builds(&actions), [Some(Demand::TagMoved)]);
    let Action::Build(order) = &actions[0] else { panic!("{actions:?}") };
    assert_eq!(order.previous.as_deref(), Some("theirs"));
}

#[test]
fn a_tag_that_is_moved_during_a_build_is_looked_at_afterwards() {
    let (mut decider, begin) = building(OnBusy::Auto);
    let event = |id: &str| Input::ImageEvent { name: TAG.to_owned(), id: id.to_owned(), removed: false };
    assert_eq!(decider.on(event("theirs"), begin), []);
    assert_eq!(decider.on(ended(BuildEnd::Done), begin), [Action::AskImage(Name::Tag)]);
    let is = Input::ImageIs { name: Name::Tag, id: Some("ours".to_owned()) };
    assert_eq!(decider.on(is, begin), []);
    // Our own move needs no question.
    see(&mut decider, begin + millis(1000), CHANGED);
    decider.on(event("ours"), begin + millis(1100));
    assert_eq!(decider.on(ended(BuildEnd::Done), begin + millis(1200)), []);
}

#[test]
fn a_source_that_can_not_be_looked_at_is_reported_once_and_looked_at_by_the_clock() {
    let begin = Instant::now();
    let mut decider = decider(OnBusy::Auto, begin);
    decider.on(save(begin), begin);
    let due = next_due(&mut decider).unwrap();
    decider.on(Input::Tick, due);
    decider.on(Input::GitBusy(None), due);
    let fault = Input::LookFailed("gone".to_owned());
    assert_eq!(decider.on(fault.clone(), due), [Action::Report(Note::Fault("gone".to_owned()))]);
    let again = next_due(&mut decider).expect("it is looked at by the clock");
    assert_eq!(decider.on(Input::Tick, again), [Action::Look]);
    assert_eq!(decider.on(fault, again), []);
    let again = next_due(&mut decider).unwrap();
    decider.on(Input::Tick, again);
    // What is found when it is back is looked at once more, after the quiet, and built.
    assert_eq!(decider.on(looked(CHANGED), again), []);
    let due = next_due(&mut decider).unwrap();
    assert_eq!(decider.on(Input::Tick, due), [Action::AskGit]);
}

#[test]
fn the_end_comes_after_the_end_of_the_build() {
    let (mut decider, begin) = building(OnBusy::Queue);
    assert_eq!(decider.on(Input::Stop(WatchEnd::Asked), begin), [Action::Cancel]);
    assert_eq!(decider.on(save(begin), begin), []);
    assert_eq!(decider.on(ended(BuildEnd::Cancelled), begin), [Action::Leave]);
}

#[test]
fn a_source_that_came_to_mean_another_folder_was_never_looked_at_again() {
    let begin = Instant::now();
    let mut decider = decider(OnBusy::Auto, begin);
    let due = decider.deadline().expect("the path is asked for by the clock");
    assert!(due <= begin + millis(1000));
    assert_eq!(decider.on(Input::Tick, due), [Action::AskPath]);
    assert_eq!(decider.on(Input::PathAsked { changed: false }, due), []);
    let due = decider.deadline().expect("and again");
    assert_eq!(decider.on(Input::Tick, due), [Action::AskPath]);
    decider.on(Input::PathAsked { changed: true }, due);
    let due = decider.deadline().unwrap();
    assert_eq!(decider.on(Input::Tick, due), [Action::AskGit]);
    assert_eq!(decider.on(Input::GitBusy(None), due), [Action::Look]);
    let moved = Input::Looked(Look { comparison: CHANGED, polling: false, moved: true, took: millis(1) });
    let actions = decider.on(moved, due);
    // What was prepared holds the files of the folder before.
    assert!(matches!(actions[0], Action::RenewStandby(_)), "{actions:?}");
    assert_eq!(builds(&actions), [None]);
}

#[test]
fn a_build_that_would_mix_two_folders_is_made_again() {
    let (mut decider, begin) = building(OnBusy::Queue);
    assert_eq!(builds(&decider.on(ended(BuildEnd::SourceMoved), begin)), [Some(Demand::First)]);
    decider.on(ended(BuildEnd::Done), begin);
    see(&mut decider, begin + millis(500), CHANGED);
    assert_eq!(decider.on(ended(BuildEnd::SourceMoved), begin), [Action::Look]);
}

#[test]
fn a_source_on_a_file_system_that_tells_of_all_is_not_polled_any_more() {
    let begin = Instant::now();
    let mut decider = Decider::new(&settings(OnBusy::Auto), true, KnownImages::named(BUILDER, "b1", TAG), begin);
    let due = next_due(&mut decider).expect("it is polled");
    assert_eq!(decider.on(Input::Tick, due), [Action::Look]);
    decider.on(looked(Comparison::Nothing), due);
    assert_eq!(next_due(&mut decider), None);
}

#[test]
fn another_engine_at_the_same_address_is_noticed_once() {
    let begin = Instant::now();
    let known = KnownImages::named(BUILDER, "b1", TAG).of_engine(Some("one".to_owned()));
    let mut decider = Decider::new(&settings(OnBusy::Auto), false, known, begin);
    decider.on(Input::StreamEnded { lasted: millis(60_000) }, begin);
    assert!(decider.on(Input::EngineAnswered(true), begin).contains(&Action::AskIdentity));
    assert_eq!(decider.on(Input::EngineIs("one".to_owned()), begin), []);
    assert_eq!(decider.on(Input::EngineIs("two".to_owned()), begin), [Action::Report(Note::OtherEngine)]);
    assert_eq!(decider.on(Input::EngineIs("two".to_owned()), begin), []);
}

#[test]
fn a_save_in_a_pause_was_forgotten_when_the_engine_told_where_the_tag_is() {
    let (mut decider, begin) = building(OnBusy::Auto);
    decider.on(ended(BuildEnd::Done), begin);
    decider.on(Input::TogglePause, begin);
    decider.on(Input::StreamEnded { lasted: millis(60_000) }, begin);
    assert_eq!(see(&mut decider, begin + millis(500), Comparison::Same), []);
    assert_eq!(see(&mut decider, begin + millis(1000), CHANGED), []);
    decider.on(Input::EngineAnswered(true), begin + millis(1100));
    let ours = Input::ImageIs { name: Name::Tag, id: Some("ours".to_owned()) };
    assert_eq!(decider.on(ours, begin + millis(1200)), []);
    let resumed = [Action::Report(Note::Resumed), Action::Look];
    assert_eq!(decider.on(Input::TogglePause, begin + millis(1300)), resumed);
}

/// Things that happen to a watch from outside.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Save(u8),
    Touch,
    Wait(u64),
    /// The questions under way are answered.
    Answer,
    /// The build under way has sent its source.
    Fix,
    End(bool),
    Builder,
    /// Another program moves the tag.
    MoveTag,
    Pause,
    EngineGone,
    EngineBack,
    Git(bool),
    /// The source can, or cannot, be looked at.
    Readable(bool),
    /// The source means another folder, of which no event tells.
    Retarget(u8),
    /// A save whose event does not come, and then a question for an up-to-date tag.
    Ask(u8),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (0_u8..4).prop_map(Happening::Save),
        1 => Just(Happening::Touch),
        6 => (1_u64..2000).prop_map(Happening::Wait),
        8 => Just(Happening::Answer),
        3 => Just(Happening::Fix),
        4 => any::<bool>().prop_map(Happening::End),
        1 => Just(Happening::Builder),
        1 => Just(Happening::MoveTag),
        1 => Just(Happening::Pause),
        1 => Just(Happening::EngineGone),
        1 => Just(Happening::EngineBack),
        1 => any::<bool>().prop_map(Happening::Git),
        1 => any::<bool>().prop_map(Happening::Readable),
        2 => (0_u8..4).prop_map(Happening::Retarget),
        2 => (0_u8..4).prop_map(Happening::Ask),
    ]
}

/// The build under way.
struct RunningBuild {
    fixed: bool,
    cancelled: bool,
    /// The engine went away under it.
    struck: bool,
    /// The source came to mean another folder before it was sent.
    elsewhere: bool,
}

/// A source of one number, an engine, and the threads of a watch.
struct World {
    decider: Decider,
    on_busy: OnBusy,
    now: Instant,
    source: u8,
    readable: bool,
    /// The source means another folder than at the last look.
    moved: bool,
    events: Option<Burst>,
    /// There were events since the last time that a look compared.
    relevant: bool,
    built: Option<u8>,
    tagged: Option<u8>,
    build: Option<RunningBuild>,
    images: u32,
    /// The image that the tag is on, by the engine, and by the events that were not delivered yet.
    tag: String,
    builder: u32,
    built_with: u32,
    stream: bool,
    /// Events since the stream ended; an engine that goes away forgets them.
    missed: Vec<Input>,
    engine_gone: bool,
    git_busy: bool,
    paused: bool,
    cancelled_in_a_row: u32,
    /// Questions that were not answered yet.
    questions: Vec<Action>,
    left: bool,
    /// There was a save since another program moved the tag.
    saved_since_move: bool,
    waiters: Waiters,
    /// Those who wait, each with what the source has been since it asked.
    asked: BTreeMap<u64, BTreeSet<u8>>,
    /// What each image of ours is made of.
    contents: HashMap<String, u8>,
}

impl World {
    fn new(on_busy: OnBusy) -> Self {
        let now = Instant::now();
        let mut world = Self {
            decider: decider(on_busy, now),
            on_busy,
            now,
            source: 0,
            readable: true,
            moved: false,
            events: None,
            relevant: false,
            built: None,
            tagged: None,
            build: None,
            images: 0,
            tag: String::new(),
            builder: 1,
            built_with: 0,
            stream: true,
            missed: Vec::new(),
            engine_gone: false,
            git_busy: false,
            paused: false,
            cancelled_in_a_row: 0,
            questions: Vec::new(),
            left: false,
            saved_since_move: false,
            waiters: Waiters::default(),
            asked: BTreeMap::new(),
            contents: HashMap::new(),
        };
        world.feed(Input::Demanded(Demand::First));
        world
    }

    fn feed(&mut self, input: Input) {
        match &input {
            Input::LookFailed(why) => {
                let answers = self.waiters.look_failed(self.decider.looks_begun(), why);
                self.take_answers(answers);
            }
            Input::BuildEnded { end: BuildEnd::Done, image: None }
            | Input::BuildEnded { end: BuildEnd::EngineFailed, .. } => {
                self.waiters.build_failed(Failure { exit_status: 1, causes: Vec::new() });
            }
            Input::BuildEnded { .. } => self.waiters.no_failure(),
            _ => {}
        }
        for action in self.decider.on(input, self.now) {
            self.act(action);
        }
        let facts = self.decider.facts();
        let answers = self.waiters.review(&facts);
        self.take_answers(answers);
        if self.waiters.want_tag_back(&facts) {
            self.feed(Input::Demanded(Demand::TagMoved));
        }
    }

    /// Each waiter gets an answer once, and no image that is older than its question.
    fn take_answers(&mut self, answers: Vec<(u64, Answer)>) {
        for (id, answer) in answers {
            let since = self.asked.remove(&id).expect("it waits");
            if let Answer::UpToDate { image } = answer {
                assert!(since.contains(&self.contents[&image]), "{image} is not of {since:?}");
            }
        }
    }

    fn set_source(&mut self, source: u8) {
        self.source = source;
        self.asked.values_mut().for_each(|since| _ = since.insert(source));
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Listen if self.engine_gone => self.feed(Input::StreamEnded { lasted: millis(10) }),
            Action::Listen => {
                self.stream = true;
                std::mem::take(&mut self.missed).into_iter().for_each(|event| self.feed(event));
            }
            Action::Look
            | Action::AskGit
            | Action::AskPath
            | Action::AskEngine
            | Action::AskIdentity
            | Action::AskImage(_) => {
                let looks = |action: &Action| matches!(action, Action::Look | Action::AskGit | Action::AskPath);
                assert!(!looks(&action) || !self.questions.iter().any(looks), "two looks at once");
                assert!(action != Action::AskEngine || !self.questions.contains(&action), "asked twice at once");
                self.questions.push(action);
            }
            Action::Build(_) => {
                assert!(self.build.is_none(), "two builds at once");
                assert!(!self.paused, "a build during a pause");
                self.built_with = self.builder;
                self.build =
                    Some(RunningBuild { fixed: false, cancelled: false, struck: self.engine_gone, elsewhere: false });
            }
            Action::Cancel => {
                self.build.as_mut().expect("there is a build to cancel").cancelled = true;
                self.cancelled_in_a_row += 1;
                let limit = if self.on_busy == OnBusy::Restart { u32::MAX } else { 1 };
                assert!(self.on_busy != OnBusy::Queue && self.cancelled_in_a_row <= limit);
            }
            Action::RenewStandby(_) | Action::Report(_) => {}
            Action::Leave => self.left = true,
        }
    }

    fn answer_all(&mut self) {
        for question in std::mem::take(&mut self.questions) {
            let answer = match question {
                Action::Look if !self.readable => Input::LookFailed("it is gone".to_owned()),
                Action::Look => looked(self.compare()),
                Action::AskPath => Input::PathAsked { changed: self.moved },
                Action::AskGit => Input::GitBusy(self.git_busy.then(index_lock)),
                Action::AskEngine => Input::EngineAnswered(!self.engine_gone),
                // An engine that does not tell is not waited for.
                Action::AskIdentity => continue,
                Action::AskImage(name) if self.engine_gone => Input::NoAnswer(name),
                Action::AskImage(Name::Tag) => {
                    let id = Some(self.tag.clone()).filter(|tag| !tag.is_empty());
                    Input::ImageIs { name: Name::Tag, id }
                }
                Action::AskImage(Name::Builder) => {
                    Input::ImageIs { name: Name::Builder, id: Some(format!("b{}", self.builder)) }
                }
                other => unreachable!("{other:?} is no question"),
            };
            self.feed(answer);
        }
    }

    fn compare(&mut self) -> Comparison {
        self.events = None;
        // All of another folder is news.
        let relevant = std::mem::take(&mut self.relevant) | std::mem::take(&mut self.moved);
        let open = self.build.as_ref().is_some_and(|build| !build.fixed);
        if open || self.built == Some(self.source) {
            if relevant && !open { Comparison::Same } else { Comparison::Nothing }
        } else if self.tagged == Some(self.source) {
            Comparison::Tagged
        } else {
            Comparison::Changed { unsure: self.source == 0 }
        }
    }

    /// Ends a build that would mix two folders; whether it was one.
    fn refuse(&mut self) -> bool {
        if !self
            .build
            .as_ref()
            .is_some_and(|build| build.elsewhere && !build.fixed && !build.struck && !build.cancelled)
        {
            return false;
        }
        self.build = None;
        // Its look has taken in where the source is.
        (self.moved, self.relevant, self.built) = (false, true, self.tagged);
        self.feed(Input::BuildEnded { end: BuildEnd::SourceMoved, image: None });
        true
    }

    fn end(&mut self, good: bool) {
        if self.refuse() {
            return;
        }
        let Some(build) = self.build.take() else { return };
        if build.struck || self.engine_gone {
            return self.feed(Input::BuildEnded { end: BuildEnd::EngineFailed, image: None });
        }
        if build.cancelled {
            self.built = self.tagged;
            return self.feed(Input::BuildEnded { end: BuildEnd::Cancelled, image: None });
        }
        self.cancelled_in_a_row = 0;
        if !build.fixed {
            self.built = Some(self.source);
        }
        let mut image = None;
        if good {
            self.tagged = self.built;
            self.images += 1;
            self.tag = format!("ours-{}", self.images);
            image = Some(self.tag.clone());
            self.contents.extend(image.clone().zip(self.tagged));
            self.tag_event();
        }
        self.feed(Input::BuildEnded { end: BuildEnd::Done, image });
    }

    fn tag_event(&mut self) {
        self.engine_event(Input::ImageEvent { name: TAG.to_owned(), id: self.tag.clone(), removed: false });
    }

    /// An event; one between two streams comes with the next one.
    fn engine_event(&mut self, event: Input) {
        if self.stream { self.feed(event) } else { self.missed.push(event) }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(deadline) = self.decider.deadline().filter(|deadline| *deadline <= until) {
            self.now = self.now.max(deadline);
            if let Some(burst) = self.events {
                self.feed(Input::FsEvents(burst));
            }
            self.feed(Input::Tick);
            self.answer_all();
        }
        self.now = self.now.max(until);
    }

    fn note_events(&mut self) {
        let now = self.now;
        let before = self.events.unwrap_or(Burst { first: now, last: now, paths: 0, finished: true });
        let burst = Burst { last: now, paths: before.paths + 1, ..before };
        self.events = Some(burst);
        self.relevant = true;
        self.saved_since_move = true;
        self.feed(Input::FsEvents(burst));
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Save(source) => {
                self.set_source(source);
                self.note_events();
            }
            Happening::Touch => self.note_events(),
            Happening::Wait(time) => self.pass(millis(time)),
            Happening::Answer => self.answer_all(),
            Happening::Fix if self.refuse() => {}
            Happening::Fix => {
                if let Some(build) = &mut self.build
                    && !std::mem::replace(&mut build.fixed, true)
                {
                    self.built = Some(self.source);
                }
            }
            Happening::End(good) => self.end(good),
            Happening::Builder => {
                self.builder += 1;
                self.engine_event(Input::ImageEvent { name: BUILDER.to_owned(), id: "any".to_owned(), removed: false });
            }
            Happening::MoveTag if !self.engine_gone => {
                self.tag = "theirs".to_owned();
                self.saved_since_move = false;
                self.tag_event();
            }
            Happening::MoveTag => {}
            Happening::Pause => {
                self.paused = !self.paused;
                self.feed(Input::TogglePause);
            }
            Happening::EngineGone => {
                self.engine_gone = true;
                self.missed.clear();
                if let Some(build) = &mut self.build {
                    build.struck = true;
                }
                if std::mem::take(&mut self.stream) {
                    self.feed(Input::StreamEnded { lasted: millis(60_000) });
                }
            }
            Happening::EngineBack => self.engine_gone = false,
            Happening::Git(busy) => self.git_busy = busy,
            Happening::Retarget(source) => {
                self.set_source(source);
                self.moved = true;
                if let Some(build) = &mut self.build {
                    build.elsewhere |= !build.fixed;
                }
            }
            Happening::Readable(readable) => self.readable = readable,
            Happening::Ask(source) => {
                self.set_source(source);
                let id = self.asked.last_key_value().map_or(0, |(last, _)| last + 1);
                self.asked.insert(id, BTreeSet::from([source]));
                let look = self.decider.ask_for_look(self.now);
                self.waiters.asked(id, look);
            }
        }
    }

    /// Lets everything come to rest: no more saves, all works again, all builds succeed.
    fn rest(&mut self) {
        self.git_busy = false;
        self.readable = true;
        self.happen(Happening::EngineBack);
        if self.paused {
            self.happen(Happening::Pause);
        }
        for _ in 0..12 {
            self.answer_all();
            self.pass(millis(40_000));
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
        on_busy in on_busy(), happenings in prop::collection::vec(happening(), 0..80),
    ) {
        let mut world = World::new(on_busy);
        happenings.into_iter().for_each(|happening| world.happen(happening));
        world.rest();
        prop_assert!(world.build.is_none() && world.questions.is_empty() && world.decider.deadline_but_path().is_none());
        // A source whose build failed is not built again before it changes.
        prop_assert!(world.tagged == Some(world.source) || world.built == Some(world.source));
        prop_assert_eq!(world.built_with, world.builder);
        prop_assert!(world.stream);
        prop_assert!(world.asked.is_empty(), "{:?}", world.asked);
    }

    #[test]
    fn without_failures_the_tag_is_on_the_last_save_for_sure(
        on_busy in on_busy(), happenings in prop::collection::vec(happening(), 0..80),
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
        prop_assert!(!world.saved_since_move || world.tag.starts_with("ours"), "{}", world.tag);
        // A tag that another program moved is taken back by the next save, whatever it saves.
        world.happen(Happening::Touch);
        world.rest();
        prop_assert!(world.tag.starts_with("ours"), "{}", world.tag);
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
        world.feed(Input::Stop(WatchEnd::Asked));
        world.end(true);
        prop_assert!(world.left && world.build.is_none());
        let answers = world.waiters.end();
        world.take_answers(answers);
        prop_assert!(world.asked.is_empty());
    }
}
