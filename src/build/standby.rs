//! Which builds can have a container prepared ahead of time, waiting for the last bytes of its upload.

use std::fmt::{self, Display, Formatter};

use super::Ground;
use super::prepare::Approach;
use crate::settings::Job;

/// Why no container can wait for a build, which is possible nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoStandby {
    /// Nothing in the image could wait.
    Shell,
    /// The engine has to unpack the upload, and touches the container for nobody else as long as it does.
    Tar,
    /// The container to commit is that of a second stage.
    Runtime,
}

impl NoStandby {
    pub fn text(self) -> &'static str {
        match self {
            Self::Shell => "the builder has no shell",
            Self::Tar => "only the engine can unpack the source in this builder",
            Self::Runtime => "a runtime image is used",
        }
    }
}

impl Display for NoStandby {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for NoStandby {}

/// What is known of that before a container runs: of the job, and of earlier builds with the same builder.
pub fn no_standby(job: &Job, ground: &Ground) -> Option<NoStandby> {
    if job.runtime.is_some() {
        return Some(NoStandby::Runtime);
    }
    (!Approach::first(ground).shell).then_some(NoStandby::Shell)
}
