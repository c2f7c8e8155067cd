//! Artifacts: the files that `save-artifacts` of the previous image passes to the next `assemble`. They are relayed
//! from one container to the other and never stored on the disk of this machine.

pub mod filter;
pub mod plan;
pub mod saver;
