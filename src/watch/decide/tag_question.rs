//! Whether it is known which image the tag is on: not while the engine is being asked, nor after it did not say.

use super::action::Action;
use crate::watch::known_images::Name;

/// The question which image the tag is on.
#[derive(Debug, Default)]
pub struct TagQuestion {
    /// How often the engine is being asked.
    asked: u32,
    not_answered: bool,
    /// A question that was not answered was asked again.
    retried: bool,
}

impl TagQuestion {
    pub fn ask(&mut self) -> Action {
        self.asked += 1;
        Action::AskImage(Name::Tag)
    }

    /// Asks about the builder, too.
    pub fn ask_with_builder(&mut self) -> [Action; 2] {
        [Action::AskImage(Name::Builder), self.ask()]
    }

    pub fn answered(&mut self) {
        *self = Self { asked: self.asked.saturating_sub(1), ..Self::default() };
    }

    /// The engine did not say which image this name is on.
    pub fn not_answered(&mut self, name: Name) {
        if name == Name::Tag {
            self.asked = self.asked.saturating_sub(1);
            self.not_answered = true;
        }
    }

    /// Whether an answer of the engine is still to come.
    pub fn is_asking(&self) -> bool {
        self.asked > 0
    }

    pub fn is_open(&self) -> bool {
        self.asked > 0 || self.not_answered
    }

    /// Whether to ask again, since the engine is there but did not answer: once, so that an engine that never answers this
    /// question is not asked without end.
    pub fn take_retry(&mut self) -> bool {
        let retry = std::mem::take(&mut self.not_answered) && !self.retried;
        self.retried |= retry;
        retry
    }
}
