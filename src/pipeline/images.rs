//! The images that a build begins with: what the engine has under the names of builder and tag.

use anyhow::Result;

use super::context::BuildContext;
use super::runtime_image::RuntimeImage;
use super::{allowed_uids, pull};
use crate::contract::script::SCRIPTS_LABELS;
use crate::contract::{Contract, labels};
use crate::engine::cli::Engine;
use crate::engine::image::{self, Image};
use crate::error::Error;

/// What the engine knows before a build.
pub struct Images {
    pub builder: Image,
    pub contract: Contract,
    /// The image whose artifacts are taken over.
    pub previous: Option<Image>,
    /// The image that has the tag now.
    pub tagged: Option<Image>,
    /// The image of a second stage.
    pub runtime: Option<RuntimeImage>,
}

impl Images {
    /// Asks the engine about builder and tag in one call.
    ///
    /// # Errors
    /// No such builder, or one that can not be used.
    pub fn find(cx: &BuildContext) -> Result<Self> {
        let job = cx.job;
        let [builder, tagged] = pull::inspect(cx)?;
        let builder = builder.ok_or_else(|| no_builder(&cx.engine, &job.builder, true))?;
        let contract = Contract::of(&builder, &job.builder, &job.overrides)?;
        allowed_uids::check(job, &builder, &contract)?;
        let previous = match (job.incremental, &tagged) {
            (false, _) => None,
            (true, Some(image)) => Some(image.clone()),
            (true, None) => newest_relative(cx, &builder)?,
        };
        let previous = previous.filter(is_s2i).filter(|image| allowed_uids::may_save(cx, image));
        let runtime = RuntimeImage::find(cx)?;
        Ok(Self { builder, contract, previous, tagged, runtime })
    }

    /// The image that has the tag no more, if it is one of ours.
    pub fn superseded_by(&self, id: &str) -> Option<String> {
        let ours = self.tagged.as_ref().filter(|image| image.config.labels.contains_key(labels::VERSION))?;
        (ours.id != id).then(|| ours.id.clone())
    }
}

/// The error for a builder that the engine does not have; `pulls` says whether the command could ask a registry.
pub fn no_builder(engine: &Engine, name: &str, pulls: bool) -> anyhow::Error {
    let cli = engine.name();
    let more = if pulls { ", or `--pull-policy if-not-present`" } else { "" };
    Error::engine(format!("there is no builder image `{name}` in the engine"))
        .hint(format!("build it (`{cli} build --tag {name} FOLDER`) or pull it (`{cli} pull {name}`{more})"))
        .into()
}

/// Whether `save-artifacts` may be looked for in an image.
fn is_s2i(image: &Image) -> bool {
    let labels = &image.config.labels;
    labels.contains_key(labels::VERSION) || SCRIPTS_LABELS.iter().any(|label| labels.contains_key(*label))
}

/// The newest image of the same repository that was made with the same builder: for those who give each build a tag
/// of its own.
fn newest_relative(cx: &BuildContext, builder: &Image) -> Result<Option<Image>> {
    let tag = &cx.job.tag;
    let repository = match tag.rsplit_once(':') {
        Some((repository, version)) if !version.contains('/') => repository,
        _ => tag,
    };
    let filters = [format!("reference={repository}"), format!("label={}={}", labels::BUILDER, builder.id)];
    let Some(newest) = image::list(&cx.engine, &filters)?.into_iter().next() else { return Ok(None) };
    let [image] = image::inspect(&cx.engine, [&newest])?;
    Ok(image)
}
