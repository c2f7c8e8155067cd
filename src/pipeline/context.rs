//! The context that all builds of a run share, and the progress of one build.

use std::time::{Duration, Instant};

use super::cache::state::Caches;
use super::cache::trust::Use;
use super::source_in::SourceIn;
use crate::engine::cli::Engine;
use crate::report::Reporter;
use crate::run_lock::RunLock;
use crate::settings::Job;

/// A phase that is usually too short to matter is reported on its own only if it takes longer than this: chosen so that
/// it exceeds the variation of the phase before it.
const MIN_REPORTED_PHASE: Duration = Duration::from_millis(20);

/// The settings and handles that all builds of a run share.
#[derive(Clone)]
pub struct BuildContext<'a> {
    pub job: &'a Job,
    pub engine: Engine,
    pub run_lock: &'a RunLock,
    pub reporter: &'a Reporter,
    /// Where the source is in the build container, unless it is mounted.
    pub source_in: SourceIn,
    pub caches: &'a Caches,
}

impl<'a> BuildContext<'a> {
    /// The context for `job`. Where the source is, as far as the job leaves it open, is up to each build.
    pub fn new(
        job: &'a Job,
        engine: Engine,
        run_lock: &'a RunLock,
        reporter: &'a Reporter,
        caches: &'a Caches,
    ) -> Self {
        Self { job, engine, run_lock, reporter, caches, source_in: SourceIn::default() }
    }
}

/// How far a build got, and how long its phases took; also known of a build that failed.
pub struct Progress {
    /// Names and durations, in the order in which the phases first ended.
    pub phases: Vec<(&'static str, Duration)>,
    /// The exit status of `assemble`, once it has ended.
    pub assemble_status: Option<i32>,
    pub assemble_started: bool,
    /// The output of `assemble` has the words of an error that a source in memory may be the cause of.
    pub blames_memory: bool,
    /// What the last `assemble` had of caches.
    pub caches: Use,
    phase_started: Instant,
}

impl Progress {
    /// The progress of a build whose first phase starts now.
    pub fn new() -> Self {
        Self::since(Instant::now())
    }

    /// The progress of a build whose first phase started at `begin`.
    pub fn since(begin: Instant) -> Self {
        Self {
            phases: Vec::new(),
            assemble_status: None,
            assemble_started: false,
            blames_memory: false,
            caches: Use::Nothing,
            phase_started: begin,
        }
    }

    /// Records that `phase` ended now; it started when the phase before it ended. The durations of a repeated phase add
    /// up.
    pub fn note(&mut self, phase: &'static str) {
        let now = Instant::now();
        match self.phases.iter_mut().find(|(name, _)| *name == phase) {
            Some((_, took)) => *took += now - self.phase_started,
            None => self.phases.push((phase, now - self.phase_started)),
        }
        self.phase_started = now;
    }

    /// How long a phase took, if it has ended.
    pub fn took(&self, phase: &str) -> Option<Duration> {
        self.phases.iter().find(|(name, _)| *name == phase).map(|(_, took)| *took)
    }

    /// Records that `next` ended now, which follows `phase`. If it was short, or `phase` was not recorded yet, its
    /// duration is added to `phase`.
    pub fn note_following(&mut self, phase: &'static str, next: &'static str) {
        let noted = self.phases.iter().any(|(name, _)| *name == phase);
        self.note(if noted && self.phase_started.elapsed() > MIN_REPORTED_PHASE { next } else { phase });
    }
}
