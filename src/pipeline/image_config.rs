//! What an image of ours says about itself: its command, its labels, and the digest of what it was made of.

use anyhow::Result;

use super::images::Images;
use super::inputs::Inputs;
use super::runtime_image::{RuntimeImage, Stage};
use super::scripts::ChosenScripts;
use crate::contract::labels;
use crate::engine::image::{Image, full_name};
use crate::error::Error;
use crate::git::checkout::Commit;
use crate::git::work_tree::Revision;
use crate::settings::{Job, Transfer};
use crate::source::snapshot::Snapshot;

/// What the new image is to look like, beside its files.
pub struct ImageConfig<'a> {
    /// What the container was made of.
    pub base: &'a Image,
    pub command: Vec<String>,
    pub labels: Vec<(String, String)>,
    /// The container ran with another ENTRYPOINT or user than the builder's.
    pub entrypoint_changed: bool,
    pub user_changed: bool,
}

/// What a build was made with, as far as its image tells.
pub struct BuildRecord<'a> {
    /// The source as it was sent.
    pub snapshot: &'a Snapshot,
    pub scripts: &'a ChosenScripts,
    pub inputs: &'a Inputs,
    /// The builder's ENTRYPOINT was not in force.
    pub bypassed: bool,
    /// Artifacts came by files that `save-artifacts` copied.
    pub copied: bool,
    /// The builder has a shell.
    pub shell: bool,
}

impl<'a> ImageConfig<'a> {
    /// The config of the image that a build will make.
    ///
    /// # Errors
    /// Labels that `assemble` left and that can not be read.
    pub fn of_build(
        job: &Job,
        images: &'a Images,
        record: &BuildRecord,
        stage: Option<&Stage>,
        revision: Revision,
        metadata: Option<Vec<u8>>,
    ) -> Result<Self> {
        let mut labels = labels(job, images, record, revision);
        if let Some(text) = metadata {
            labels.extend(labels::from_metadata(&text).map_err(|error| {
                Error::engine(format!("cannot use the labels that `assemble` left in {}", labels::METADATA_FILE))
                    .because(error)
                    .hint("see that `assemble` writes well-formed JSON with text values there")
            })?);
        }
        let Some((runtime, stage)) = images.runtime.as_ref().zip(stage) else {
            return Ok(Self {
                base: &images.builder,
                command: vec![record.scripts.run.clone()],
                labels,
                entrypoint_changed: record.bypassed,
                user_changed: images.contract.user.is_some() || job.user_option().is_some(),
            });
        };
        Ok(Self {
            base: &runtime.image,
            command: stage.command.clone(),
            labels,
            entrypoint_changed: stage.bypassed,
            user_changed: stage.user_changed,
        })
    }
}

fn labels(job: &Job, images: &Images, record: &BuildRecord, revision: Revision) -> Vec<(String, String)> {
    let builder = &images.builder;
    let name = known_name(builder, &job.builder);
    let (base, base_name) = match (&images.runtime, &job.runtime) {
        (Some(runtime), Some(asked)) => (&runtime.image, known_name(&runtime.image, &asked.image)),
        _ => (builder, name.clone()),
    };
    let digest_of_base = base.repo_digests.first().and_then(|digest| digest.split('@').nth(1)).unwrap_or(&base.id);
    // An image without the builder has none of its scripts.
    let save_artifacts = record.scripts.save_artifacts.clone().filter(|_| images.runtime.is_none());
    let save_artifacts = save_artifacts.unwrap_or_default();
    let mut labels = vec![
        (labels::DISPLAY_NAME, job.naming.application.clone().unwrap_or_else(|| job.tag.clone())),
        (labels::BUILD_IMAGE, name),
        (labels::SOURCE_LOCATION, job.source.typed.clone()),
        ("org.opencontainers.image.created", jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ("org.opencontainers.image.base.name", base_name),
        ("org.opencontainers.image.base.digest", digest_of_base.to_owned()),
        (labels::VERSION, env!("CARGO_PKG_VERSION").to_owned()),
        (labels::BUILDER, builder.id.clone()),
        (labels::DESTINATION, images.contract.destination.clone()),
        (labels::SAVE_ARTIFACTS, save_artifacts),
    ];
    let entrypoint = if record.bypassed { "bypassed" } else { "kept" };
    labels.push((labels::ENTRYPOINT, entrypoint.to_owned()));
    let artifacts = if record.copied { "copied" } else { "" };
    labels.push((labels::ARTIFACTS, artifacts.to_owned()));
    let shell = if record.shell { "" } else { "missing" };
    labels.push((labels::SHELL, shell.to_owned()));
    labels.extend(job.naming.description.clone().map(|text| (labels::DESCRIPTION, text)));
    let sometimes = [
        (labels::DIGEST, digest(job, images, record)),
        ("org.opencontainers.image.revision", revision.commit),
        ("org.opencontainers.image.source", revision.remote),
        (labels::CONTEXT_DIR, job.source.context.clone()),
    ];
    let commit = job.source.commit.clone();
    let commit = |name, fact: fn(Commit) -> String| (name, commit.clone().map(fact));
    let commit = [
        commit("io.openshift.s2i.build.commit.id", |commit| commit.id),
        commit(labels::REFERENCE, |commit| commit.reference),
        commit("io.openshift.s2i.build.commit.author", |commit| commit.author),
        commit("io.openshift.s2i.build.commit.date", |commit| commit.date),
        commit("io.openshift.s2i.build.commit.message", |commit| commit.message),
    ];
    for (name, value) in sometimes.into_iter().chain(commit) {
        // Labels of the image below are inherited, so what does not hold any more has to be said, too.
        let stale = base.config.labels.contains_key(name);
        labels.extend(value.or(stale.then(String::new)).map(|value| (name, value)));
    }
    labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The full name by which the engine knows an image; given by id, it has no other name that could be told.
fn known_name(image: &Image, typed: &str) -> String {
    let full = full_name(typed);
    let known = image.repo_tags.iter().chain(&image.repo_digests).any(|known| full_name(known) == full);
    if known { full } else { typed.to_owned() }
}

/// A digest of all that decides what a build makes, but for the artifacts. `None` where the source was not read, and
/// where something was for `assemble` alone: a short secret could be guessed from it.
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
