//! The job of a watch, once for each folder that its source has meant: what is under way keeps the folder that it began with.

use std::path::Path;
use std::sync::OnceLock;

use crate::settings::Job;

/// The job with the source in one folder, and with the source in others. None is forgotten, so that references stay good.
pub struct Jobs {
    pub job: Job,
    /// The same job without artifacts.
    pub clean: Job,
    next: OnceLock<Box<Jobs>>,
}

impl Jobs {
    pub fn new(job: Job) -> Self {
        let clean = Job { incremental: false, ..job.clone() };
        Self { job, clean, next: OnceLock::new() }
    }

    /// The jobs with the source in the folder `path`.
    pub fn at(&self, path: &Path) -> &Self {
        let mut jobs = self;
        while jobs.job.source.path != path {
            let moved = || Job { source: self.job.source.moved_to(path), ..self.job.clone() };
            jobs = jobs.next.get_or_init(|| Box::new(Self::new(moved())));
        }
        jobs
    }
}
