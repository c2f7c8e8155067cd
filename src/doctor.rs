//! Checks of the engine and of this machine: what was found and, where something is slow or missing, what helps.

mod check;
mod commit_time;
mod engine_facts;
mod limits;
mod storage;
mod tools;

use anyhow::Result;

use crate::engine::cli::Engine;
use crate::error::{self, ErrorKind};
use crate::run_lock::RunLock;
pub use check::{Check, State};
use engine_facts::EngineFacts;

/// Makes all checks, in the order in which a build meets what they check. A commit is measured upon `image`, or upon an empty
/// image, and everything that is made for that is removed.
///
/// # Errors
/// If there is no such image, or the run was interrupted. An engine that does not answer is a finding.
pub fn examine(engine: &Engine, image: Option<&str>, run_lock: &RunLock) -> Result<Vec<Check>> {
    let mut checks = Vec::new();
    match EngineFacts::ask(engine) {
        Ok(facts) => {
            checks.push(facts.check(&engine.name()));
            checks.push(storage::check_driver(&facts));
            checks.extend(storage::check_image_store(&facts));
            checks.push(commit_time::check(engine, image, run_lock)?);
            checks.extend(limits::check_engine_disk(&facts));
        }
        Err(error) if matches!(error::kind(&error), ErrorKind::Interrupted(_)) => return Err(error),
        Err(error) => {
            checks.push(Check::missing("engine", format!("{error:#}"), error::hint(&error).map(str::to_owned)))
        }
    }
    checks.extend(limits::check_watches());
    checks.extend(limits::check_memory());
    checks.push(limits::check_locks(run_lock));
    checks.push(tools::check_git(engine.cancel())?);
    checks.push(tools::check_terminal());
    Ok(checks)
}
