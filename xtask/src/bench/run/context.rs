//! What all measuring of an app that runs needs.

use super::application::Application;
use super::row::Row;
use crate::bench::table::Measurement;
use crate::bench::watch::context::WatchBench;

/// What all measuring needs.
pub struct RunBench {
    pub watch: WatchBench,
    pub application: Application,
    /// Through how many saves a client asks all the time.
    pub saves: usize,
}

/// What was measured for the rows of a group.
pub type Measurements = Vec<(Row, Measurement)>;
