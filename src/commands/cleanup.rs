//! The hidden command that a build starts as a background process, to remove its containers and the superseded image.

use anyhow::Result;

use crate::cancel::Ending;
use crate::cli::commands::CleanupArgs;
use crate::engine::cli::Engine;
use crate::engine::dialect::Dialect;
use crate::pipeline::cleanup::{self, Leftovers};
use crate::run_lock::{RunLock, SupersededImage};
use crate::settings::engine::engine_program;

/// Removes the containers and images that the arguments name, then releases the lock of the run that started this
/// process.
///
/// # Errors
/// If the lock cannot be taken over, the engine's CLI cannot be started, or the engine does not answer.
pub fn cleanup(args: CleanupArgs) -> Result<()> {
    let engine = Engine::new(engine_program(&args.engine), Ending::default(), |_| {});
    engine.learn_dialect(if args.podman { Dialect::Podman } else { Dialect::Docker });
    let run_lock = RunLock::inherit(&args.lock)?;
    let containers = Leftovers { containers: args.container, ..Leftovers::default() }.remove(&engine);
    // Containers without a lock are removed too: those that the engine created after their run was killed, or whose locks
    // were removed by hand or by a run that used another engine. Images come last, as a container may use one of them.
    let removed = cleanup::containers::remove_dead(&engine, &run_lock).map(drop);
    let images = args.image.iter().map(|image| SupersededImage::from_text(image)).collect();
    containers.and(Leftovers { images, ..Leftovers::default() }.remove(&engine))?;
    run_lock.give_up();
    removed
}
