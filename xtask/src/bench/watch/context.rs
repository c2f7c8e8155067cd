//! What all measuring of a watch needs.

use super::row::Row;
use super::trigger::Trigger;
use crate::bench::chart::ChartBar;
use crate::bench::curve_chart::Curve;
use crate::bench::engine_api::EngineApi;
use crate::bench::engine_objects::EngineObjects;
use crate::bench::table::Measurement;

/// What all measuring needs, and the bars of the chart so far.
pub struct WatchBench {
    pub objects: EngineObjects,
    pub api: EngineApi,
    pub trigger: Trigger,
    pub rounds: usize,
    pub bars: Vec<ChartBar>,
    /// The lines of the chart so far.
    pub curves: Vec<Curve>,
}

/// What was measured for the rows of a group.
pub type Measurements = Vec<(Row, Measurement)>;
