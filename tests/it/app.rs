//! `minis2i watch --run`: the app that runs the newest image.

mod ends;
mod failures;
mod fixtures;
mod options;
mod readme;
mod ready;
mod swap;
