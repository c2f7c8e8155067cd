//! The configuration of the new image: its command, its labels, and the digest of everything it was built from.
//! Applying it is left to [`commit`](super::commit).

use anyhow::Result;

use super::images::Images;
use super::inputs::Inputs;
use super::runtime_image::{RuntimeImage, Stage};
use super::scripts::ChosenScripts;
use crate::contract::labels;
use crate::engine::image::Image;
use crate::error::Error;
use crate::git::checkout::SourceCommit;
use crate::git::work_tree::Revision;
use crate::settings::{Job, Transfer};
use crate::source::snapshot::Snapshot;

/// The configuration of the new image.
pub struct ImageConfig<'a> {
    /// The image of the committed container: the builder or the runtime image.
    pub base: &'a Image,
    /// The CMD of the new image.
    pub command: Vec<String>,
    /// Names and values.
    pub labels: Vec<(String, String)>,
    /// The container ran with another ENTRYPOINT than the base, which the commit has to restore.
    pub entrypoint_changed: bool,
    /// The container ran as another user than the base, which the commit has to restore.
    pub user_changed: bool,
    /// The environment variables that the image has besides those of the base: names and values.
    pub variables: Vec<(String, String)>,
    /// The container was configured with things that belong into no image, such as options of `docker run` or a proxy,
    /// and a commit would take them over.
    pub container_differs: bool,
}

/// What a build was made with, as far as the labels of its image record it.
pub struct BuildRecord<'a> {
    /// The source as it was sent.
    pub snapshot: &'a Snapshot,
    pub scripts: &'a ChosenScripts,
    pub inputs: &'a Inputs,
    /// The builder's ENTRYPOINT did not run.
    pub bypassed: bool,
    /// The artifacts are files that `save-artifacts` copied.
    pub copied: bool,
    /// The builder has a shell.
    pub shell: bool,
    /// The value of the label that says where the source of the next build goes.
    pub source_in: &'static str,
}

impl<'a> ImageConfig<'a> {
    /// The configuration of the image of a build. `stage` is the second stage if there was one; `metadata` is the
    /// content of the file in which `assemble` can write labels.
    ///
    /// # Errors
    /// If the metadata is malformed or too large.
    pub fn of_build(
        job: &Job,
        images: &'a Images,
        record: &BuildRecord,
        stage: Option<&Stage>,
        revision: Revision,
        metadata: Option<Vec<u8>>,
    ) -> Result<Self> {
        let mut labels = image_labels(job, images, record, revision);
        if let Some(text) = metadata {
            labels.extend(labels::from_metadata(&text).map_err(|error| {
                Error::engine(format!("cannot use the labels that `assemble` left in {}", labels::METADATA_FILE))
                    .because(error)
                    .hint("make `assemble` write valid JSON with text values there")
            })?);
        }
        let variables = record.inputs.variables.clone();
        let container_differs = job.run_options_configure() || record.inputs.client_proxies;
        let Some((runtime, stage)) = images.runtime.as_ref().zip(stage) else {
            return Ok(Self {
                base: &images.builder,
                command: vec![record.scripts.run.clone()],
                labels,
                entrypoint_changed: record.bypassed,
                user_changed: images.contract.user.is_some(),
                variables,
                container_differs,
            });
        };
        Ok(Self {
            base: &runtime.image,
            command: stage.command.clone(),
            labels,
            entrypoint_changed: stage.bypassed,
            user_changed: stage.user_changed,
            variables,
            container_differs,
        })
    }
}

/// The labels of the new image, except for those of the metadata file.
fn image_labels(job: &Job, images: &Images, record: &BuildRecord, revision: Revision) -> Vec<(String, String)> {
    let base = images.runtime.as_ref().map_or(&images.builder, |runtime| &runtime.image);
    let mut labels = build_labels(job, images, record, base);
    labels.extend(approach_labels(record));
    labels.extend(job.naming.description.clone().map(|text| (labels::DESCRIPTION, text)));
    for (name, value) in optional_labels(job, images, record, revision) {
        // The new image inherits the labels of its base, so one that does not apply any more must be overwritten.
        let stale = base.config.labels.contains_key(name);
        labels.extend(value.or(stale.then(String::new)).map(|value| (name, value)));
    }
    labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The labels that every image has: its source, its builder and its base.
fn build_labels(job: &Job, images: &Images, record: &BuildRecord, base: &Image) -> Vec<(&'static str, String)> {
    let builder = &images.builder;
    let builder_name = display_name(builder, &job.builder);
    let base_name = match &job.runtime {
        Some(options) if images.runtime.is_some() => display_name(base, &options.image),
        _ => builder_name.clone(),
    };
    let base_digest = base.repo_digests.first().and_then(|digest| digest.split('@').nth(1)).unwrap_or(&base.id);
    // The scripts of the builder are not in an image that was built from a runtime image.
    let save_artifacts = record.scripts.save_artifacts.clone().filter(|_| images.runtime.is_none());
    vec![
        (labels::DISPLAY_NAME, job.naming.application.clone().unwrap_or_else(|| job.tag.clone())),
        (labels::BUILD_IMAGE, builder_name),
        (labels::SOURCE_LOCATION, job.source.typed.clone()),
        ("org.opencontainers.image.created", jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ("org.opencontainers.image.base.name", base_name),
        ("org.opencontainers.image.base.digest", base_digest.to_owned()),
        (labels::VERSION, env!("CARGO_PKG_VERSION").to_owned()),
        (labels::BUILDER, builder.id.clone()),
        (labels::DESTINATION, images.contract.destination.clone()),
        (labels::SAVE_ARTIFACTS, save_artifacts.unwrap_or_default()),
    ]
}

/// The labels from which the next build with the same builder learns its approach.
fn approach_labels(record: &BuildRecord) -> [(&'static str, String); 4] {
    let entrypoint = if record.bypassed { "bypassed" } else { "kept" };
    let artifacts = if record.copied { "copied" } else { "" };
    let shell = if record.shell { "" } else { "missing" };
    [
        (labels::ENTRYPOINT, entrypoint),
        (labels::ARTIFACTS, artifacts),
        (labels::SHELL, shell),
        (labels::SOURCE_IN, record.source_in),
    ]
    .map(|(name, value)| (name, value.to_owned()))
}

/// The labels whose values are not always known; `None` stands for an unknown value.
fn optional_labels(
    job: &Job,
    images: &Images,
    record: &BuildRecord,
    revision: Revision,
) -> [(&'static str, Option<String>); 9] {
    let commit = |field: fn(SourceCommit) -> String| job.source.commit.clone().map(field);
    [
        (labels::DIGEST, digest(job, images, record)),
        ("org.opencontainers.image.revision", revision.commit),
        ("org.opencontainers.image.source", revision.remote),
        (labels::CONTEXT_DIR, job.source.context.clone()),
        ("io.openshift.s2i.build.commit.id", commit(|commit| commit.id)),
        (labels::REFERENCE, commit(|commit| commit.reference)),
        ("io.openshift.s2i.build.commit.author", commit(|commit| commit.author)),
        ("io.openshift.s2i.build.commit.date", commit(|commit| commit.date)),
        ("io.openshift.s2i.build.commit.message", commit(|commit| commit.message)),
    ]
}

/// The full form of the name that the user typed for an image, or the typed text if it is an id.
fn display_name(image: &Image, typed: &str) -> String {
    image.full_name_of(typed).unwrap_or_else(|| typed.to_owned())
}

/// A digest of everything that determines the new image, except for the artifacts. `None` if the source is mounted, so
/// that its content is unknown, or if there are secrets, since a short one could be guessed from the digest.
pub fn digest(job: &Job, images: &Images, record: &BuildRecord) -> Option<String> {
    if job.transfer == Transfer::Mount || !record.inputs.secrets.is_empty() {
        return None;
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(record.snapshot.digest()?.as_bytes());
    let facts = (
        &images.builder.id,
        &record.inputs.variables,
        &record
            .inputs
            .external_scripts
            .iter()
            .map(|external| (external.script.name(), &external.content))
            .collect::<Vec<_>>(),
        &job.run_options,
        (&job.naming.application, &job.naming.description),
        job.keep_source,
        &images.contract.destination,
        (images.runtime.as_ref().map(RuntimeImage::facts), &record.inputs.runtime_script),
        &images.contract.user,
        (&record.scripts.assemble, &record.scripts.run),
    );
    hasher.update(&serde_json::to_vec(&facts).expect("text and bytes can be written as JSON"));
    Some(format!("blake3:{}", hasher.finalize().to_hex()))
}
