//! What the tests with a registry share.

use std::sync::Arc;

use crate::support::builder::Builder;
use crate::support::engine::{try_docker, unique_name};
use crate::support::holding_builder::shared_holding_builder;
use crate::support::project::Project;
use crate::support::registry::Registry;
use crate::support::registry_proxy::{RegistryProxy, Way};

/// A source with its builder, and a name in the registry at `host`.
pub fn app_at(host: &str) -> (Arc<Builder>, Project, Pushed) {
    (shared_holding_builder(), Project::new().file("a", "1"), Pushed::at(host))
}

/// The same in a registry that is reached by a proxy.
pub struct Behind {
    pub registry: Arc<Registry>,
    pub proxy: RegistryProxy,
    pub builder: Arc<Builder>,
    pub project: Project,
    pub pushed: Pushed,
}

impl Behind {
    /// `None` and a printed reason where there is no registry.
    pub fn proxy(way: Way) -> Option<Self> {
        let registry = Registry::shared()?;
        let proxy = RegistryProxy::to(&registry, way);
        let (builder, project, pushed) = app_at(proxy.host());
        Some(Self { registry, proxy, builder, project, pushed })
    }
}

/// A name in a registry, which is removed from the engine at the end.
pub struct Pushed {
    /// The name without the registry.
    pub repository: String,
    pub tag: String,
}

impl Pushed {
    pub fn at(host: &str) -> Self {
        let repository = unique_name("pushed");
        let tag = format!("{host}/{repository}");
        Self { repository, tag }
    }
}

impl Drop for Pushed {
    fn drop(&mut self) {
        // The engine keeps the digest of an image that was pushed or pulled as one more name of it.
        let names = |format: &str| {
            let listing = try_docker(&["images", "--digests", "--format", format, &self.tag]).stdout;
            String::from_utf8_lossy(&listing).lines().map(str::to_owned).collect::<Vec<_>>()
        };
        let known = [names("{{.Repository}}:{{.Tag}}"), names("{{.Repository}}@{{.Digest}}")].concat();
        let known: Vec<&str> = known.iter().map(String::as_str).filter(|name| !name.contains("<none>")).collect();
        if !known.is_empty() {
            try_docker(&[&["image", "rm", "--force", "--no-prune"], &*known].concat());
        }
    }
}
