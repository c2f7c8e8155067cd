//! How a build is prepared, and the obstacles that make it start over with another approach.

use std::fmt::{self, Display, Formatter};
use std::io;

use super::images::Images;
use crate::contract::labels;
use crate::engine::dialect::full_id;
use crate::report::Reporter;
use crate::settings::Job;

/// How a build is prepared.
#[derive(Clone, Debug)]
pub struct Approach {
    /// Run a shell instead of the builder's ENTRYPOINT.
    pub bypass: bool,
    /// Use the artifacts of the previous image.
    pub incremental: bool,
    /// The builder has a shell, which can unpack the upload and report its progress.
    pub shell: bool,
    /// The container is a standby, which waits for the last bytes of its upload for an unlimited time.
    pub waits: bool,
}

/// Why an approach did not work and another one is needed.
#[derive(Debug)]
pub enum Obstacle {
    /// The builder's ENTRYPOINT does not run the command it is given.
    Entrypoint,
    /// The builder has no shell.
    Shell,
    /// A standby cannot unpack its upload itself.
    Tar,
    /// Unusable artifacts were unpacked and cannot be removed, since the builder has files of its own in the same folder
    /// or has no shell.
    Artifacts,
    /// The source changed in a way that cannot be sent any more: a file became a folder or the other way round, or the
    /// container takes no changes at all.
    Replaced,
    /// The container has not the caches that it should have, or has some that it cannot use.
    Cache,
}

impl Approach {
    /// The approach to try first: the usual one, adapted to what labels of the previous image record about the same
    /// builder.
    pub fn first(images: &Images) -> Self {
        let labels = images.previous.as_ref().map(|image| &image.config.labels);
        let labels =
            labels.filter(|labels| labels.get(labels::BUILDER).is_some_and(|id| full_id(id) == images.builder.id));
        let has_label = |name: &str, expected: &str| {
            labels.and_then(|labels| labels.get(name)).is_some_and(|value| value == expected)
        };
        Self {
            bypass: has_label(labels::ENTRYPOINT, "bypassed"),
            incremental: images.previous.is_some(),
            shell: !has_label(labels::SHELL, "missing"),
            waits: false,
        }
    }

    /// Changes the approach so that it avoids the obstacle, with a note if the user should know.
    pub fn avoid(&mut self, obstacle: Obstacle, reporter: &Reporter) {
        match obstacle {
            Obstacle::Entrypoint => {
                reporter.note("the builder's ENTRYPOINT does not run the command it is given; building without it");
                self.bypass = true;
            }
            Obstacle::Shell => self.shell = false,
            Obstacle::Tar => self.waits = false,
            Obstacle::Artifacts => self.incremental = false,
            Obstacle::Replaced | Obstacle::Cache => {}
        }
    }
}

/// Why a build could not be prepared.
#[derive(Debug)]
pub enum PrepareError {
    /// Another approach may work.
    Obstacle(Obstacle),
    /// The error ends the build.
    Fatal(anyhow::Error),
}

impl From<Obstacle> for PrepareError {
    fn from(obstacle: Obstacle) -> Self {
        Self::Obstacle(obstacle)
    }
}

impl From<anyhow::Error> for PrepareError {
    fn from(error: anyhow::Error) -> Self {
        Self::Fatal(error)
    }
}

impl From<io::Error> for PrepareError {
    fn from(error: io::Error) -> Self {
        Self::Fatal(error.into())
    }
}

/// Why there can be no standby, although a build is possible: its container cannot wait for the last bytes of its
/// upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CannotWait {
    /// The builder has no shell that could wait.
    Shell,
    /// The engine has to unpack the upload, and locks the container while it does.
    Tar,
    /// The container that is committed is that of the second stage.
    RuntimeImage,
}

impl Display for CannotWait {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "its container cannot wait for an upload")
    }
}

impl std::error::Error for CannotWait {}

/// Why there can be no standby, as far as the job and the labels of the previous image show it before a container runs;
/// `None` if there may be one.
pub fn cannot_wait(job: &Job, images: &Images) -> Option<CannotWait> {
    if job.runtime.is_some() {
        return Some(CannotWait::RuntimeImage);
    }
    (!Approach::first(images).shell).then_some(CannotWait::Shell)
}
