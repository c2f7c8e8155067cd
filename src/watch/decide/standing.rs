//! Where a watch stands, for those who wait for its tag to be up to date.

use std::time::Instant;

use super::Decider;
use super::activity::Work;

/// Whether there is more to come before the tag is on an image of the source as it was last compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A build is under way or about to begin, something has to be asked first, or the run ends.
    Busy,
    /// A build is needed, and builds are paused.
    Paused,
    /// The engine does not answer.
    EngineGone,
    /// There is nothing to do: the tag is on an image of that source, or the newest build, which was made of it, failed.
    Settled {
        /// Another program moved the tag.
        tag_moved: bool,
    },
}

/// What a waiter's answer depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub standing: Standing,
    /// The number of the last look that was compared.
    pub compared: u64,
    /// That look found the source back at what the tag has, and nothing was built since.
    pub is_tagged: bool,
    /// The image that has the tag.
    pub tagged: Option<String>,
}

impl Decider {
    /// Has the source looked at soon, as after a save; the number of the first look that begins from now on.
    pub fn ask_for_look(&mut self, now: Instant) -> u64 {
        self.looks.ask(now)
    }

    /// The number of the last look that has begun.
    pub fn looks_begun(&self) -> u64 {
        self.looks.begun()
    }

    /// What a waiter's answer depends on, after the last decision.
    pub fn facts(&self) -> Facts {
        let tagged = self.known.tagged().map(str::to_owned);
        let is_tagged = self.looks.is_tagged();
        Facts { standing: self.standing(), compared: self.looks.compared(), is_tagged, tagged }
    }

    fn standing(&self) -> Standing {
        // A question that the engine never answers is not waited for.
        let unsure = self.tag_question.is_asking() || self.undecided.is_some() && self.engine.may_be_gone();
        match self.work {
            // All who still wait are told that the run ends.
            _ if self.end.is_some() => Standing::Busy,
            Work::Building(_) | Work::InDoubt(_) => Standing::Busy,
            Work::Idle if self.engine.is_gone() => Standing::EngineGone,
            Work::Idle if self.pending || self.demand.is_some() => {
                if self.paused {
                    Standing::Paused
                } else {
                    Standing::Busy
                }
            }
            Work::Idle if unsure => Standing::Busy,
            Work::Idle => Standing::Settled { tag_moved: self.tag_moved },
        }
    }
}
