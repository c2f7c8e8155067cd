//! Stories through the binary, on a real engine. `cargo xtask test` provides the base image.

#[path = "../support/mod.rs"]
mod support;

mod artifacts;
mod bad_input;
mod bare_images;
mod commands;
mod contract;
mod familiar;
mod interrupts;
mod main_job;
mod options;
mod output;
mod private;
mod readme;
mod repository;
mod result;
mod runtime;
mod scripts;
mod sending;
mod shaped;
mod trees;
mod watch_deciding;
mod watch_living;
mod watch_model;
mod watch_seeing;
