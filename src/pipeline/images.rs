//! The images that a build starts with: the builder, the previous image and the runtime image, as the engine has them.
//! Pulling them is left to [`pull`].

use anyhow::Result;

use super::context::BuildContext;
use super::runtime_image::RuntimeImage;
use super::source_in::SourceInDecider;
use super::{allowed_uids, cleanup, pull};
use crate::contract::image_path::join;
use crate::contract::script::SCRIPTS_LABELS;
use crate::contract::{Contract, labels};
use crate::engine::cli::Engine;
use crate::engine::image::{self, Image};
use crate::error::Error;
use crate::run_lock::SupersededImage;
use crate::settings::image_name::{Base, is_base};

/// The images of one build.
pub struct Images {
    pub builder: Image,
    /// The contract of the builder.
    pub contract: Contract,
    /// The previous image, if its artifacts are to be used.
    pub previous: Option<Image>,
    /// The image that has the tag before the build, even if its artifacts are not used.
    pub tagged: Option<Image>,
    /// The image of the second stage, if there is one.
    pub runtime: Option<RuntimeImage>,
}

impl Images {
    /// Inspects the images in as few engine calls as possible: one, if nothing is pulled and there is no runtime image.
    ///
    /// # Errors
    /// If there is no such builder or runtime image, one of them cannot be pulled or used, its user is not allowed, or
    /// the engine does not answer.
    pub fn find(cx: &BuildContext) -> Result<Self> {
        let job = cx.job;
        let [builder, tagged] = pull::inspect_images(cx)?;
        let builder = builder.ok_or_else(|| no_builder(&cx.engine, &job.builder, true))?;
        check_not_base(&job.tag, &builder, &job.builder, Base::Builder)?;
        let contract = Contract::of(&builder, &job.builder, &job.overrides)?;
        allowed_uids::check_users(job, &builder, &contract)?;
        let previous = match (job.incremental, &tagged) {
            (false, _) => None,
            (true, Some(image)) => Some(image.clone()),
            (true, None) => newest_of_repository(cx, &builder)?,
        };
        let previous = previous.filter(is_s2i).filter(|image| allowed_uids::may_run_save_artifacts(cx, image));
        let runtime = RuntimeImage::find(cx)?;
        if let Some((runtime, options)) = runtime.as_ref().zip(job.runtime.as_ref()) {
            check_not_base(&job.tag, &runtime.image, &options.image, Base::RuntimeImage)?;
        }
        Ok(Self { builder, contract, previous, tagged, runtime })
    }

    /// The absolute folders of the build container that may have the source: where it is sent, and where builders move it.
    pub fn source_folders(&self) -> [String; 2] {
        [join(&self.contract.destination, "src"), self.builder.config.working_dir.clone()]
    }

    /// Tells `decider` what the image with the tag says of this builder.
    pub fn tell(&self, decider: &mut SourceInDecider) {
        decider.follow(&self.builder, &self.contract.destination, self.tagged.as_ref());
    }

    /// The image that a build takes the tag from, if minis2i built it.
    pub fn superseded(&self) -> Option<SupersededImage> {
        let tagged = self.tagged.as_ref().filter(|image| image.config.labels.contains_key(labels::VERSION))?;
        Some(cleanup::superseded_image(tagged))
    }

    /// The same once the tag has moved to the image `id`, which may be that image itself.
    pub fn superseded_by(&self, id: &str) -> Option<SupersededImage> {
        self.superseded().filter(|image| image.id != id)
    }
}

/// The error for a builder `name` that the engine does not have; `pulls` is whether the command has an option to pull
/// it.
pub fn no_builder(engine: &Engine, name: &str, pulls: bool) -> anyhow::Error {
    let cli = engine.name();
    let more = if pulls { ", or `--pull-policy if-not-present`" } else { "" };
    Error::engine(format!("there is no builder image `{name}` in the engine"))
        .hint(format!("build it (`{cli} build --tag {name} FOLDER`) or pull it (`{cli} pull {name}`{more})"))
        .into()
}

/// Checks that the tag is not the name of a base in another spelling, nor a name of one that was given by its id or digest,
/// and so may have no other name.
fn check_not_base(tag: &str, image: &Image, typed: &str, base: Base) -> Result<()> {
    let full = |name| image.dialect.full_name(name);
    if image.has_name(tag) && (!image.has_name(typed) || full(tag) == full(typed)) {
        Err(is_base(tag, base))
    } else {
        Ok(())
    }
}

/// Whether an image was built by an S2I tool, so that it may have `save-artifacts`.
fn is_s2i(image: &Image) -> bool {
    let labels = &image.config.labels;
    labels.contains_key(labels::VERSION) || SCRIPTS_LABELS.iter().any(|label| labels.contains_key(*label))
}

/// The newest image in the tag's repository that was built with the same builder. It stands in for the previous image
/// when each build gets a new tag.
fn newest_of_repository(cx: &BuildContext, builder: &Image) -> Result<Option<Image>> {
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
