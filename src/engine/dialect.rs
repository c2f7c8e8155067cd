//! In which ways the CLIs of engines differ: what podman's wants or says in another way than docker's.

use super::reference::{full_name, has_registry, with_tag};

/// Where podman puts images that have no registry in their names.
const LOCAL: &str = "localhost/";

/// The variables that podman gives each container, and that a commit would put into the image.
const ADDED_VARIABLES: [&str; 2] = ["container", "TERM"];

/// Whose CLI is understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    #[default]
    Docker,
    Podman,
}

impl Dialect {
    /// The dialect of a CLI that prints the id of an image so when it is inspected: podman leaves `sha256:` out.
    pub fn of_id(id: &str) -> Self {
        if id.starts_with(PREFIX) { Self::Docker } else { Self::Podman }
    }

    pub fn is_podman(self) -> bool {
        self == Self::Podman
    }

    /// A reference in its full form: registry, path and tag. For docker `app` is `docker.io/library/app:latest`; podman makes
    /// it `localhost/app:latest`.
    pub fn full_name(self, name: &str) -> String {
        if self.is_podman() && !has_registry(name) { with_tag(&format!("{LOCAL}{name}")) } else { full_name(name) }
    }

    /// The words of the call that pushes the name that follows.
    pub fn push(self) -> &'static [&'static str] {
        match self {
            Self::Docker => &["push"],
            // Otherwise it does not say what the registry calls the image.
            Self::Podman => &["push", "--digestfile", "/dev/stdout"],
        }
    }

    /// Whether a reference as it was typed may mean an image with this full name. Podman looks for a name without a registry in
    /// all that it knows.
    pub fn may_mean(self, typed: &str, full_name: &str) -> bool {
        let typed_in_full = self.full_name(typed);
        if typed_in_full == full_name || self == Self::Docker || has_registry(typed) {
            return typed_in_full == full_name;
        }
        let Some((_, path)) = full_name.split_once('/') else { return false };
        let short = with_tag(typed);
        path == short || path.strip_prefix("library/") == Some(&*short)
    }

    /// The words of the call that kills and removes the containers whose names follow, with their anonymous volumes.
    pub fn removal(self) -> &'static [&'static str] {
        match self {
            Self::Docker => &["rm", "--force", "--volumes"],
            // Otherwise it asks the container to end, and waits for ten seconds.
            Self::Podman => &["rm", "--force", "--time", "0", "--volumes"],
        }
    }

    /// Options of `commit` without which the image has not all of the configuration of its base.
    pub fn commit_options(self) -> &'static [&'static str] {
        match self {
            Self::Docker => &[],
            // The other format has no place for HEALTHCHECK, SHELL and ONBUILD.
            Self::Podman => &["--format", "docker"],
        }
    }

    /// Whether `commit --change` takes what is between quotes as it is, also a backslash.
    pub fn takes_quoted_text_literally(self) -> bool {
        self.is_podman()
    }

    /// Whether a commit keeps HEALTHCHECK, SHELL and ONBUILD of the image of the container: podman's does, and cannot set them.
    pub fn commit_keeps_all(self) -> bool {
        self.is_podman()
    }

    /// Options of `run` and `create` without which the container has variables that nobody set; `env` are those of the image.
    pub fn variable_options(self, env: &[String]) -> Vec<String> {
        let is_set = |name: &str| env.iter().any(|pair| pair.split('=').next() == Some(name));
        let added = ADDED_VARIABLES.into_iter().filter(|name| self.is_podman() && !is_set(name));
        added.flat_map(|name| ["--unsetenv".to_owned(), name.to_owned()]).collect()
    }
}

/// What an id begins with.
const PREFIX: &str = "sha256:";

/// An id of an image with its `sha256:`, which podman leaves out in most places.
pub fn full_id(id: &str) -> String {
    let id = id.trim();
    let is_digits = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_digits { format!("{PREFIX}{id}") } else { id.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, full_id};

    #[test]
    fn names_are_completed_as_the_engine_does() {
        for (name, docker, podman) in [
            ("app", "docker.io/library/app:latest", "localhost/app:latest"),
            ("me/app:1", "docker.io/me/app:1", "localhost/me/app:1"),
            ("localhost:5000/app", "localhost:5000/app:latest", "localhost:5000/app:latest"),
            ("localhost/app", "localhost/app:latest", "localhost/app:latest"),
            ("quay.io/a/b@sha256:00", "quay.io/a/b@sha256:00", "quay.io/a/b@sha256:00"),
        ] {
            assert_eq!(Dialect::Docker.full_name(name), docker);
            assert_eq!(Dialect::Podman.full_name(name), podman);
        }
    }

    #[test]
    fn podman_finds_a_short_name_in_any_registry() {
        let podman = |typed: &str, full: &str| Dialect::Podman.may_mean(typed, full);
        assert!(podman("app", "localhost/app:latest") && podman("busybox", "docker.io/library/busybox:latest"));
        assert!(podman("ubi9/ubi:9.4", "registry.example.com/ubi9/ubi:9.4"));
        assert!(!podman("ubi", "registry.example.com/ubi9/ubi:latest") && !podman("app:1", "localhost/app:latest"));
        assert!(!podman("localhost/app", "quay.io/app:latest"));
        assert!(!Dialect::Docker.may_mean("app", "localhost/app:latest"));
    }

    #[test]
    fn ids_look_the_same_on_each_engine() {
        let digits = "62e2ade204a6c3b9fb308e5eeac8701c7de9c09560327d1eb10c1ab7b66a1b69";
        let with_prefix = format!("sha256:{digits}");
        assert_eq!((full_id(digits), full_id(&with_prefix)), (with_prefix.clone(), with_prefix.clone()));
        assert_eq!(full_id(&digits[..12]), digits[..12]);
        assert_eq!((Dialect::of_id(digits), Dialect::of_id(&with_prefix)), (Dialect::Podman, Dialect::Docker));
    }

    #[test]
    fn variables_of_podman_are_left_out_unless_the_image_has_them() {
        let options = |dialect: Dialect, env: &str| dialect.variable_options(&[env.to_owned()]).join(" ");
        assert_eq!(options(Dialect::Podman, "A=TERM"), "--unsetenv container --unsetenv TERM");
        assert_eq!(options(Dialect::Podman, "TERM=dumb"), "--unsetenv container");
        assert_eq!(options(Dialect::Docker, "A=b"), "");
    }
}
