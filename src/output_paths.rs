//! The paths of the source in the output of a build, and the errors that the output names with their places. Only text is
//! looked at: which paths there are, and who is told, is up to the callers.

mod boundaries;
pub mod path_map;
mod position;
pub mod problems;
pub mod source_paths;
