//! Artifacts: what `save-artifacts` of the previous image hands to the next `assemble`.

pub mod filter;
pub mod plan;
pub mod saver;
