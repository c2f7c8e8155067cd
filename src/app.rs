//! The app that a watch keeps on the newest image.

pub mod forwarder;
