//! Decisions about images that the engine says something about.

use super::Decider;
use super::action::Action;
use super::activity::Work;
use super::input::Demand;
use crate::watch::known_images::Name;

impl Decider {
    pub(super) fn image_event(&mut self, name: &str, id: String, removed: bool) -> Vec<Action> {
        // What lost its last name is known by its id alone.
        let lost = (removed && self.known.is_tagged(&id)).then_some(Name::Tag);
        let Some(name) = self.known.name(name).or(lost) else { return Vec::new() };
        match (&mut self.work, name) {
            (_, Name::Builder) => vec![Action::AskImage(Name::Builder)],
            (Work::Building(build), Name::Tag) => {
                build.tag_event = Some((id, removed));
                Vec::new()
            }
            // Our own moves come back as events, too.
            (_, Name::Tag) if !removed && self.known.is_tagged(&id) => Vec::new(),
            (_, Name::Tag) => vec![self.tag_question.ask()],
        }
    }

    pub(super) fn image_is(&mut self, name: Name, id: Option<String>) -> Vec<Action> {
        match (name, id) {
            (Name::Builder, Some(id)) if self.known.builder_is(&id) => {
                let renew = Action::RenewStandby("the builder image changed");
                [renew].into_iter().chain(self.demanded(Demand::Builder)).collect()
            }
            (Name::Builder, _) => Vec::new(),
            (Name::Tag, id) => {
                self.tag_question.answered();
                if let Work::Building(build) = &mut self.work {
                    // It may be the move of this build; its end tells.
                    build.tag_event = Some((id.unwrap_or_default(), false));
                    return Vec::new();
                }
                if !self.known.tag_is(id) {
                    return self.decide_undecided();
                }
                self.tag_moved = true;
                let renew = Action::RenewStandby("the tag was moved by another program");
                [renew].into_iter().chain(self.decide_undecided()).collect()
            }
        }
    }
}
