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
    Many,
    ManyFresh,
    Start,
    Burst,
    Checkout,
    Two,
    Soon,
    Silent,
    Curve,
}

impl Row {
    pub const ALL: [Self; 20] = [
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
        Self::Many,
        Self::ManyFresh,
        Self::Start,
        Self::Burst,
        Self::Checkout,
        Self::Two,
        Self::Soon,
        Self::Silent,
        Self::Curve,
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
            Self::Many => "many",
            Self::ManyFresh => "many-fresh",
            Self::Start => "start",
            Self::Burst => "burst",
            Self::Checkout => "checkout",
            Self::Two => "two",
            Self::Soon => "soon",
            Self::Silent => "silent",
            Self::Curve => "curve",
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
            Self::Many => "one-line edit among 100,000 files: watch / watch of the sample pair",
            Self::ManyFresh => "the same edit: watch / a fresh `minis2i build`",
            Self::Start => "100,000 files: start to watching",
            Self::Burst => "1,000 to 50,000 new files under a standby, the worst: last event to tag / a fresh build",
            Self::Checkout => "`git checkout` that changes 2,000 of 20,000 files: last event to tag / a fresh build",
            Self::Two => "two watches saved at once / each alone",
            Self::Soon => "a save right after a build / one with the standby ready",
            Self::Silent => "second build with a `save-artifacts` that prints nothing / without one",
            Self::Curve => "100,000 files / one file: watch (the line of the chart)",
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
            Self::Tree => (1.4, Some(1.15)),
            Self::Fresh => (0.15, Some(0.08)),
            Self::Preparing => (1.1, Some(1.0)),
            Self::Artifacts => (1.3, Some(1.1)),
            Self::Endurance | Self::Idle => (0.0, None),
            Self::Memory => (45.0, Some(35.0)),
            Self::Ready => (1.0, None),
            Self::IdleMemory => (30.0, None),
            Self::Many => (2.5, Some(1.6)),
            Self::ManyFresh => (0.06, Some(0.03)),
            Self::Start => (1.0, Some(0.6)),
            Self::Burst => (1.3, Some(1.0)),
            Self::Checkout => (0.5, Some(0.3)),
            Self::Two => (1.3, Some(1.1)),
            Self::Soon => (1.25, None),
            Self::Silent => (1.05, None),
            Self::Curve => (2.5, Some(1.6)),
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
            Self::Ready | Self::Start => Unit::Seconds,
            Self::Idle => Unit::Ticks,
            _ => Unit::Ratio,
        }
    }
}
