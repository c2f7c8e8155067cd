//! Options about the runtime image, and which artifacts are copied into it.

use anyhow::Result;

use super::image_name;
use crate::cli::choices::PullPolicy;
use crate::cli::options::RuntimeArgs;
use crate::error::Error;

/// The options about the runtime image.
#[derive(Clone, Debug)]
pub struct RuntimeOptions {
    pub image: String,
    /// If there are none, a label of the image names them.
    pub artifacts: Vec<Artifact>,
    /// The user that runs `assemble-runtime`, if it is not for the image to say.
    pub user: Option<String>,
    pub pull: PullPolicy,
}

/// A file or folder that `assemble` made, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The path in the build container.
    pub from: String,
    /// The folder of the runtime image that it is copied into, absolute or relative to the image's WORKDIR.
    pub to: String,
}

impl RuntimeOptions {
    /// The options for these arguments; `None` without a runtime image.
    ///
    /// # Errors
    /// When the name cannot be that of an image, or an artifact is malformed.
    pub fn new(args: &RuntimeArgs) -> Result<Option<Self>> {
        let Some(image) = &args.runtime_image else { return Ok(None) };
        image_name::check_builder(image)?;
        let artifacts: Result<Vec<_>> = args.runtime_artifact.iter().map(|text| artifact(text)).collect();
        let user = args.assemble_runtime_user.clone();
        Ok(Some(Self { image: image.clone(), artifacts: artifacts?, user, pull: args.runtime_pull_policy }))
    }
}

/// Parses the artifacts that a label names: `PATH[:PLACE]`, separated by `;`.
///
/// # Errors
/// When an artifact is malformed.
pub fn artifacts_from_label(text: &str) -> Result<Vec<Artifact>> {
    text.split(';').map(str::trim).filter(|text| !text.is_empty()).map(artifact).collect()
}

/// Parses `PATH[:PLACE]`.
fn artifact(text: &str) -> Result<Artifact> {
    let (from, to) = text.split_once(':').unwrap_or((text, ""));
    if !from.starts_with('/') || to.split('/').any(|part| part == "..") {
        return Err(Error::usage(format!("`{text}` is not a valid runtime artifact"))
            .hint("write `--runtime-artifact /PATH` or `/PATH:PLACE`; PLACE is a folder, from the runtime image's WORKDIR")
            .into());
    }
    // Never empty, and never anything that a command could take for an option.
    let to = match to {
        "" => ".".to_owned(),
        to if to.starts_with('/') => to.to_owned(),
        to => format!("./{to}"),
    };
    Ok(Artifact { from: from.to_owned(), to })
}

#[cfg(test)]
mod tests {
    use super::{Artifact, artifact, artifacts_from_label};

    #[test]
    fn an_artifact_has_a_path_and_maybe_a_place() {
        let of = |from: &str, to: &str| Artifact { from: from.to_owned(), to: to.to_owned() };
        assert_eq!(artifact("/app/x.war").unwrap(), of("/app/x.war", "."));
        assert_eq!(artifact("/app/x.war:deploy/it").unwrap(), of("/app/x.war", "./deploy/it"));
        assert_eq!(artifacts_from_label("/a:b; /c:/d;").unwrap(), [of("/a", "./b"), of("/c", "/d")]);
        assert!(artifact("x").is_err() && artifact("/x:../y").is_err() && artifact("").is_err());
    }
}
