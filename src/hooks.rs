//! Hooks: commands of the user's that run after a build of a watch. One hook runs at a time.

mod after_app;
mod changed_variable;
mod decide;
mod handle;
mod last_run;
mod process;
mod runner;

pub use handle::{EndedBuild, HookEvents, Hooks, hooks};
pub use last_run::HookRun;
pub use runner::run_on_request;
