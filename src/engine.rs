//! The container engine, reached by its CLI: the only place that spawns it.

pub mod cli;
pub mod container;
pub mod copy;
mod hints;
pub mod image;
pub mod process;
