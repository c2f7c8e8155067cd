//! The container engine, used through its CLI: the only place that spawns the CLI.
//!
//! It offers calls, containers, images and copies of files; which of them a build needs is decided in the pipeline.

pub mod cli;
pub mod client;
pub mod container;
pub mod copy;
pub mod dialect;
pub mod health_check;
mod hints;
pub mod image;
pub mod load;
pub mod memory;
pub mod process;
pub mod program;
pub mod reference;
pub mod registry_hints;
pub mod shared_ssh;
mod terminal_stop;
pub mod volume;
mod words;
