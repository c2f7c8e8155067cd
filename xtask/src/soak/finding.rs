//! What a soak finds.

use std::fmt;

/// The kind of a fault of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The tag does not hold what a fresh build holds.
    Stale,
    /// Something of minis2i's is there that should not be.
    Leftover,
    /// A `build-started` without `build-finished`, or the other way round.
    Unpaired,
    /// More memory, files or threads than after the first minute.
    Grown,
    /// A signal did not end a watch in time, or not with its status.
    BadEnd,
    /// A watch ended though it was not asked to, or spoke where it should not.
    Broken,
}

impl Kind {
    pub const ALL: [Self; 6] = [Self::Stale, Self::Leftover, Self::Unpaired, Self::Grown, Self::BadEnd, Self::Broken];

    pub fn name(self) -> &'static str {
        match self {
            Self::Stale => "stale tags",
            Self::Leftover => "leftovers",
            Self::Unpaired => "unpaired messages",
            Self::Grown => "watches that grew",
            Self::BadEnd => "signals not obeyed",
            Self::Broken => "watches that broke",
        }
    }
}

/// One fault, in one sentence.
#[derive(Clone, Debug)]
pub struct Finding {
    pub kind: Kind,
    pub text: String,
}

impl Finding {
    pub fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.text)
    }
}
