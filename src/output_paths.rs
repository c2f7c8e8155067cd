//! The paths of the source in the output of a build. Only text is looked at: which paths there are is up to the callers.

mod boundaries;
pub mod path_map;
mod position;
pub mod source_paths;
