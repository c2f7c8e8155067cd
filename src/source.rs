//! The source folder: which of its entries count, what they are at one moment, and how they travel.

pub mod entry;
pub mod ignored;
pub mod read_error;
pub mod rules;
pub mod send;
pub mod snapshot;
pub mod symlinks;
pub mod view;
pub mod walk;
