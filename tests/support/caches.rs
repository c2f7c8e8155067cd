//! The volumes that builds keep for `assemble`.

use super::engine::{docker, try_docker};
use super::wait::{ENGINE_POLL, wait_until};

/// The full name of an image without a registry and a tag: docker's, and podman's.
pub fn full_names(image: &str) -> [String; 2] {
    ["docker.io/library", "localhost"].map(|registry| format!("{registry}/{image}:latest"))
}

/// The names of the caches of a builder.
pub fn caches_of(builder: &str) -> Vec<String> {
    let names = full_names(builder).map(|name| {
        docker(&["volume", "ls", "--quiet", "--filter", &format!("label=io.github.minis2i.cache.builder={name}")])
    });
    names.iter().flat_map(|listing| listing.lines()).map(str::to_owned).collect()
}

/// Removes the caches of a builder, once no list of another test looks at them. With `--force` podman would remove the
/// container of that list.
pub fn remove_caches_of(builder: &str) {
    for name in caches_of(builder) {
        let is_gone = || try_docker(&["volume", "rm", &name]).status.success() || caches_of(builder).is_empty();
        wait_until(ENGINE_POLL, is_gone, || format!("{name} stays in use"));
    }
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
