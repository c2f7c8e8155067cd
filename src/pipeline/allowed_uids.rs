//! The option `--allowed-uids`: checks the users of the images of a build before a script runs.

use anyhow::Result;

use super::context::BuildContext;
use crate::contract::Contract;
use crate::engine::image::Image;
use crate::error::Error;
use crate::report::topic::Topic;
use crate::settings::Job;

/// Checks the user of the builder and the user that runs `assemble`. As in the reference implementation, the builder's
/// user must be allowed even if `assemble` runs as another user, since the new image runs as the builder's user.
///
/// # Errors
/// If a user is not allowed, or is given by name, which may stand for any id.
pub fn check_users(job: &Job, builder: &Image, contract: &Contract) -> Result<()> {
    let Some(allowed) = &job.allowed_uids else { return Ok(()) };
    if let Some(objection) = allowed.objection(&builder.config.user) {
        return Err(Error::engine(format!("the builder `{}` runs as {objection}", job.builder))
            .hint("set a numeric USER in the builder that `--allowed-uids` includes (`USER 1001`), or allow this user")
            .into());
    }
    let hint = "name a numeric user that `--allowed-uids` has with `--assemble-user`, or allow that one";
    let from_options = [job.user_option(), job.overrides.user.as_deref()].into_iter().flatten();
    if let Some(objection) = from_options.filter_map(|user| allowed.objection(user)).next() {
        return Err(Error::usage(format!("`assemble` would run as {objection}")).hint(hint).into());
    }
    match contract.user.as_deref().and_then(|user| allowed.objection(user)) {
        None => Ok(()),
        Some(objection) => {
            Err(Error::engine(format!("a label of the builder `{}` makes `assemble` run as {objection}", job.builder))
                .hint(hint)
                .into())
        }
    }
}

/// Whether `save-artifacts` of the image `previous` may run; warns if it may not.
pub fn may_run_save_artifacts(cx: &BuildContext, previous: &Image) -> bool {
    let Some(allowed) = &cx.job.allowed_uids else { return true };
    // A user that an option names was checked together with the builder.
    let checked = cx.job.overrides.user.is_some() || cx.job.user_option().is_some();
    let objection = if checked { None } else { allowed.objection(&previous.config.user) };
    let warning = objection
        .as_ref()
        .map(|objection| format!("building without artifacts: the previous image runs as {objection}"));
    cx.reporter.warn_about(Topic::PreviousUser, warning.as_deref());
    objection.is_none()
}
