//! How much memory the machine of the engine has.

use super::cli::Engine;
use super::dialect::Dialect;

/// The memory in bytes; `None` if the engine does not say.
pub fn total(engine: &Engine, dialect: Dialect) -> Option<u64> {
    let field = if dialect.is_podman() { "{{.Host.MemTotal}}" } else { "{{.MemTotal}}" };
    let output = engine.call(&["info", "--format", field]).ok().filter(|output| output.success)?;
    output.stdout.trim().parse().ok()
}
