//! What a build works with, and what is known of it when it ends.

use std::time::{Duration, Instant};

use crate::engine::cli::Engine;
use crate::report::Reporter;
use crate::run_lock::RunLock;
use crate::settings::Job;

/// A phase that follows another one is told apart from it when it takes longer than this: a shorter one is within the noise
/// of the one before.
const NOTABLE: Duration = Duration::from_millis(20);

/// What all builds of a run share.
#[derive(Clone)]
pub struct BuildContext<'a> {
    pub job: &'a Job,
    pub engine: Engine,
    pub run_lock: &'a RunLock,
    pub reporter: &'a Reporter,
}

/// What is known of a build when it ends, well or not.
pub struct Progress {
    pub phases: Vec<(&'static str, Duration)>,
    pub assemble_status: Option<i32>,
    pub assemble_started: bool,
    since: Instant,
}

impl Progress {
    /// Of a build whose first phase begins now.
    pub fn new() -> Self {
        Self::since(Instant::now())
    }

    /// Of a build whose first phase began at `begin`.
    pub fn since(begin: Instant) -> Self {
        Self { phases: Vec::new(), assemble_status: None, assemble_started: false, since: begin }
    }

    /// Notes that a phase ended now, which began when the one before ended. One that comes again goes on.
    pub fn note(&mut self, phase: &'static str) {
        let now = Instant::now();
        match self.phases.iter_mut().find(|(known, _)| *known == phase) {
            Some((_, took)) => *took += now - self.since,
            None => self.phases.push((phase, now - self.since)),
        }
        self.since = now;
    }

    /// Notes that `after`, which follows a phase that was noted, ended now; as a part of that phase if it is not worth a
    /// line of its own, or that phase was not noted.
    pub fn note_rest(&mut self, phase: &'static str, after: &'static str) {
        let noted = self.phases.iter().any(|(known, _)| *known == phase);
        self.note(if noted && self.since.elapsed() > NOTABLE { after } else { phase });
    }
}
