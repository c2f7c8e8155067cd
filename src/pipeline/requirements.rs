//! What an image must have for a build, and the errors for one that lacks it.

use anyhow::Result;

use super::container::protocol::{Destination, Greeting};
use crate::contract::Contract;
use crate::error::Error;

/// Checks that the image called `builder` has a folder for the upload.
///
/// # Errors
/// If the folder does not exist or the container's user cannot write to it.
pub fn check_destination(greeting: &Greeting, contract: &Contract, builder: &str) -> Result<()> {
    let path = &contract.destination;
    match greeting.destination {
        Destination::Ok => Ok(()),
        Destination::Missing => Err(no_destination(path, builder)),
        Destination::ReadOnly => Err(Error::engine(format!("the builder's user may not write to `{path}`"))
            .hint(
                "make the user the owner of that folder in the builder's Dockerfile, or name another one with `--destination DIR` \
                 or the label `io.openshift.s2i.destination`",
            )
            .into()),
    }
}

/// The error for a builder that has no folder `path` for the upload.
pub fn no_destination(path: &str, builder: &str) -> anyhow::Error {
    Error::engine(format!("the builder `{builder}` has no folder `{path}` for the source"))
        .hint(
            "make it in the builder's Dockerfile, or name another one with `--destination DIR` or the label \
             `io.openshift.s2i.destination`",
        )
        .into()
}

/// The error for `--source-in memory` with a builder without a shell or `tar`: the engine would unpack the source into
/// the folder below the mounted tmpfs.
pub fn memory_needs_tar(builder: &str) -> anyhow::Error {
    Error::engine(format!("`--source-in memory` needs a shell and `tar` in the builder `{builder}`"))
        .hint("add them in the builder's Dockerfile, or leave the option out")
        .into()
}

/// The error for secrets with a builder that has no shell to receive them.
pub fn secrets_need_shell(builder: &str) -> anyhow::Error {
    Error::engine(format!("`{builder}` has no `/bin/sh`, which `--build-env`, `--secret` and `--inject` need"))
        .hint("`--volume FOLDER:/WHERE:ro` shows a folder to `assemble` without getting it into the image")
        .into()
}
