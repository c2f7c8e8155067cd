//! What a build reads from this machine beside the source. A container that was prepared with other inputs is of no use
//! for the next build, so they can be compared.

use anyhow::Result;

use super::Workshop;
use super::private::Private;
use super::runtime;
use crate::contract::{Contract, OwnScript, Place, Script, own};
use crate::failure::Failure;

/// All inputs of one build.
#[derive(Clone, PartialEq, Eq)]
pub struct Inputs {
    /// Variables for `assemble` and the image, merged.
    pub variables: Vec<(String, String)>,
    /// Scripts that travel in the upload.
    pub own_scripts: Vec<OwnScript>,
    /// The source's `assemble-runtime`, for a second stage, and where it was found.
    pub runtime_script: Option<(Vec<u8>, String)>,
    /// What is for `assemble` alone.
    pub private: Private,
}

impl Inputs {
    /// Reads them all.
    ///
    /// # Errors
    /// A file that is named, or in its usual place, and can not be read or understood; a server that does not answer.
    pub fn read(shop: &Workshop, contract: &Contract) -> Result<Self> {
        let job = shop.job;
        let runtime_script = match job.runtime {
            Some(_) => own::of_source_named(&job.source.path, runtime::SCRIPT)?,
            None => None,
        };
        Ok(Self {
            variables: job.environment(shop.reporter)?,
            own_scripts: own_scripts(shop, contract)?,
            runtime_script,
            private: Private::read(&job.private)?,
        })
    }
}

/// Scripts from outside the image: where an option says, then in the source, then where the builder says. Once an
/// option names a folder of the image, all of them come from the image, since what is there is not known yet.
fn own_scripts(shop: &Workshop, contract: &Contract) -> Result<Vec<OwnScript>> {
    let of_source = || own::of_source(&shop.job.source.path);
    let asked = match &contract.asked {
        None => Vec::new(),
        Some(Place::Image(folder)) => {
            if let [first, ..] = &of_source()?[..] {
                let note = format!("`{}` of the source is not used: scripts come from `{folder}`", first.from);
                shop.reporter.note(&note);
            }
            return Ok(Vec::new());
        }
        Some(place) => {
            let found = of_place(shop, place, &Script::ALL)?;
            if found.is_empty() {
                return Err(nothing_there(place));
            }
            found
        }
    };
    let mut scripts = asked;
    let missing = missing(&scripts);
    scripts.extend(of_source()?.into_iter().filter(|own| missing.contains(&own.script)));
    if let Some(place) = &contract.outside {
        let found = of_place(shop, place, &self::missing(&scripts))?;
        scripts.extend(found);
    }
    Ok(scripts)
}

fn missing(scripts: &[OwnScript]) -> Vec<Script> {
    Script::ALL.into_iter().filter(|script| scripts.iter().all(|own| own.script != *script)).collect()
}

fn of_place(shop: &Workshop, place: &Place, wanted: &[Script]) -> Result<Vec<OwnScript>> {
    own::of_place(place, wanted, &shop.job.web, &|| shop.engine.cancel().check())
}

fn nothing_there(place: &Place) -> anyhow::Error {
    let names = Script::ALL.map(|script| format!("`{}`", script.name())).join(", ");
    Failure::usage(format!("`--scripts-url` names a place without scripts: {place} has none of {names}"))
        .hint("name the folder in which they are, or leave the option out to use the builder's own")
        .into()
}
