//! How to get the artifacts of the previous image, decided before a container runs. Running the script is left to
//! [`saver`](super::saver).

use crate::contract::external_scripts::ExternalScript;
use crate::contract::image_path::join;
use crate::contract::script::Script;
use crate::contract::{Contract, labels};
use crate::engine::image::Image;
use crate::pipeline::approach::Approach;
use crate::pipeline::images::Images;
use crate::pipeline::run_options::{common_options, user_options};
use crate::settings::Job;

/// The beginnings, after `--`, of the options of `docker run` that conflict with `--network=container:NAME`: those that
/// configure the network, or that place the container with others.
const NETWORK_OPTIONS: [&str; 16] = [
    "add-host",
    "dns",
    "domainname",
    "expose",
    "hostname",
    "ip",
    "isolation",
    "link",
    "mac-address",
    "net",
    "pod",
    "publish",
    "runtime",
    "sysctl",
    "userns",
    "uts",
];

/// Which `save-artifacts` to run, and how.
#[derive(Clone, Debug)]
pub struct ArtifactPlan {
    /// The id of the previous image.
    pub image: String,
    pub script: SaverScript,
    /// Options of `docker run` before the image.
    pub options: Vec<String>,
    /// The PATH of the builder, or nothing. That of the previous image may be the user's.
    pub search_path: String,
    /// Replace the image's ENTRYPOINT, by a shell or by the script itself.
    pub bypass: bool,
    /// Run the script without a shell, since the image has none.
    pub without_shell: bool,
    /// The image was built with artifacts that a script had copied.
    pub copied_before: bool,
}

impl ArtifactPlan {
    /// The plan for a build with this approach; `None` if it uses no artifacts.
    pub fn for_approach(job: &Job, images: &Images, approach: &Approach, external: &[ExternalScript]) -> Option<Self> {
        let previous = images.previous.as_ref().filter(|_| approach.incremental)?;
        Self::new(job, images, previous, external, approach.shell)
    }

    /// The plan for the image `previous`; `None` if it is known to have no `save-artifacts`. `shell` is whether to
    /// assume a shell in an image without a label about it.
    pub fn new(job: &Job, images: &Images, previous: &Image, external: &[ExternalScript], shell: bool) -> Option<Self> {
        // The labels of the previous image count here, not those of the builder.
        let contract = Contract::of(previous, &job.tag, &job.overrides).ok()?;
        let label = |name: &str| previous.config.labels.get(name).map(String::as_str);
        let script = match external.iter().find(|external| external.script == Script::SaveArtifacts) {
            Some(external) => {
                // The path is that of the previous build, so that the script finds the files next to it.
                let destination = label(labels::DESTINATION).unwrap_or(&images.contract.destination).to_owned();
                SaverScript::External { content: external.content.clone(), destination }
            }
            None => match label(labels::SAVE_ARTIFACTS) {
                Some("") => return None,
                Some(path) => SaverScript::Image(path.to_owned()),
                None => SaverScript::Image(join(contract.folders.first()?, Script::SaveArtifacts.name())),
            },
        };
        let mut options = user_options(&contract);
        options.extend(common_options(job, previous));
        let bypass = label(labels::ENTRYPOINT) == Some("bypassed");
        let copied_before = label(labels::ARTIFACTS) == Some("copied");
        let without_shell = label(labels::SHELL).map_or(!shell, |value| value == "missing");
        let search_path = images.builder.env("PATH").unwrap_or_default().to_owned();
        let image = previous.id.clone();
        Some(Self { image, script, options, search_path, bypass, without_shell, copied_before })
    }

    /// Whether the container can join the network of another container with the same options. The engine refuses that
    /// together with options about the network. An option that is wrongly taken for one of them only costs time.
    ///
    /// Sharing saves time, since setting up a network takes half of the start of a container, and the engine sets up
    /// one after the other (engine 20.10: 0.17 s for one container, 0.32 s for two, 0.26 s for two that share a
    /// network).
    pub fn can_share_network(&self) -> bool {
        !self.options.iter().any(|option| match option.strip_prefix("--") {
            Some(long) => NETWORK_OPTIONS.iter().any(|name| long.starts_with(name)),
            None => option.starts_with('-') && option.contains(['p', 'P', 'h']),
        })
    }
}

/// Where `save-artifacts` comes from.
#[derive(Clone, Debug)]
pub enum SaverScript {
    /// The path of a script in the image.
    Image(String),
    /// An external script. Its content is first written below the folder `destination` of the container.
    External { content: Vec<u8>, destination: String },
}

#[cfg(test)]
mod tests {
    use super::{ArtifactPlan, SaverScript};

    #[test]
    fn a_network_is_shared_unless_options_configure_one() {
        let shares = |options: &[&str]| {
            let script = SaverScript::Image("/s2i/save-artifacts".to_owned());
            let options = options.iter().map(|&option| option.to_owned()).collect();
            let image = "sha256:1".to_owned();
            let (search_path, bypass) = (String::new(), false);
            ArtifactPlan { image, script, options, search_path, bypass, without_shell: false, copied_before: false }
                .can_share_network()
        };
        assert!(shares(&[]) && shares(&["--user", "1001:0", "--memory", "512m", "-e", "http_proxy=x"]));
        for options in
            [&["--network", "none"][..], &["--net=host"], &["--add-host=a:1.1.1.1"], &["-p8080:80"], &["-h", "a"]]
        {
            assert!(!shares(options), "{options:?}");
        }
    }
}
