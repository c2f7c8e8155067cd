//! Stories through the binary, on a real engine. `cargo xtask test` provides the base image.

mod support;

mod artifacts;
mod bad_input;
mod commands;
mod contract;
mod familiar;
mod interrupts;
mod main_job;
mod output;
mod readme;
mod result;
mod sending;
mod trees;
