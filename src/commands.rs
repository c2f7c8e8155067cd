//! The subcommands of minis2i, one module for each. They are thin: they turn arguments into calls of the pipeline and
//! the watch, which do the work. Parsing the command line is left to the CLI module.

pub mod build;
pub mod cache;
pub mod cleanup;
pub mod create;
mod dockerfile_facts;
pub mod doctor;
pub mod files;
pub mod generate;
pub mod man_pages;
mod probe;
pub mod rebuild;
pub mod run_image;
pub mod snippet;
pub mod usage;
pub mod wait;
pub mod watch;
