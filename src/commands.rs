//! What is typed after `minis2i`: one file a command, as far as it is more than a call.

pub mod build;
pub mod cleanup;
pub mod create;
pub mod generate;
mod probe;
pub mod rebuild;
pub mod run_image;
pub mod usage;
pub mod watch;
