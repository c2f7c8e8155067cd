//! The volumes that builds keep for `assemble`.

use super::engine::{docker, try_docker};

/// The names of the caches of a builder.
pub fn caches_of(builder: &str) -> Vec<String> {
    // The full name of an image without a registry: docker's, and podman's.
    let names = ["docker.io/library", "localhost"].map(|registry| {
        let filter = format!("label=io.github.minis2i.cache.builder={registry}/{builder}:latest");
        docker(&["volume", "ls", "--quiet", "--filter", &filter])
    });
    names.iter().flat_map(|listing| listing.lines()).map(str::to_owned).collect()
}

/// Removes the caches of a builder.
pub fn remove_caches_of(builder: &str) {
    caches_of(builder).iter().for_each(|name| drop(try_docker(&["volume", "rm", "--force", name])));
}

/// Runs a shell command as root in a container that has the only cache of a builder at `/cache`.
#[track_caller]
pub fn in_cache_of(builder: &str, command: &str) -> String {
    let [name] = &caches_of(builder)[..] else { panic!("{builder}: {:?}", caches_of(builder)) };
    let volume = format!("{name}:/cache");
    docker(&[
        "run",
        "--rm",
        "--network",
        "host",
        "--user",
        "0",
        "--entrypoint",
        "/bin/sh",
        "--volume",
        &volume,
        builder,
        "-c",
        command,
    ])
}
