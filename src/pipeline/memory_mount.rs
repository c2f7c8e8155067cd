//! The option `--source-in-memory`: a tmpfs that is mounted on the folder for the source.

use anyhow::Result;

use super::context::BuildContext;
use super::images::Images;
use super::user_ids;
use crate::contract::image_path::join;
use crate::error::Error;
use crate::settings::Transfer;

/// The options of `docker run` that mount the tmpfs; none if the job does not ask for it.
///
/// # Errors
/// If the user that runs scripts is not given by number: the tmpfs needs a numeric owner before the container runs.
pub fn memory_options(cx: &BuildContext, images: &Images) -> Result<Vec<String>> {
    if cx.job.transfer != Transfer::Memory {
        return Ok(Vec::new());
    }
    let user = user_ids::script_user(cx, images);
    let Some((uid, gid)) = user_ids::parse_numeric(user) else {
        return Err(Error::engine(format!("`--source-in-memory` does not work with the builder's user `{user}`"))
            .hint("a numeric user is needed: set one in the image (`USER 1001:0`), or name one with `--assemble-user`")
            .into());
    };
    let path = join(&images.contract.destination, "src");
    Ok(vec!["--tmpfs".to_owned(), format!("{path}:exec,mode=0755,uid={uid},gid={gid}")])
}
