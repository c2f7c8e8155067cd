//! What a build reads from this machine or the network besides the source. Inputs can be compared, since a standby that
//! was prepared with other inputs cannot be used. Choosing among the scripts is left to [`scripts`](super::scripts).

use anyhow::Result;

use super::context::BuildContext;
use super::secrets::Secrets;
use crate::contract::external_scripts::ExternalScript;
use crate::contract::script::Script;
use crate::contract::scripts_url::ScriptsUrl;
use crate::contract::{Contract, external_scripts};
use crate::engine::client;
use crate::error::Error;

/// The name of the script of a second stage.
pub const RUNTIME_SCRIPT: &str = "assemble-runtime";

/// All inputs of one build.
#[derive(Clone, PartialEq, Eq)]
pub struct Inputs {
    /// Names and values of the environment variables for `assemble` and the image, without duplicates.
    pub variables: Vec<(String, String)>,
    /// Scripts from outside the image, which are sent in the upload.
    pub external_scripts: Vec<ExternalScript>,
    /// The content of the source's `assemble-runtime`, for a second stage, and its path in the source.
    pub runtime_script: Option<(Vec<u8>, String)>,
    /// What only `assemble` gets.
    pub secrets: Secrets,
    /// Whether the engine's CLI may give containers the proxies of its configuration file, or of its environment.
    pub client_proxies: bool,
}

impl Inputs {
    /// Reads all inputs of a build with the builder of this contract.
    ///
    /// # Errors
    /// If a file cannot be read or parsed, a server for scripts does not answer, or `--scripts-url` names a location
    /// without scripts.
    pub fn read(cx: &BuildContext, contract: &Contract) -> Result<Self> {
        let job = cx.job;
        let runtime_script = match job.runtime {
            Some(_) => external_scripts::named_in_source(&job.source.path, RUNTIME_SCRIPT)?,
            None => None,
        };
        Ok(Self {
            variables: job.environment(cx.reporter, cx.engine.cancel())?,
            external_scripts: external_scripts(cx, contract)?,
            runtime_script,
            secrets: Secrets::read(&job.secrets, cx.engine.cancel())?,
            client_proxies: job.client_config.as_deref().is_some_and(client::has_proxies)
                // Podman gives containers the proxies of its own environment, too.
                || job.proxy_is_set && cx.engine.dialect().is_podman(),
        })
    }
}

/// Reads the external scripts: from the location that an option names, then from the source, then from the location
/// that the builder names. If the option names a folder in the image, there are none: no container runs yet that could
/// report which scripts that folder lacks.
fn external_scripts(cx: &BuildContext, contract: &Contract) -> Result<Vec<ExternalScript>> {
    let from_source = || external_scripts::in_source(&cx.job.source.path);
    let mut scripts = match &contract.scripts_option {
        None => Vec::new(),
        Some(ScriptsUrl::Image(folder)) => {
            if let [first, ..] = &from_source()?[..] {
                let note = format!("`{}` of the source is not used: scripts come from `{folder}`", first.from);
                cx.reporter.note(&note);
            }
            return Ok(Vec::new());
        }
        Some(location) => {
            let found = from_location(cx, location, &Script::ALL)?;
            if found.is_empty() {
                return Err(no_scripts_at(location));
            }
            found
        }
    };
    let missing = missing_scripts(&scripts);
    scripts.extend(from_source()?.into_iter().filter(|external| missing.contains(&external.script)));
    if let Some(location) = &contract.external_url {
        let found = from_location(cx, location, &missing_scripts(&scripts))?;
        scripts.extend(found);
    }
    Ok(scripts)
}

fn missing_scripts(scripts: &[ExternalScript]) -> Vec<Script> {
    Script::ALL.into_iter().filter(|script| scripts.iter().all(|external| external.script != *script)).collect()
}

fn from_location(cx: &BuildContext, location: &ScriptsUrl, wanted: &[Script]) -> Result<Vec<ExternalScript>> {
    external_scripts::at_location(location, wanted, &cx.job.fetcher, &|| cx.engine.cancel().check())
}

fn no_scripts_at(location: &ScriptsUrl) -> anyhow::Error {
    let names = Script::ALL.map(|script| format!("`{}`", script.name())).join(", ");
    Error::usage(format!("`--scripts-url` names a place without scripts: {location} has none of {names}"))
        .hint("name the folder in which they are, or leave the option out to use the builder's own")
        .into()
}
