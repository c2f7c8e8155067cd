//! Which way a build goes, and what makes it go another way.

use std::fmt::{self, Display, Formatter};
use std::io;

use super::images::Images;
use crate::contract::labels;
use crate::report::Reporter;
use crate::settings::Job;

/// Which way a build is prepared.
#[derive(Clone, Debug)]
pub struct Approach {
    /// Put a shell in the place of the builder's ENTRYPOINT.
    pub bypass: bool,
    pub incremental: bool,
    /// The builder has a shell, so that its container can be talked to.
    pub shell: bool,
    /// The container is to wait for the last bytes of its upload, for long maybe.
    pub waits: bool,
}

/// What stood in the way, and asks for another approach.
#[derive(Debug)]
pub enum Obstacle {
    /// The ENTRYPOINT does not run what it is given.
    Entrypoint,
    /// There is no shell.
    Shell,
    /// A container that is to wait can not unpack its upload itself.
    Tar,
    /// Bad artifacts got mixed with what the builder has in the same place.
    Artifacts,
    /// A file became a folder, or the other way round, while the source was sent.
    Replaced,
}

impl Approach {
    /// The straight way, as far as earlier builds showed it open.
    pub fn first(images: &Images) -> Self {
        let known = images.previous.as_ref().map(|image| &image.config.labels);
        let known = known.filter(|labels| labels.get(labels::BUILDER) == Some(&images.builder.id));
        let says =
            |label: &str, word: &str| known.and_then(|labels| labels.get(label)).is_some_and(|said| said == word);
        Self {
            bypass: says(labels::ENTRYPOINT, "bypassed"),
            incremental: images.previous.is_some(),
            shell: !says(labels::SHELL, "missing"),
            waits: false,
        }
    }

    /// Changes to a way around the obstacle, with a note where the user should know of it.
    pub fn avoid(&mut self, obstacle: Obstacle, reporter: &Reporter) {
        match obstacle {
            Obstacle::Entrypoint => {
                reporter.note("the builder's ENTRYPOINT does not run the command it is given; building without it");
                self.bypass = true;
            }
            Obstacle::Shell => self.shell = false,
            Obstacle::Tar => self.waits = false,
            Obstacle::Artifacts => self.incremental = false,
            Obstacle::Replaced => {}
        }
    }
}

/// Why something could not be done.
#[derive(Debug)]
pub enum Setback {
    /// Another approach can do it.
    Obstacle(Obstacle),
    /// It ends the build.
    Error(anyhow::Error),
}

impl From<Obstacle> for Setback {
    fn from(obstacle: Obstacle) -> Self {
        Self::Obstacle(obstacle)
    }
}

impl From<anyhow::Error> for Setback {
    fn from(error: anyhow::Error) -> Self {
        Self::Error(error)
    }
}

impl From<io::Error> for Setback {
    fn from(error: io::Error) -> Self {
        Self::Error(error.into())
    }
}

/// Why the container of a build, which is possible, can not wait for the last bytes of its upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CannotWait {
    /// Nothing in the image could wait.
    Shell,
    /// The engine has to unpack the upload, and lets nothing else touch the container as long as it does.
    Tar,
    /// The container to commit is that of a second stage.
    RuntimeImage,
}

impl Display for CannotWait {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "its container can not wait ({self:?})")
    }
}

impl std::error::Error for CannotWait {}

/// Why no container can wait, as far as it is known before one runs: of the job, and of earlier builds with the same
/// builder.
pub fn cannot_wait(job: &Job, images: &Images) -> Option<CannotWait> {
    if job.runtime.is_some() {
        return Some(CannotWait::RuntimeImage);
    }
    (!Approach::first(images).shell).then_some(CannotWait::Shell)
}
