//! The standby: a build that is prepared ahead of time, whose container waits for the last bytes of its upload. A build
//! without one prepares the same, for itself.

use std::sync::Arc;

use anyhow::Result;

use crate::pipeline::approach::PrepareError;
use crate::pipeline::context::BuildContext;
use crate::pipeline::images::Images;
use crate::pipeline::inputs::Inputs;
use crate::pipeline::ready::ReadyBuild;
use crate::run_lock::SupersededImage;

/// A prepared build, and what it was prepared with.
pub struct Standby<'a> {
    pub cx: BuildContext<'a>,
    pub images: Arc<Images>,
    pub ready: ReadyBuild<'a>,
}

impl Standby<'_> {
    /// Takes over the artifacts of the image that has the tag now, for one that was begun without. Returns whether a build can
    /// be made in it: not if builder, variables or scripts are others meanwhile.
    ///
    /// # Errors
    /// If the engine does not answer, a script or a file with variables cannot be read, or the artifacts cannot be taken over.
    pub fn complete(&mut self) -> Result<bool> {
        let images = Images::find(&self.cx)?;
        if images.builder.id != self.images.builder.id || self.unfit(false)?.is_some() {
            return Ok(false);
        }
        match self.ready.take_artifacts(&self.cx, &images) {
            Ok(()) => {}
            Err(PrepareError::Fatal(error)) => return Err(error),
            Err(PrepareError::Obstacle(_)) => return Ok(false),
        }
        self.images = Arc::new(images);
        Ok(true)
    }

    /// Why a build cannot be made in it, if so; a `clean` one takes over no artifacts.
    ///
    /// # Errors
    /// When a script or a file with variables cannot be read now.
    pub fn unfit(&self, clean: bool) -> Result<Option<&'static str>> {
        if clean {
            return Ok(Some("artifacts are not wanted"));
        }
        let inputs = Inputs::read(&self.cx, &self.images.contract)?;
        Ok((inputs != *self.ready.inputs()).then_some("variables or scripts changed"))
    }

    /// The image that lost the tag in a build with this result, or may have: a commit may move the tag and fail.
    pub fn superseded(&self, result: &Result<String>) -> Option<SupersededImage> {
        match result {
            Ok(id) => self.images.superseded_by(id),
            Err(_) => self.images.superseded().filter(|image| self.cx.run_lock.is_superseded(image)),
        }
    }
}
