//! The hidden command that a build leaves behind as a process of its own, to remove what it needs no more.

use anyhow::Result;

use crate::cancel::Cancel;
use crate::cli::commands::CleanupArgs;
use crate::engine::cli::Engine;
use crate::pipeline::cleanup::{self, Leftovers};
use crate::run_lock::RunLock;

/// Removes what the arguments name, and gives the lock of the run up that left it.
///
/// # Errors
/// When the engine's CLI can not be started.
pub fn cleanup(args: CleanupArgs) -> Result<()> {
    let engine = Engine::new(args.engine, Cancel::default(), |_| {});
    let run_lock = RunLock::inherit(&args.lock)?;
    Leftovers { containers: args.container, images: args.image }.remove(&engine)?;
    // What no lock tells of any more: runs that died with another engine, or whose locks were removed by hand.
    let removed = cleanup::remove_dead(&engine, &run_lock).map(drop);
    // A run that goes on, with the container that it made of its image, is known by its lock.
    if rustix::process::getppid().is_none_or(|parent| parent.as_raw_nonzero().get() != args.parent) {
        run_lock.give_up();
    }
    removed
}
