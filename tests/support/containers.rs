//! Which containers of minis2i exist in the engine. Removing them is left to the caller.

use super::engine::docker;

/// Names of containers that minis2i made from an image, or from images that were built with it.
pub fn containers_from_image(builder: &str) -> Vec<String> {
    let filter = format!("ancestor={builder}");
    let names = docker(&["ps", "--all", "--filter", &filter, "--filter", "name=^/?minis2i-", "--format", "{{.Names}}"]);
    names.lines().filter(|name| !name.starts_with("minis2i-test-")).map(str::to_owned).collect()
}

/// Names of the containers that the run with this process id made.
pub fn containers_of_process(id: u32) -> Vec<String> {
    let filter = format!("name=^/?minis2i-[0-9a-f]+-{id}[.]");
    docker(&["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"]).lines().map(str::to_owned).collect()
}
