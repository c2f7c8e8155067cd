//! Where artifacts come from, decided before anything runs.

use crate::contract::external_scripts::ExternalScript;
use crate::contract::image_path::join;
use crate::contract::script::Script;
use crate::contract::{Contract, labels};
use crate::engine::image::Image;
use crate::pipeline::approach::Approach;
use crate::pipeline::images::Images;
use crate::pipeline::run_options::user_options;
use crate::settings::Job;

/// How options of `docker run` begin, after `--`, that say something of the network, or put the container where others
/// are.
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

/// Which script hands artifacts over, and from which image.
#[derive(Clone, Debug)]
pub struct ArtifactPlan {
    pub image: String,
    pub script: SaverScript,
    /// Options of `docker run` before the image.
    pub options: Vec<String>,
    /// Put a shell in the place of the image's ENTRYPOINT.
    pub bypass: bool,
    /// Run the script itself: the image has no shell to run it from.
    pub direct: bool,
    /// Empty `/tmp/artifacts` first: the script copies, and what is there is what was copied last time.
    pub afresh: bool,
}

impl ArtifactPlan {
    /// The plan of a build that goes this way in a container with a shell.
    pub fn for_approach(job: &Job, images: &Images, approach: &Approach, external: &[ExternalScript]) -> Option<Self> {
        let previous = images.previous.as_ref().filter(|_| approach.incremental)?;
        Self::new(job, images, previous, external, approach.shell)
    }

    /// The plan for this previous image; `None` when it surely has no artifacts to give. `shell` says whether an image
    /// that does not tell is to be taken for having one.
    pub fn new(job: &Job, images: &Images, previous: &Image, external: &[ExternalScript], shell: bool) -> Option<Self> {
        // What the previous image says of itself counts; an image that is not S2I's was sorted out before.
        let contract = Contract::of(previous, &job.tag, &job.overrides).ok()?;
        let label = |name: &str| previous.config.labels.get(name).map(String::as_str);
        let script = match external.iter().find(|external| external.script == Script::SaveArtifacts) {
            Some(external) => {
                // Where the previous build had it, so that it finds what lay beside it then.
                let destination = label(labels::DESTINATION).unwrap_or(&images.contract.destination).to_owned();
                SaverScript::Source { content: external.content.clone(), destination }
            }
            None => match label(labels::SAVE_ARTIFACTS) {
                Some("") => return None,
                Some(path) => SaverScript::Image(path.to_owned()),
                None => SaverScript::Image(join(contract.folders.first()?, Script::SaveArtifacts.name())),
            },
        };
        let mut options = user_options(&contract);
        options.extend_from_slice(&job.run_options);
        let bypass = label(labels::ENTRYPOINT) == Some("bypassed");
        let afresh = label(labels::ARTIFACTS) == Some("copied");
        let direct = label(labels::SHELL).map_or(!shell, |said| said == "missing");
        Some(Self { image: previous.id.clone(), script, options, bypass, direct, afresh })
    }

    /// Whether the container can use the network of another one that has the same options: the engine refuses that
    /// beside options of a network's, of which an extra one taken for such does no harm.
    ///
    /// Worth it, since a network of its own is half of what starting a container takes, and two can not be made at the
    /// same time (engine 20.10: 0.17 s for one, 0.32 s for two at once, 0.26 s for two that share).
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
    /// This path in the image.
    Image(String),
    /// The source has it: this content goes below this destination first.
    Source { content: Vec<u8>, destination: String },
}

#[cfg(test)]
mod tests {
    use super::{ArtifactPlan, SaverScript};

    #[test]
    fn a_network_is_shared_unless_options_speak_of_one() {
        let shares = |options: &[&str]| {
            let script = SaverScript::Image("/s2i/save-artifacts".to_owned());
            let options = options.iter().map(|&option| option.to_owned()).collect();
            let image = "sha256:1".to_owned();
            ArtifactPlan { image, script, options, bypass: false, direct: false, afresh: false }.can_share_network()
        };
        assert!(shares(&[]) && shares(&["--user", "1001:0", "--memory", "512m", "-e", "http_proxy=x"]));
        for options in
            [&["--network", "none"][..], &["--net=host"], &["--add-host=a:1.1.1.1"], &["-p8080:80"], &["-h", "a"]]
        {
            assert!(!shares(options), "{options:?}");
        }
    }
}
