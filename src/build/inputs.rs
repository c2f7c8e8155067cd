//! What a build reads from this machine beside the source. A container that was prepared with other inputs is of no use
//! for the next build, so they can be compared.

use anyhow::Result;

use super::private::Private;
use super::runtime;
use crate::contract::{OwnScript, own_script, own_scripts};
use crate::report::Reporter;
use crate::settings::Job;

/// All inputs of one build.
#[derive(Clone, PartialEq, Eq)]
pub struct Inputs {
    /// Variables for `assemble` and the image, merged.
    pub variables: Vec<(String, String)>,
    /// Scripts that travel in the upload.
    pub own_scripts: Vec<OwnScript>,
    /// The source's `assemble-runtime`, for a second stage.
    pub runtime_script: Option<Vec<u8>>,
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
            runtime_script: match job.runtime {
                Some(_) => own_script(&job.source.path, runtime::SCRIPT)?,
                None => None,
            },
            private: Private::read(&job.private)?,
        })
    }
}
