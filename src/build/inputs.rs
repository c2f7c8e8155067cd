//! What a build reads from this machine beside the source. A container that was prepared with other inputs is of no use
//! for the next build, so they can be compared.

use anyhow::Result;

use super::private::Private;
use crate::contract::{OwnScript, own_scripts};
use crate::report::Reporter;
use crate::settings::Job;

/// All inputs of one build.
#[derive(Clone, PartialEq, Eq)]
pub struct Inputs {
    /// Variables for `assemble` and the image, merged.
    pub variables: Vec<(String, String)>,
    /// Scripts that travel in the upload.
    pub own_scripts: Vec<OwnScript>,
    /// What is for `assemble` alone.
    pub private: Private,
}

impl Inputs {
    /// Reads them all.
    ///
    /// # Errors
    /// A file that is named, or in its usual place, and can not be read or understood.
    pub fn read(job: &Job, reporter: &Reporter) -> Result<Self> {
        Ok(Self {
            variables: job.environment(reporter)?,
            own_scripts: own_scripts(&job.source.path)?,
            private: Private::read(&job.private)?,
        })
    }
}
