//! What a builder must have for a build, and the errors for one that lacks it.

use anyhow::Result;

use super::container::protocol::{Destination, Greeting};
use crate::contract::Contract;
use crate::error::Error;

/// Whether an image can take an upload.
///
/// # Errors
/// What it lacks.
pub fn check_destination(greeting: &Greeting, contract: &Contract, builder: &str) -> Result<()> {
    let place = &contract.destination;
    match greeting.destination {
        Destination::Ok => Ok(()),
        Destination::Missing => Err(no_destination(place, builder)),
        Destination::ReadOnly => Err(Error::engine(format!("the builder's user may not write to `{place}`"))
            .hint(
                "make that folder the user's in the builder's Dockerfile, or name another one with `--destination DIR` \
                 or the label `io.openshift.s2i.destination`",
            )
            .into()),
    }
}

/// The error for a builder without a folder for the upload.
pub fn no_destination(place: &str, builder: &str) -> anyhow::Error {
    Error::engine(format!("the builder `{builder}` has no folder `{place}` for the source"))
        .hint(
            "make it in the builder's Dockerfile, or name another one with `--destination DIR` or the label \
             `io.openshift.s2i.destination`",
        )
        .into()
}

/// The error for a builder into which the engine unpacks: it would do so below what is mounted.
pub fn memory_needs_tar(builder: &str) -> anyhow::Error {
    Error::engine(format!("`--source-in-memory` needs a shell and `tar` in the builder `{builder}`"))
        .hint("add them in the builder's Dockerfile, or leave the option out")
        .into()
}

/// The error for what is for `assemble` alone, in a builder without a shell that could take it.
pub fn secrets_need_shell(builder: &str) -> anyhow::Error {
    Error::engine(format!("`{builder}` has no `/bin/sh`, which `--build-env`, `--secret` and `--inject` need"))
        .hint("`--volume FOLDER:/WHERE:ro` shows a folder to `assemble` without getting it into the image")
        .into()
}
