//! The names of the engines.

use anyhow::{Context, Result};

/// An engine that tests can run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineName {
    /// That of this machine's Debian.
    Podman,
    /// The same, used by a user without rights.
    PodmanRootless,
    /// docker of Debian 13, which keeps its images itself.
    Docker26,
    /// The same, with the image store of containerd, which is the default of new installations from version 29 on.
    Docker26Containerd,
}

impl EngineName {
    pub const ALL: [Self; 4] = [Self::Podman, Self::PodmanRootless, Self::Docker26, Self::Docker26Containerd];

    pub fn text(self) -> &'static str {
        match self {
            Self::Podman => "podman",
            Self::PodmanRootless => "podman-rootless",
            Self::Docker26 => "docker-26",
            Self::Docker26Containerd => "docker-26-containerd",
        }
    }

    /// The engine that is called so.
    ///
    /// # Errors
    /// When none is.
    pub fn parse(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|name| name.text() == text)
            .with_context(|| format!("there is no engine `{text}`; there are {}", Self::ALL.map(Self::text).join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::EngineName;

    #[test]
    fn engines_are_known_by_their_names() {
        for name in EngineName::ALL {
            assert_eq!(EngineName::parse(name.text()).unwrap(), name);
        }
        assert!(EngineName::parse("docker").unwrap_err().to_string().contains("docker-26-containerd"));
    }
}
