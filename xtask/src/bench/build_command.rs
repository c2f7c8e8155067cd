//! How the benches call `minis2i build`.

use std::process::Command;

use super::engine_objects::EngineObjects;
use crate::process;

/// `minis2i build` with `more` options, ready to be run. Its containers, and with them its images, carry the bench's label.
pub fn command(source: &str, builder: &str, tag: &str, more: &[&str], objects: &EngineObjects) -> Command {
    let mut command = process::command(&["target/release/minis2i", "build", "--message-format", "json"]);
    command.args(more).args([source, builder, tag, "--", "--label", objects.label()]);
    command
}
