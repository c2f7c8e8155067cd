//! Whether the users who would run scripts may do so, as `--allowed-uids` has it.

use anyhow::Result;

use super::context::BuildContext;
use crate::contract::Contract;
use crate::engine::image::Image;
use crate::error::Error;
use crate::settings::Job;

/// Checks the users of the build container before there is one. As in the reference, the image's own user has to be
/// allowed also where somebody else runs `assemble`: the result runs as him.
///
/// # Errors
/// A user that is not allowed, or of whom that can not be known.
pub fn check(job: &Job, builder: &Image, contract: &Contract) -> Result<()> {
    let Some(allowed) = &job.allowed_uids else { return Ok(()) };
    if let Some(objection) = allowed.objection(&builder.config.user) {
        return Err(Error::engine(format!("the builder `{}` runs as {objection}", job.builder))
            .hint("give it a numeric USER that `--allowed-uids` has (`USER 1001`), or allow that one")
            .into());
    }
    let hint = "name a numeric user that `--allowed-uids` has with `--assemble-user`, or allow that one";
    let asked = [job.user_option(), job.overrides.user.as_deref()].into_iter().flatten();
    if let Some(objection) = asked.filter_map(|user| allowed.objection(user)).next() {
        return Err(Error::usage(format!("`assemble` would run as {objection}")).hint(hint).into());
    }
    match contract.user.as_deref().and_then(|user| allowed.objection(user)) {
        None => Ok(()),
        Some(objection) => {
            Err(Error::engine(format!("a label of the builder `{}` has `assemble` run as {objection}", job.builder))
                .hint(hint)
                .into())
        }
    }
}

/// Whether the previous image's `save-artifacts` may run; says so if not.
pub fn may_save(cx: &BuildContext, previous: &Image) -> bool {
    let Some(allowed) = &cx.job.allowed_uids else { return true };
    // Who else could run it was checked with the builder.
    let checked = cx.job.overrides.user.is_some() || cx.job.user_option().is_some();
    let objection = if checked { None } else { allowed.objection(&previous.config.user) };
    if let Some(objection) = &objection {
        cx.reporter.warn(&format!("building without artifacts: the previous image runs as {objection}"));
    }
    objection.is_none()
}
