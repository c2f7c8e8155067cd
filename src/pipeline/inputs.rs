//! What a build reads from this machine beside the source. A container that was prepared with other inputs is of no use
//! for the next build, so they can be compared.

use anyhow::Result;

use super::context::BuildContext;
use super::secrets::Secrets;
use crate::contract::external_scripts::ExternalScript;
use crate::contract::script::Script;
use crate::contract::scripts_url::ScriptsUrl;
use crate::contract::{Contract, external_scripts};
use crate::error::Error;

/// The script of a second stage.
pub const RUNTIME_SCRIPT: &str = "assemble-runtime";

/// All inputs of one build.
#[derive(Clone, PartialEq, Eq)]
pub struct Inputs {
    /// Variables for `assemble` and the image, merged.
    pub variables: Vec<(String, String)>,
    /// Scripts that travel in the upload.
    pub external_scripts: Vec<ExternalScript>,
    /// The source's `assemble-runtime`, for a second stage, and where it was found.
    pub runtime_script: Option<(Vec<u8>, String)>,
    /// What is for `assemble` alone.
    pub secrets: Secrets,
}

impl Inputs {
    /// Reads them all.
    ///
    /// # Errors
    /// A file that is named, or in its usual place, and can not be read or understood; a server that does not answer.
    pub fn read(cx: &BuildContext, contract: &Contract) -> Result<Self> {
        let job = cx.job;
        let runtime_script = match job.runtime {
            Some(_) => external_scripts::named_in_source(&job.source.path, RUNTIME_SCRIPT)?,
            None => None,
        };
        Ok(Self {
            variables: job.environment(cx.reporter)?,
            external_scripts: external_scripts(cx, contract)?,
            runtime_script,
            secrets: Secrets::read(&job.secrets)?,
        })
    }
}

/// Scripts from outside the image: where an option says, then in the source, then where the builder says. Once an
/// option names a folder of the image, all of them come from the image, since what is there is not known yet.
fn external_scripts(cx: &BuildContext, contract: &Contract) -> Result<Vec<ExternalScript>> {
    let of_source = || external_scripts::in_source(&cx.job.source.path);
    let asked = match &contract.scripts_option {
        None => Vec::new(),
        Some(ScriptsUrl::Image(folder)) => {
            if let [first, ..] = &of_source()?[..] {
                let note = format!("`{}` of the source is not used: scripts come from `{folder}`", first.from);
                cx.reporter.note(&note);
            }
            return Ok(Vec::new());
        }
        Some(place) => {
            let found = of_place(cx, place, &Script::ALL)?;
            if found.is_empty() {
                return Err(nothing_there(place));
            }
            found
        }
    };
    let mut scripts = asked;
    let missing = missing(&scripts);
    scripts.extend(of_source()?.into_iter().filter(|external| missing.contains(&external.script)));
    if let Some(place) = &contract.external_url {
        let found = of_place(cx, place, &self::missing(&scripts))?;
        scripts.extend(found);
    }
    Ok(scripts)
}

fn missing(scripts: &[ExternalScript]) -> Vec<Script> {
    Script::ALL.into_iter().filter(|script| scripts.iter().all(|external| external.script != *script)).collect()
}

fn of_place(cx: &BuildContext, place: &ScriptsUrl, wanted: &[Script]) -> Result<Vec<ExternalScript>> {
    external_scripts::at_location(place, wanted, &cx.job.fetcher, &|| cx.engine.cancel().check())
}

fn nothing_there(place: &ScriptsUrl) -> anyhow::Error {
    let names = Script::ALL.map(|script| format!("`{}`", script.name())).join(", ");
    Error::usage(format!("`--scripts-url` names a place without scripts: {place} has none of {names}"))
        .hint("name the folder in which they are, or leave the option out to use the builder's own")
        .into()
}
