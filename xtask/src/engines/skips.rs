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
        EngineName::Podman | EngineName::PodmanRootless => PODMAN.to_vec(),
        EngineName::Docker26 | EngineName::Docker26Containerd => Vec::new(),
    }
}

const PODMAN: &[Skip] = &[
    Skip {
        test: "a_full_disk_is_told",
        why: "it has volumes of a limited size only on file systems with project quotas",
    },
    Skip {
        test: "a_second_build_finds_what_the_first_one_downloaded",
        why: "the variables of two images that it makes alike come in another order",
    },
    Skip { test: "a_user_that_the_image_does_not_know_is_named", why: "it names such a user in other words" },
];
