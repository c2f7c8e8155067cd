//! Names of images, as text.

/// A reference in its full form: registry, path and tag. `app` is `docker.io/library/app:latest`, as for docker; what podman
/// makes of it is in [`Dialect::full_name`](super::dialect::Dialect::full_name).
pub fn full_name(name: &str) -> String {
    match (has_registry(name), name.contains('/')) {
        (true, _) => with_tag(name),
        (false, true) => with_tag(&format!("docker.io/{name}")),
        (false, false) => with_tag(&format!("docker.io/library/{name}")),
    }
}

/// The host of the registry that a name is pushed to, with its port: for podman, too, docker's own if the name has none.
pub fn registry(name: &str) -> String {
    let name = full_name(name);
    name.split_once('/').map_or(name.as_str(), |(host, _)| host).to_owned()
}

/// A name with its tag, for a name that must not be an id: where no image is called `cafe`, the engine would look for one
/// whose id begins so.
pub fn with_tag(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains([':', '@']) { name.to_owned() } else { format!("{name}:latest") }
}

/// Whether the first part of a reference is a registry.
pub fn has_registry(name: &str) -> bool {
    let head = name.split_once('/').map_or("", |(head, _)| head);
    head.contains(['.', ':']) || head == "localhost"
}

#[cfg(test)]
mod tests {
    use super::{registry, with_tag};

    #[test]
    fn a_tag_is_added_where_there_is_none() {
        for (name, with) in [
            ("cafe", "cafe:latest"),
            ("localhost:5000/app", "localhost:5000/app:latest"),
            ("app:1", "app:1"),
            ("a@sha256:00", "a@sha256:00"),
        ] {
            assert_eq!(with_tag(name), with);
        }
    }

    #[test]
    fn a_name_without_a_registry_goes_to_dockers_own() {
        for (name, host) in [
            ("localhost:5000/a/b", "localhost:5000"),
            ("localhost/app", "localhost"),
            ("registry.example/app:1", "registry.example"),
            ("me/app", "docker.io"),
            ("app", "docker.io"),
        ] {
            assert_eq!(registry(name), host);
        }
    }
}
