//! The rows of the table: what is measured, and what it must keep to.

use crate::bench::bar::{Bar, Unit};
use crate::bench::table::RowInfo;

/// What is measured. The order is that of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    Save,
    Start,
    SameTag,
    Naive,
    Failures,
    Downloads,
    Requests,
    Idle,
    IdleFiles,
}

impl Row {
    pub const ALL: [Self; 9] = [
        Self::Save,
        Self::Start,
        Self::SameTag,
        Self::Naive,
        Self::Failures,
        Self::Downloads,
        Self::Requests,
        Self::Idle,
        Self::IdleFiles,
    ];

    /// What `--only` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Save => "save",
            Self::Start => "start",
            Self::SameTag => "same-tag",
            Self::Naive => "naive",
            Self::Failures => "failures",
            Self::Downloads => "downloads",
            Self::Requests => "requests",
            Self::Idle => "idle",
            Self::IdleFiles => "idle-files",
        }
    }

    /// What the table says of it. The bars are the targets that the project set itself.
    pub fn info(self) -> RowInfo {
        let (description, unit, bar) = match self {
            Self::Save => (
                "save to answer: watch --run / on every save `minis2i build`, `docker rm -f`, `docker run -d`",
                Unit::Ratio,
                Some(Bar::AtMost(0.6)),
            ),
            Self::Start => {
                ("tag to answer: watch --run / a bare `docker run -d -p`", Unit::Ratio, Some(Bar::AtMost(1.15)))
            }
            Self::SameTag => {
                ("save to answer: watch --run / watch with the same two commands as its hook", Unit::Ratio, None)
            }
            Self::Naive => ("save to answer: watch --run / a chain of CLI calls on every save", Unit::Ratio, None),
            Self::Failures => {
                ("requests that failed, one every 5 ms while saving", Unit::Count, Some(Bar::AtMost(0.0)))
            }
            Self::Downloads => {
                ("large downloads: speed through the forwarder / docker's port", Unit::Ratio, Some(Bar::AtLeast(0.8)))
            }
            Self::Requests => (
                "keep-alive requests: speed through the forwarder / docker's port",
                Unit::Ratio,
                Some(Bar::AtLeast(0.8)),
            ),
            Self::Idle => ("1,000 idle connections: processor time in 10 s", Unit::Milliseconds, None),
            Self::IdleFiles => ("1,000 idle connections: open files", Unit::Count, None),
        };
        RowInfo { name: self.name(), description, unit, bar, beyond: None }
    }
}
