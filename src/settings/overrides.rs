//! Options about scripts, places and users, which override the labels of an image.

use anyhow::Result;

use crate::cli::job::JobArgs;
use crate::contract::Overrides;
use crate::contract::fetch;
use crate::contract::scripts_url::ScriptsUrl;
use crate::contract::users::UidRanges;
use crate::error::Error;

/// The overrides for these arguments.
///
/// # Errors
/// When an option is empty, or does not name a place that can be used.
pub fn overrides(args: &JobArgs) -> Result<Overrides> {
    Ok(Overrides {
        scripts: args.scripts_url.as_deref().map(scripts).transpose()?,
        fallback: args.image_scripts_url.as_deref().map(fallback).transpose()?,
        destination: args
            .destination
            .as_deref()
            .map(|text| non_empty("--destination", text, "a folder"))
            .transpose()?,
        user: args.assemble_user.as_deref().map(|text| non_empty("--assemble-user", text, "a user")).transpose()?,
    })
}

/// Parses the value of `--allowed-uids`.
///
/// # Errors
/// When it is not a list of ranges of ids.
pub fn ranges(text: &str) -> Result<UidRanges> {
    UidRanges::parse(text).map_err(|fault| {
        Error::usage(format!("`--allowed-uids {text}` cannot be used: {fault}"))
            .hint("give ranges of numeric users, such as `1-` or `1000-2000,3000`")
            .into()
    })
}

/// Parses the value of `--scripts-url`.
fn scripts(text: &str) -> Result<ScriptsUrl> {
    let place = ScriptsUrl::parse(text).map_err(|fault| {
        Error::usage(format!("`--scripts-url {text}` cannot be used: it {fault}"))
            .hint("write `image:///FOLDER` for the image, `file:///FOLDER` or a path for this machine, or `http(s)://`")
    })?;
    if let ScriptsUrl::Web(_) = place {
        fetch::required_by("`--scripts-url`")?;
    }
    let ScriptsUrl::Folder(folder) = place else { return Ok(place) };
    if folder.is_dir() {
        return Ok(ScriptsUrl::Folder(std::path::absolute(folder)?));
    }
    let hint = if text.contains("://") {
        "name the folder in which the scripts are; `image:///FOLDER` is one of the builder image"
    } else {
        "a path without `image://` before it is one of this machine; in the image it is `image:///FOLDER`"
    };
    Err(Error::usage(format!("`--scripts-url {text}` cannot be used: there is no such folder on this machine"))
        .hint(hint)
        .into())
}

/// Parses the value of `--image-scripts-url`.
fn fallback(text: &str) -> Result<String> {
    match ScriptsUrl::parse(text) {
        Ok(ScriptsUrl::Image(folder)) => Ok(folder),
        _ => Err(Error::usage(format!("`--image-scripts-url {text}` names no folder of the image"))
            .hint("write `image:///FOLDER`; other places are for `--scripts-url`")
            .into()),
    }
}

/// Checks that the value of an option is not empty; `what` is what it should be.
fn non_empty(option: &str, text: &str, what: &str) -> Result<String> {
    if text.is_empty() {
        return Err(Error::usage(format!("`{option}` is empty")).hint(format!("give {what}")).into());
    }
    Ok(text.to_owned())
}
