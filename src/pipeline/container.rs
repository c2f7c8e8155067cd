//! The build container and the protocol between minis2i and the shell program that runs in it.

mod backlog;
mod end_signal;
pub mod exit_marker;
pub mod final_script;
pub mod lines;
pub mod own_variables;
pub mod protocol;
pub mod session;
pub mod shell;
mod stderr_tail;
