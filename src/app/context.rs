//! What the app shares with the run that it belongs to.

use super::containers::RunningContainers;
use crate::engine::cli::Engine;
use crate::report::Reporter;
use crate::run_lock::RunLock;

/// What the app of a run needs.
pub struct AppContext<'a> {
    pub engine: &'a Engine,
    pub run_lock: &'a RunLock,
    pub reporter: &'a Reporter,
    /// The name of the images.
    pub tag: &'a str,
    /// For the containers that are to be removed at once at the second signal.
    pub containers: RunningContainers,
    /// Called when the app of the build with this number serves, or has failed.
    pub on_settled: Box<dyn Fn(u64, bool) + Send + 'a>,
}
