//! What an image of ours says about itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

use super::Ground;
use super::commit::Look;
use super::prepare::Prepared;
use crate::contract::labels;
use crate::engine::image::full_name;
use crate::settings::{Job, Transfer};

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

/// A URL without the name and password that some people keep in it.
fn without_secrets(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit('@').next().unwrap_or(host);
            format!("{scheme}://{host}/{path}")
        }
        None => url.to_owned(),
    }
}

/// The look of the image that a prepared build will make.
pub fn look<'a>(
    job: &Job,
    ground: &'a Ground,
    prepared: &Prepared,
    git: GitFacts,
    metadata: Option<Vec<u8>>,
) -> anyhow::Result<Look<'a>> {
    let mut labels = labels(job, ground, prepared, git);
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
    Ok(Look {
        builder: &ground.builder,
        command: prepared.scripts.run.clone(),
        labels,
        entrypoint_changed: prepared.bypassed,
        user_changed: ground.contract.user.is_some() || job.run_options.iter().any(|option| is_user_option(option)),
    })
}

fn is_user_option(option: &str) -> bool {
    option == "-u" || option == "--user" || option.starts_with("--user=") || option.starts_with("-u=")
}

fn labels(job: &Job, ground: &Ground, prepared: &Prepared, git: GitFacts) -> Vec<(String, String)> {
    let builder = &ground.builder;
    let base = builder.repo_digests.first().and_then(|digest| digest.split('@').nth(1)).unwrap_or(&builder.id);
    let name = full_name(&job.builder);
    let known = builder.repo_tags.iter().chain(&builder.repo_digests);
    // Given by id, it has no other name that could be told.
    let name = if known.map(|known| full_name(known)).any(|known| known == name) { name } else { job.builder.clone() };
    let mut labels = vec![
        ("io.k8s.display-name", job.tag.clone()),
        ("io.openshift.s2i.build.image", name.clone()),
        ("io.openshift.s2i.build.source-location", job.source.typed.clone()),
        ("org.opencontainers.image.created", jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ("org.opencontainers.image.base.name", name),
        ("org.opencontainers.image.base.digest", base.to_owned()),
        (labels::VERSION, env!("CARGO_PKG_VERSION").to_owned()),
        (labels::BUILDER, builder.id.clone()),
        (labels::SAVE_ARTIFACTS, prepared.scripts.save_artifacts.clone().unwrap_or_default()),
    ];
    let entrypoint = if prepared.bypassed { "bypassed" } else { "kept" };
    labels.push((labels::ENTRYPOINT, entrypoint.to_owned()));
    let artifacts = if prepared.copied() { "copied" } else { "" };
    labels.push((labels::ARTIFACTS, artifacts.to_owned()));
    let sometimes = [
        (labels::DIGEST, digest(job, ground, prepared)),
        ("org.opencontainers.image.revision", git.revision),
        ("org.opencontainers.image.source", git.remote),
    ];
    for (name, value) in sometimes {
        // Labels of the builder are inherited, so what does not hold any more has to be said, too.
        let stale = builder.config.labels.contains_key(name);
        labels.extend(value.or(stale.then(String::new)).map(|value| (name, value)));
    }
    labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A digest of all that decides what a build makes, but for the artifacts. `None` where the source was not read.
pub fn digest(job: &Job, ground: &Ground, prepared: &Prepared) -> Option<String> {
    if job.transfer == Transfer::Mount {
        return None;
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(prepared.snapshot().digest()?.as_bytes());
    let facts = (
        &ground.builder.id,
        &prepared.inputs.variables,
        &prepared.inputs.own_scripts.iter().map(|own| (own.script.name(), &own.content)).collect::<Vec<_>>(),
        &job.run_options,
        job.keep_source,
        &ground.contract.destination,
    );
    hasher.update(&serde_json::to_vec(&facts).expect("text and bytes can be written as JSON"));
    Some(format!("blake3:{}", hasher.finalize().to_hex()))
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn passwords_do_not_get_into_labels() {
        assert_eq!(without_secrets("https://me:pw@host.example/a/b.git"), "https://host.example/a/b.git");
        assert_eq!(without_secrets("https://host.example/a@b"), "https://host.example/a@b");
        assert_eq!(without_secrets("git@host.example:a/b"), "git@host.example:a/b");
    }
}
