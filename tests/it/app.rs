//! `minis2i watch --run`: the app that runs the newest image.

mod ends;
mod failures;
pub mod fixtures;
mod options;
mod ready;
mod swap;
