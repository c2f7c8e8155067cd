//! How the engine stores layers, which decides what a commit costs.

use super::check::Check;
use super::engine_facts::EngineFacts;

/// Drivers without a diff of their own, with which each commit of docker waits for the next whole second (measured with
/// engines 20.10 and 26.1).
const WAITING_DRIVERS: [&str; 2] = ["fuse-overlayfs", "vfs"];

/// What the storage driver means for commits.
pub fn check_driver(facts: &EngineFacts) -> Check {
    let driver = &facts.driver;
    if facts.podman || !WAITING_DRIVERS.contains(&driver.as_str()) {
        return Check::ok("storage driver", driver.clone());
    }
    let cure = "let it use overlay2: `\"storage-driver\": \"overlay2\"` in /etc/docker/daemon.json, then restart the engine; \
                images must be built or pulled again";
    Check::slow("storage driver", format!("{driver}: each commit waits until the next whole second"), cure)
}

/// Who keeps the images; only docker has a choice.
pub fn check_image_store(facts: &EngineFacts) -> Option<Check> {
    if facts.podman {
        return None;
    }
    if !facts.containerd_store {
        return Some(Check::ok("image store", "the engine's own"));
    }
    let cure = "let it use its own: `\"features\": {\"containerd-snapshotter\": false}` in /etc/docker/daemon.json, then \
                restart the engine; images must be built or pulled again";
    Some(Check::slow("image store", "containerd's: each commit compares all files of the image", cure))
}

#[cfg(test)]
mod tests {
    use super::{check_driver, check_image_store};
    use crate::doctor::State;
    use crate::doctor::engine_facts::EngineFacts;

    fn facts(driver: &str, containerd_store: bool, podman: bool) -> EngineFacts {
        EngineFacts { driver: driver.to_owned(), containerd_store, podman, ..EngineFacts::default() }
    }

    #[test]
    fn what_slows_commits_down_has_a_cure() {
        for (driver, podman, state) in [
            ("overlay2", false, State::Ok),
            ("fuse-overlayfs", false, State::Slow),
            ("vfs", false, State::Slow),
            ("vfs", true, State::Ok),
        ] {
            let check = check_driver(&facts(driver, false, podman));
            assert_eq!((check.state, check.cure.is_some()), (state, state == State::Slow), "{driver}");
        }
        assert_eq!(check_image_store(&facts("overlayfs", true, false)).unwrap().state, State::Slow);
        assert_eq!(check_image_store(&facts("overlay2", false, false)).unwrap().state, State::Ok);
        assert_eq!(check_image_store(&facts("overlay", false, true)), None);
    }
}
