//! The source in memory: a file system of its own, mounted where the source goes.

use anyhow::Result;

use super::context::BuildContext;
use super::images::Images;
use super::user_ids;
use crate::contract::image_path::join;
use crate::error::Error;
use crate::settings::Transfer;

/// Options that mount memory where the source goes, if that is wanted.
///
/// # Errors
/// A user whose number is not known before the container runs: the folder could not be given to that user.
pub fn memory_options(cx: &BuildContext, images: &Images) -> Result<Vec<String>> {
    if cx.job.transfer != Transfer::Memory {
        return Ok(Vec::new());
    }
    let user = user_ids::name(cx, images);
    let Some((uid, gid)) = user_ids::number(user) else {
        return Err(Error::engine(format!("`--source-in-memory` does not work with the builder's user `{user}`"))
            .hint("it needs a number: give the image one (`USER 1001:0`), or name one with `--assemble-user`")
            .into());
    };
    let place = join(&images.contract.destination, "src");
    Ok(vec!["--tmpfs".to_owned(), format!("{place}:exec,mode=0755,uid={uid},gid={gid}")])
}
