//! The build container, and the talk with the shell program that runs in it.

pub mod exit_marker;
pub mod final_script;
pub mod lines;
pub mod protocol;
pub mod session;
pub mod shell;
