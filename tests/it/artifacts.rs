//! Artifacts: what `save-artifacts` of one image passes on to the `assemble` of the next, and what it may not.

mod content;
mod fixtures;
mod none;
mod previous_image;
mod rejected;
