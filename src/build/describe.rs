//! What an image of ours says about itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

use super::Ground;
use super::commit::Look;
use super::inputs::Inputs;
use super::runtime::{Runtime, Stage};
use super::scripts::Chosen;
use crate::checkout::{Commit, without_secrets};
use crate::contract::labels;
use crate::engine::image::{Image, full_name};
use crate::settings::{Job, Transfer};
use crate::source::Snapshot;

/// What git knows about the source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GitFacts {
    pub revision: Option<String>,
    pub remote: Option<String>,
}

/// The question to git, under way.
pub struct Revision(Option<JoinHandle<GitFacts>>);

impl Revision {
    /// Asks git about the source, if it lies in a work tree; returns at once.
    pub fn look(source: &Path) -> Self {
        let tracked = source.ancestors().any(|folder| folder.join(".git").exists());
        let source = source.to_owned();
        Self(tracked.then(|| std::thread::spawn(move || ask_git(&source))))
    }

    /// What git said; nothing when it is not installed or knows nothing.
    pub fn wait(self) -> GitFacts {
        self.0.and_then(|asking| asking.join().ok()).unwrap_or_default()
    }
}

fn ask_git(source: &PathBuf) -> GitFacts {
    let git = |args: &[&str]| {
        let output = Command::new("git").arg("-C").arg(source).args(args).stdin(Stdio::null()).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (output.status.success() && !text.is_empty()).then_some(text)
    };
    GitFacts {
        revision: git(&["rev-parse", "--verify", "--quiet", "HEAD"]),
        remote: git(&["config", "--get", "remote.origin.url"]).map(|url| without_secrets(&url)),
    }
}

/// What a build was made with, as far as its image tells.
pub struct Made<'a> {
    /// The source as it was sent.
    pub snapshot: &'a Snapshot,
    pub scripts: &'a Chosen,
    pub inputs: &'a Inputs,
    /// The builder's ENTRYPOINT was not in force.
    pub bypassed: bool,
    /// Artifacts came by files that `save-artifacts` copied.
    pub copied: bool,
    /// The builder has a shell.
    pub shell: bool,
}

/// The look of the image that a build will make.
pub fn look<'a>(
    job: &Job,
    ground: &'a Ground,
    made: &Made,
    stage: Option<&Stage>,
    git: GitFacts,
    metadata: Option<Vec<u8>>,
) -> anyhow::Result<Look<'a>> {
    let mut labels = labels(job, ground, made, git);
    if let Some(text) = metadata {
        labels.extend(labels::from_metadata(&text).map_err(|error| {
            crate::failure::Failure::engine(format!(
                "cannot use the labels that `assemble` left in {}",
                labels::METADATA_FILE
            ))
            .because(error)
            .hint("see that `assemble` writes well-formed JSON with text values there")
        })?);
    }
    let Some((runtime, stage)) = ground.runtime.as_ref().zip(stage) else {
        return Ok(Look {
            base: &ground.builder,
            command: vec![made.scripts.run.clone()],
            labels,
            entrypoint_changed: made.bypassed,
            user_changed: ground.contract.user.is_some() || job.user_option().is_some(),
        });
    };
    Ok(Look {
        base: &runtime.image,
        command: stage.command.clone(),
        labels,
        entrypoint_changed: stage.bypassed,
        user_changed: stage.user_changed,
    })
}

fn labels(job: &Job, ground: &Ground, made: &Made, git: GitFacts) -> Vec<(String, String)> {
    let builder = &ground.builder;
    let name = known_name(builder, &job.builder);
    let (base, base_name) = match (&ground.runtime, &job.runtime) {
        (Some(runtime), Some(asked)) => (&runtime.image, known_name(&runtime.image, &asked.image)),
        _ => (builder, name.clone()),
    };
    let digest_of_base = base.repo_digests.first().and_then(|digest| digest.split('@').nth(1)).unwrap_or(&base.id);
    // An image without the builder has none of its scripts.
    let save_artifacts = made.scripts.save_artifacts.clone().filter(|_| ground.runtime.is_none());
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
        (labels::DESTINATION, ground.contract.destination.clone()),
        (labels::SAVE_ARTIFACTS, save_artifacts),
    ];
    let entrypoint = if made.bypassed { "bypassed" } else { "kept" };
    labels.push((labels::ENTRYPOINT, entrypoint.to_owned()));
    let artifacts = if made.copied { "copied" } else { "" };
    labels.push((labels::ARTIFACTS, artifacts.to_owned()));
    let shell = if made.shell { "" } else { "missing" };
    labels.push((labels::SHELL, shell.to_owned()));
    labels.extend(job.naming.description.clone().map(|text| (labels::DESCRIPTION, text)));
    let sometimes = [
        (labels::DIGEST, digest(job, ground, made)),
        ("org.opencontainers.image.revision", git.revision),
        ("org.opencontainers.image.source", git.remote),
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
pub fn digest(job: &Job, ground: &Ground, made: &Made) -> Option<String> {
    if job.transfer == Transfer::Mount || !made.inputs.private.is_empty() {
        return None;
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(made.snapshot.digest()?.as_bytes());
    let facts = (
        &ground.builder.id,
        &made.inputs.variables,
        &made.inputs.own_scripts.iter().map(|own| (own.script.name(), &own.content)).collect::<Vec<_>>(),
        &job.run_options,
        (&job.naming.application, &job.naming.description),
        job.keep_source,
        &ground.contract.destination,
        (ground.runtime.as_ref().map(Runtime::facts), &made.inputs.runtime_script),
        &ground.contract.user,
        (&made.scripts.assemble, &made.scripts.run),
    );
    hasher.update(&serde_json::to_vec(&facts).expect("text and bytes can be written as JSON"));
    Some(format!("blake3:{}", hasher.finalize().to_hex()))
}
