//! Every decision of a watch, from what happened and when to what is to be done: no process, no file, no clock.

pub mod action;
mod activity;
mod engine;
pub mod git_wait;
mod images;
pub mod input;
mod looks;
pub mod standing;
mod tag_question;

use std::time::{Duration, Instant};

use super::known_images::KnownImages;
use crate::settings::watch::{OnBusy, WatchSettings};
use action::{Action, BuildOrder, Note};
use activity::{Build, Work};
use engine::{EngineAnswer, EngineState};
use input::{BuildEnd, Comparison, Demand, Input, Look, WatchEnd};
use looks::Looks;
use tag_question::TagQuestion;

/// Why a standby is of no use when the source means another folder.
pub const ANOTHER_FOLDER: &str = "the source is another folder";

/// The state of a watch.
pub struct Decider {
    on_busy: OnBusy,
    looks: Looks,
    engine: EngineState,
    known: KnownImages,
    work: Work,
    last_was_cancelled: bool,
    /// The source is to be looked at when the build ends, or can be made.
    pending: bool,
    demand: Option<Demand>,
    /// The tag is not on the image of the last build any more: another program moved it.
    tag_moved: bool,
    /// What is asked about the tag.
    tag_question: TagQuestion,
    /// What a look found that counts only if the tag has moved, which only the engine can say.
    undecided: Option<Comparison>,
    paused: bool,
    end: Option<WatchEnd>,
}

impl Decider {
    /// A watch that begins at `now` and has nothing to do yet. Where there are no events (`polling`), everything is looked at
    /// now and then.
    pub fn new(settings: &WatchSettings, polling: bool, known: KnownImages, now: Instant) -> Self {
        Self {
            on_busy: settings.on_busy,
            looks: Looks::new(settings.debounce, settings.poll_interval(), polling, now),
            engine: EngineState::default(),
            known,
            work: Work::Idle,
            last_was_cancelled: false,
            pending: false,
            demand: None,
            tag_moved: false,
            tag_question: TagQuestion::default(),
            undecided: None,
            paused: false,
            end: None,
        }
    }

    /// When an [`Input::Tick`] is due, if nothing happens before.
    pub fn deadline(&self) -> Option<Instant> {
        [self.looks.deadline(), self.engine.deadline()].into_iter().flatten().min()
    }

    /// Like [`deadline`](Self::deadline), but for the question for the path, which is asked for ever.
    #[cfg(test)]
    fn deadline_but_path(&self) -> Option<Instant> {
        [self.looks.deadline_but_path(), self.engine.deadline()].into_iter().flatten().min()
    }

    /// How the run ends, once it is to end.
    pub fn end(&self) -> Option<&WatchEnd> {
        self.end.as_ref()
    }

    /// The builder's id for a message.
    pub fn short_builder(&self) -> &str {
        self.known.short_builder()
    }

    /// Takes in what happened at `now`; what to do.
    pub fn on(&mut self, input: Input, now: Instant) -> Vec<Action> {
        if self.end.is_some() && !matches!(input, Input::BuildEnded { .. }) {
            return Vec::new();
        }
        let actions = self.take_in(input, now);
        self.engine.note_build(self.is_building(), now);
        actions
    }

    fn take_in(&mut self, input: Input, now: Instant) -> Vec<Action> {
        match input {
            Input::FsEvents(burst) => {
                self.looks.note(burst);
                Vec::new()
            }
            Input::Tick => {
                let mut actions = self.engine.tick(now);
                // The engine keeps few events, so those of the pause before may be lost.
                if actions.contains(&Action::Listen) {
                    actions.extend(self.tag_question.ask_with_builder());
                }
                actions.into_iter().chain(self.looks.tick(now)).collect()
            }
            Input::GitBusy(lock) => self.looks.git(lock, now).into_iter().collect(),
            Input::PathAsked { changed } => {
                self.looks.path_asked(changed, now);
                self.look_again(now)
            }
            Input::Looked(look) => self.looked(look, now),
            Input::LookFailed(why) => {
                let note = self.looks.failed(why, now).map(Action::Report);
                note.into_iter().chain(self.compared(Comparison::Nothing)).collect()
            }
            Input::BuildEnded { end, image } => self.build_ended(end, image, now),
            Input::Demanded(demand) => self.demanded(demand),
            Input::TogglePause => self.toggle_pause(now),
            Input::ImageEvent { name, id, removed } => self.image_event(&name, id, removed),
            Input::ImageMade => self.tag_question.ask_with_builder().into(),
            Input::ImageIs { name, id } => self.image_is(name, id),
            Input::NoAnswer(name) => {
                self.tag_question.not_answered(name);
                self.engine.ask().into_iter().collect()
            }
            Input::EngineIs(engine) => {
                let other = self.known.engine_is(engine);
                other.then_some(Action::Report(Note::OtherEngine)).into_iter().collect()
            }
            Input::StreamEnded { lasted } => self.stream_ended(lasted),
            Input::EngineAnswered(yes) => self.engine_answered(yes, now),
            Input::Stop(how) => {
                self.end = Some(how);
                vec![if self.is_building() { Action::Cancel } else { Action::Leave }]
            }
        }
    }

    fn is_building(&self) -> bool {
        matches!(self.work, Work::Building(_))
    }

    fn looked(&mut self, look: Look, now: Instant) -> Vec<Action> {
        let renew = look.moved.then_some(Action::RenewStandby(ANOTHER_FOLDER));
        let mut actions: Vec<_> = renew.into_iter().collect();
        if let Some(comparison) = self.looks.looked(look, now) {
            actions.extend(self.compared(comparison));
        }
        actions.extend(self.look_again(now));
        actions
    }

    /// Looks, if that was wanted while something else was asked.
    fn look_again(&mut self, now: Instant) -> Vec<Action> {
        if self.looks.take_again() { self.looks.request(now).into_iter().collect() } else { Vec::new() }
    }

    fn compared(&mut self, comparison: Comparison) -> Vec<Action> {
        if self.depends_on_tag(comparison) {
            self.undecided = Some(comparison);
            return Vec::new();
        }
        if comparison != Comparison::Nothing {
            // What an earlier look found counts no more.
            self.undecided = None;
        }
        // What lost the tag to another program has it no more.
        let tagged = comparison == Comparison::Tagged && !self.tag_moved;
        match comparison {
            Comparison::Changed { .. } | Comparison::Tagged if !tagged => {
                self.pending = true;
                self.want()
            }
            // What the build under way is made of does not help when it is going to be cancelled.
            Comparison::Nothing | Comparison::Same if self.is_cancelling() => {
                self.pending = true;
                Vec::new()
            }
            // A save of what was built, whose image lost the tag to another program.
            Comparison::Nothing | Comparison::Same if self.takes_tag_back(comparison) => {
                self.demanded(Demand::TagMoved)
            }
            Comparison::Nothing | Comparison::Same => {
                let was_pending = std::mem::take(&mut self.pending);
                let report = comparison == Comparison::Same && !was_pending;
                report.then_some(Action::Report(Note::Same)).into_iter().chain(self.want()).collect()
            }
            Comparison::Tagged if self.work != Work::Idle => {
                // The build under way would move the tag away from it.
                self.pending = true;
                self.want()
            }
            Comparison::Changed { .. } | Comparison::Tagged => {
                self.pending = false;
                [Action::Report(Note::Tagged)].into_iter().chain(self.want()).collect()
            }
        }
    }

    /// Whether the engine has to say first where the tag is: there is a save of something that was built.
    fn depends_on_tag(&self, comparison: Comparison) -> bool {
        let save_of_what_was_built = match comparison {
            Comparison::Changed { .. } => false,
            Comparison::Tagged | Comparison::Same => true,
            Comparison::Nothing => self.pending,
        };
        let unknown = self.tag_question.is_open() || self.engine.is_gone() || self.engine.may_be_gone();
        save_of_what_was_built && unknown && self.work == Work::Idle && !self.tag_moved
    }

    /// Decides what had to wait for the engine.
    fn decide_undecided(&mut self) -> Vec<Action> {
        self.undecided.take().map(|comparison| self.compared(comparison)).unwrap_or_default()
    }

    fn takes_tag_back(&self, comparison: Comparison) -> bool {
        let saved = self.pending || comparison == Comparison::Same;
        self.tag_moved && self.work == Work::Idle && saved
    }

    fn is_cancelling(&self) -> bool {
        matches!(self.work, Work::Building(Build { cancelled: true, .. }))
    }

    fn demanded(&mut self, demand: Demand) -> Vec<Action> {
        self.demand = Some(demand);
        self.want()
    }

    /// What to do when a build is wanted, or may be.
    fn want(&mut self) -> Vec<Action> {
        if !self.pending && self.demand.is_none() {
            return Vec::new();
        }
        let on_busy = self.on_busy;
        match &mut self.work {
            Work::Idle if self.paused || self.engine.is_gone() => Vec::new(),
            Work::Idle => vec![self.start_build()],
            Work::InDoubt(_) => Vec::new(),
            Work::Building(build) => {
                let cancels = match on_busy {
                    OnBusy::Auto => !build.protected,
                    OnBusy::Queue => false,
                    OnBusy::Restart => true,
                };
                if cancels && !std::mem::replace(&mut build.cancelled, true) {
                    vec![Action::Cancel]
                } else {
                    Vec::new()
                }
            }
        }
    }

    fn start_build(&mut self) -> Action {
        (self.pending, self.undecided) = (false, None);
        let (protected, lost_engine) = (self.last_was_cancelled, self.engine.may_be_gone());
        let demand = self.demand.take();
        self.work = Work::Building(Build { demand, protected, lost_engine, ..Build::default() });
        Action::Build(BuildOrder {
            demand,
            previous: self.known.previous(demand == Some(Demand::AskedClean)),
            unless_current: demand == Some(Demand::First) && self.known.take_has_digest(),
            saved: self.looks.take_saved(),
        })
    }

    fn build_ended(&mut self, end: BuildEnd, image: Option<String>, now: Instant) -> Vec<Action> {
        let Work::Building(build) = std::mem::replace(&mut self.work, Work::Idle) else { return Vec::new() };
        // Our own moves come back as events, too.
        let foreign = build.tag_event.as_ref().is_some_and(|(id, removed)| *removed || image.as_ref() != Some(id));
        if let Some(id) = image {
            self.known.tag_moved(id);
            self.tag_moved = false;
        }
        // A protected build that the engine took along is protected when it is made again.
        self.last_was_cancelled =
            (build.cancelled || build.protected) && !matches!(end, BuildEnd::Done | BuildEnd::NotNeeded);
        if self.end.is_some() {
            return vec![Action::Leave];
        }
        let ask = foreign.then(|| self.tag_question.ask());
        let mut actions = match end {
            BuildEnd::Done | BuildEnd::Cancelled => self.catch_up(now),
            BuildEnd::NotNeeded => [Action::Report(Note::Tagged)].into_iter().chain(self.catch_up(now)).collect(),
            BuildEnd::SourceMoved => {
                // The build is still wanted, of the other folder.
                self.pending = true;
                self.demand = self.demand.or(build.demand);
                self.catch_up(now)
            }
            BuildEnd::EngineFailed => self.engine_failed(build, now),
        };
        actions.extend(ask);
        actions
    }

    fn engine_failed(&mut self, build: Build, now: Instant) -> Vec<Action> {
        if self.engine.is_gone() {
            return self.lost_with_engine(now);
        }
        self.work = Work::InDoubt(build);
        self.engine.ask().into_iter().collect()
    }

    /// The build that the engine took along is made again when it is back.
    fn lost_with_engine(&mut self, now: Instant) -> Vec<Action> {
        self.demand.get_or_insert(Demand::Engine);
        self.catch_up(now)
    }

    /// The build under way cannot end well any more, even if the engine is back when it ends.
    fn note_lost_engine(&mut self) {
        if let Work::Building(build) | Work::InDoubt(build) = &mut self.work {
            build.lost_engine = true;
        }
    }

    fn stream_ended(&mut self, lasted: Duration) -> Vec<Action> {
        self.note_lost_engine();
        self.engine.stream_ended(lasted).into_iter().collect()
    }

    fn engine_answered(&mut self, yes: bool, now: Instant) -> Vec<Action> {
        let answer = self.engine.answered(yes, now);
        let mut actions: Vec<_> = self.engine.listen(now).into_iter().collect();
        actions.extend(self.react_to(answer));
        match std::mem::replace(&mut self.work, Work::Idle) {
            Work::InDoubt(build) if build.lost_engine => actions.extend(self.lost_with_engine(now)),
            Work::InDoubt(build) => {
                // The failure was the build's own: it is over.
                self.last_was_cancelled = build.cancelled;
                actions.extend(self.catch_up(now));
            }
            work => {
                self.work = work;
                if answer == EngineAnswer::Back {
                    actions.extend(self.catch_up(now));
                }
            }
        }
        actions
    }

    fn react_to(&mut self, answer: EngineAnswer) -> Vec<Action> {
        match answer {
            EngineAnswer::There if self.tag_question.take_retry() => vec![self.tag_question.ask()],
            EngineAnswer::There => self.decide_undecided(),
            EngineAnswer::StillGone => Vec::new(),
            EngineAnswer::Gone => {
                self.note_lost_engine();
                vec![Action::Report(Note::EngineGone)]
            }
            // No event tells what happened to the images meanwhile, so both are looked at.
            EngineAnswer::Restarted => {
                [Action::AskIdentity].into_iter().chain(self.tag_question.ask_with_builder()).collect()
            }
            EngineAnswer::Back => {
                let renew = Action::RenewStandby("the engine was restarted");
                [Action::Report(Note::EngineBack), renew, Action::AskIdentity]
                    .into_iter()
                    .chain(self.tag_question.ask_with_builder())
                    .collect()
            }
        }
    }

    fn toggle_pause(&mut self, now: Instant) -> Vec<Action> {
        self.paused = !self.paused;
        if self.paused {
            return vec![Action::Report(Note::Paused)];
        }
        [Action::Report(Note::Resumed)].into_iter().chain(self.catch_up(now)).collect()
    }

    /// Does what had to wait.
    fn catch_up(&mut self, now: Instant) -> Vec<Action> {
        if self.demand.is_some() {
            return self.want();
        }
        // The source may be back to what the tag has, so it is looked at first.
        let held = self.work != Work::Idle || self.paused || self.engine.is_gone();
        if self.pending && !held { self.looks.request(now).into_iter().collect() } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests;
