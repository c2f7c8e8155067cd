//! What is left out on an engine, and why.

use super::name::EngineName;

/// Tests that are left out: those whose names contain `test`.
#[derive(Clone, Copy, Debug)]
pub struct Skip {
    pub test: &'static str,
    pub why: &'static str,
}

/// What this engine cannot do.
pub fn of(name: EngineName) -> Vec<Skip> {
    match name {
        EngineName::Podman => PODMAN.to_vec(),
        EngineName::Docker26 | EngineName::Docker26Containerd => Vec::new(),
    }
}

const PODMAN: &[Skip] = &[];
