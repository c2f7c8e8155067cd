//! What all measuring of a watch needs.

use super::chart::Contender;
use super::row::Row;
use super::table::Measured;
use super::trigger::Trigger;
use crate::bench::engine_api::Api;
use crate::bench::engine_objects::Traces;

/// What all measuring needs, and what is put aside for the chart.
pub struct Bench {
    pub traces: Traces,
    pub api: Api,
    pub trigger: Trigger,
    pub rounds: usize,
    pub contenders: Vec<Contender>,
}

/// What a group found, by row.
pub type Figures = Vec<(Row, Measured)>;
