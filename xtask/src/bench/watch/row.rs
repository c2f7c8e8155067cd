//! The rows of the table: what is measured, and what it must not exceed.

use crate::bench::bar::{Bar, Unit};
use crate::bench::table::RowInfo;

/// What is measured. The order is that of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    Pair,
    Commit,
    Tree,
    Fresh,
    Preparing,
    Artifacts,
    Endurance,
    Memory,
    Ready,
    Idle,
    IdleMemory,
}

impl Row {
    pub const ALL: [Self; 11] = [
        Self::Pair,
        Self::Commit,
        Self::Tree,
        Self::Fresh,
        Self::Preparing,
        Self::Artifacts,
        Self::Endurance,
        Self::Memory,
        Self::Ready,
        Self::Idle,
        Self::IdleMemory,
    ];

    /// What `--only` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pair => "pair",
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Fresh => "fresh",
            Self::Preparing => "preparing",
            Self::Artifacts => "artifacts",
            Self::Endurance => "endurance",
            Self::Memory => "memory",
            Self::Ready => "ready",
            Self::Idle => "idle",
            Self::IdleMemory => "idle-memory",
        }
    }

    pub fn description(self) -> &'static str {
        match self {
            Self::Pair => "sample pair: watch / baseline on every save",
            Self::Commit => "sample pair: (save to tag - settle - assemble) / bare `docker commit`",
            Self::Tree => "one-line edit among 20,000 files: watch / watch of the sample pair",
            Self::Fresh => "the same edit: watch / a fresh `minis2i build`",
            Self::Preparing => "save while the standby is prepared / a fresh incremental build",
            Self::Artifacts => "200 MB of artifacts / none, both without the commit",
            Self::Endurance => "saves in a row: kinds of things that grew",
            Self::Memory => "100,000 files: most memory",
            Self::Ready => "100,000 ignored files: start to watching",
            Self::Idle => "100,000 files: processor time while idle",
            Self::IdleMemory => "100,000 files: memory while idle",
        }
    }

    /// What the table says of it.
    pub fn info(self) -> RowInfo {
        let (bar, beyond) = self.limits();
        RowInfo {
            name: self.name(),
            description: self.description(),
            unit: self.unit(),
            bar: Some(self.bar(bar)),
            beyond: beyond.map(|beyond| self.bar(beyond)),
        }
    }

    /// What must not be exceeded, and the tighter limit that is aimed at. They are the targets that the project set itself.
    fn limits(self) -> (f64, Option<f64>) {
        match self {
            Self::Pair => (0.25, Some(0.18)),
            Self::Commit => (1.8, Some(1.4)),
            Self::Tree => (2.5, Some(1.5)),
            Self::Fresh => (0.15, Some(0.08)),
            Self::Preparing => (1.1, Some(1.0)),
            Self::Artifacts => (1.3, Some(1.1)),
            Self::Endurance | Self::Idle => (0.0, None),
            Self::Memory => (60.0, Some(40.0)),
            Self::Ready => (1.0, None),
            Self::IdleMemory => (30.0, None),
        }
    }

    fn bar(self, limit: f64) -> Bar {
        match self.unit() {
            Unit::Seconds | Unit::Mebibytes => Bar::Under(limit),
            _ => Bar::AtMost(limit),
        }
    }

    fn unit(self) -> Unit {
        match self {
            Self::Endurance => Unit::Count,
            Self::Memory | Self::IdleMemory => Unit::Mebibytes,
            Self::Ready => Unit::Seconds,
            Self::Idle => Unit::Ticks,
            _ => Unit::Ratio,
        }
    }
}
