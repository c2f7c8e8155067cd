//! The source folder: which of its entries are sent, what they are at one moment, and how they are sent.
//!
//! When to look at the source is left to the pipeline and to the watch.

pub mod entry;
pub mod ignored;
pub mod read_error;
pub mod rule_file;
pub mod rules;
pub mod send;
pub mod snapshot;
pub mod symlinks;
pub mod view;
pub mod walk;
mod wildmatch;
